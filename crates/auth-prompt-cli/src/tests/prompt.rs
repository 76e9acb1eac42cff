use std::sync::{Arc, Mutex};

use auth_core::Foreign;

use super::*;

#[test]
fn only_whole_numbers_of_the_menu_are_choices() {
    let cases = [
        ("1", Some(0)),
        ("3", Some(2)),
        ("03", Some(2)),
        ("0", None),
        ("4", None),
        ("+1", None),
        ("-1", None),
        ("1.0", None),
        ("toy", None),
        ("1 2", None),
        ("١", None),
        ("18446744073709551617", None),
    ];
    for (typed, expected) in cases {
        assert_eq!(dialogue::chosen(typed, 3), expected, "{typed}");
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn notices_go_where_they_are_told_to_and_one_that_cannot_be_told_is_dropped() {
    let notice = Notice::Confirmation(Foreign::from("Welcome,\nalice"));
    let sink = Sink::default();
    let prompt = TerminalPrompt::with_notices(sink.clone());
    prompt.tell(&notice);
    prompt.tell(&notice);
    assert_eq!(
        *sink.0.lock().unwrap(),
        b"Server: Welcome,\nServer: alice\nServer: Welcome,\nServer: alice\n"
    );
    TerminalPrompt::with_notices(Broken).tell(&notice);
}
