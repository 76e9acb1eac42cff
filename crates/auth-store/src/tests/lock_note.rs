use proptest::prelude::*;

use super::*;

#[test]
fn a_note_says_which_process_it_is_of_and_is_read_again_f7() {
    let note = Note::ours(7);
    assert_eq!(Note::read(note.text().as_bytes()), Some(note.clone()));
    assert_eq!(note.is_gone(), Some(false));
    assert_eq!(
        note.clone().into_holder(),
        Holder { pid: Some(process::id()), host: os::host(), stopped: false }
    );
    let later = Note { started: note.started.map(|started| started + 1), ..note.clone() };
    assert_eq!(later.is_gone(), Some(true), "another process has its number now");
    for elsewhere in [
        Note { machine: Some("another".to_owned()), ..note.clone() },
        Note { machine: None, ..note.clone() },
        Note { started: None, ..note },
    ] {
        assert_eq!(elsewhere.is_gone(), None);
    }
}

#[test]
fn what_is_no_note_is_none_f6() {
    let whole = "12 345 abc 0000000000000007 a host\n";
    let note = Note::read(whole.as_bytes()).unwrap();
    assert_eq!((note.pid, note.started, note.host.as_str()), (12, Some(345), "a host"));
    for cut in 0..whole.len() {
        assert_eq!(Note::read(&whole.as_bytes()[..cut]), None, "{cut} bytes of it");
    }
    for (text, is_note) in [
        ("12 - - 7 \n", true),
        ("12 - - 7\n", false),
        ("-1 - - 7 h\n", false),
        ("12 x abc 7 h\n", false),
        ("99999999999 - - 7 h\n", false),
        ("\0\0\0\0\n", false),
        ("\n", false),
    ] {
        assert_eq!(Note::read(text.as_bytes()).is_some(), is_note, "{text:?}");
    }
    assert_eq!(Note::read(b"12 - - 7 \xff\n"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_note_or_none_p9(bytes: Vec<u8>) {
        if let Some(note) = Note::read(&bytes) {
            let _ = (note.is_gone(), note.into_holder());
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_written_p9(
        pid: u32, started: Option<u64>, machine in proptest::option::of("[0-9a-f]{1,32}"), host: String,
    ) {
        let note = Note { pid, started, machine, random: "7".to_owned(), host };
        prop_assert_eq!(Note::read(note.text().as_bytes()), Some(note));
    }
}
