use std::io;
use std::sync::{Arc, Mutex};

use auth_core::Foreign;

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type End<'a> = &'a dyn Fn(&mut Notices);

fn approval(seconds: u64) -> Notice {
    Notice::Approval { left: Duration::from_secs(seconds) }
}

fn line(left: &str) -> String {
    format!("Waiting for the approval in the browser ({left} left) ...")
}

#[test]
fn a_countdown_is_one_line_that_is_taken_back_before_anything_else() {
    let welcome = Notice::Confirmation(Foreign::from("Welcome"));
    let blank = format!("\r{}\r", " ".repeat(line("1:00").len()));
    let ends: [(&str, End<'_>, &str); 4] = [
        ("another notice", &|notices| notices.tell(&welcome), "Server: Welcome\n"),
        ("a question", &Notices::take_back, ""),
        ("no time left", &|notices| notices.tell(&approval(0)), ""),
        ("dropped", &|_| {}, ""),
    ];
    for (name, end, after) in ends {
        let sink = Sink::default();
        let mut notices = Notices::new(sink.clone(), true);
        notices.tell(&approval(602));
        notices.tell(&approval(60));
        end(&mut notices);
        drop(notices);
        assert_eq!(sink.text(), format!("\r{}\r{} {blank}{after}", line("10:02"), line("1:00")), "{name}");
    }
}

#[test]
fn where_a_line_cannot_be_taken_back_a_countdown_is_told_seldom() {
    let sink = Sink::default();
    let mut notices = Notices::new(sink.clone(), false);
    for seconds in [180, 178, 151, 150, 121, 120, 119, 180, 0] {
        notices.tell(&approval(seconds));
    }
    drop(notices);
    let lines = ["3:00", "2:30", "2:00", "3:00"].map(|left| line(left) + "\n");
    assert_eq!(sink.text(), lines.concat());
}
