use std::fs::{self, File};
use std::path::Path;

use auth_core::session::Session;

use super::*;
use crate::samples::key;

const OLD: Duration = Duration::from_hours(1);
const NEW: Duration = Duration::ZERO;

/// Names, contents and ages.
type Files<'a> = &'a [(&'a str, &'a [u8], Duration)];

/// A directory as the Python client writes it, each file so long ago.
fn written(files: &[(&str, &[u8], Duration)], folder_age: Duration) -> (tempfile::TempDir, Snapshot) {
    let temporary = tempfile::tempdir().unwrap();
    for (name, content, age) in files {
        fs::write(temporary.path().join(name), content).unwrap();
        aged(&temporary.path().join(name), *age);
    }
    aged(temporary.path(), folder_age);
    let dir = Dir::open(temporary.path(), &[], false).unwrap().unwrap();
    let snapshot = Snapshot::read(&dir, Name::all(&key())).unwrap();
    (temporary, snapshot)
}

fn aged(path: &Path, age: Duration) {
    File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

fn sidecar(sessions: &[(&str, &str)]) -> Sidecar {
    let mut sidecar = Sidecar::default();
    let token = |text: &str| (!text.is_empty()).then(|| Secret::from(text));
    for (access, refresh) in sessions {
        let tokens = Tokens { access: token(access), refresh: token(refresh), ..Tokens::default() };
        let there = Digests::of(&tokens);
        sidecar.list(&key(), &Session { tokens, ..Session::default() }, there);
    }
    sidecar
}

fn shown(tokens: &Tokens) -> String {
    let text = |token: &Option<Secret>| token.as_ref().map_or("-".to_owned(), |t| t.expose().to_owned());
    format!("{} {} {}", text(&tokens.access), text(&tokens.refresh), text(&tokens.id))
}

#[test]
fn tokens_are_trimmed_and_what_is_no_token_is_none_f4() {
    let long = vec![b'x'; 64 * 1024 + 1];
    let longest = vec![b'x'; 64 * 1024];
    let cases: [(&[u8], Option<usize>, bool); 14] = [
        (b"abc.def-_", Some(9), false),
        (b"abc\n", Some(3), false),
        (b" \t abc \r\n", Some(3), false),
        (b"a b", Some(3), false),
        (b"", None, false),
        (b" \n\t", None, false),
        (b"a\nb", None, true),
        (b"a\tb", None, true),
        (b"abc\0", None, true),
        (&[0; 100], None, true),
        ("abcé".as_bytes(), None, true),
        (b"\xff\xfe\xfd", None, true),
        (&longest, Some(64 * 1024), false),
        (&long, None, true),
    ];
    for (content, length, damaged) in cases {
        let (_temporary, snapshot) = written(&[("access_token", content, OLD)], OLD);
        assert_eq!(snapshot.tokens().access.as_ref().map(Secret::len), length, "{content:?}");
        assert_eq!(snapshot.damaged().count() == 1, damaged);
        assert!(snapshot.is_settled(&Sidecar::default(), SystemTime::now()));
    }
}

/// What a reader sees at each moment while the Python client works. `a0` and `r0` are ours.
#[test]
fn what_python_is_in_the_middle_of_writing_is_not_believed() {
    const ACCESS: &str = "access_token";
    const REFRESH: &str = "refresh_token";
    let cases: [(&str, Files<'_>, Duration, bool); 16] = [
        ("before", &[(ACCESS, b"a0", NEW), (REFRESH, b"r0", NEW)], NEW, true),
        ("access token refused and removed", &[(REFRESH, b"r0", OLD)], NEW, false),
        ("refresh token truncated", &[(REFRESH, b"", NEW)], OLD, false),
        ("refresh token half written", &[(REFRESH, b"r", NEW)], OLD, false),
        ("refresh token written", &[(REFRESH, b"r1", NEW)], OLD, false),
        ("access token touched", &[(REFRESH, b"r1", NEW), (ACCESS, b"", NEW)], NEW, false),
        ("access token half written", &[(REFRESH, b"r1", NEW), (ACCESS, b"a", NEW)], NEW, false),
        ("access token written", &[(REFRESH, b"r1", NEW), (ACCESS, b"a1", NEW)], NEW, false),
        ("a moment later", &[(REFRESH, b"r1", OLD), (ACCESS, b"a1", OLD)], OLD, true),
        ("over our own", &[(REFRESH, b"", NEW), (ACCESS, b"a0", OLD)], OLD, false),
        ("the second over our own", &[(REFRESH, b"r1", NEW), (ACCESS, b"a0", OLD)], OLD, false),
        ("killed after the first", &[(REFRESH, b"r1", OLD), (ACCESS, b"a0", OLD)], OLD, true),
        ("killed after truncating", &[(REFRESH, b"", OLD), (ACCESS, b"a0", OLD)], OLD, true),
        ("killed before renewing", &[(REFRESH, b"r0", OLD)], OLD, true),
        ("signed out", &[], NEW, true),
        ("a damaged one, just now", &[(REFRESH, b"r0", OLD), (ACCESS, b"\xff", NEW)], NEW, false),
    ];
    let sidecar = sidecar(&[("a0", "r0")]);
    for (moment, files, folder, settled) in cases {
        let (_temporary, snapshot) = written(files, folder);
        assert_eq!(snapshot.is_settled(&sidecar, SystemTime::now()), settled, "{moment}");
    }
}

/// The same with tokens that show by themselves that they are whole, as Tiled's do: nobody waits for what is there.
#[test]
fn a_pair_that_is_seen_to_be_whole_is_believed_at_once() {
    const ACCESS: &str = "access_token";
    const REFRESH: &str = "refresh_token";
    let token = |claims: &str| format!("eyJhbGciOiJIUzI1NiJ9.{claims}.{}", "A".repeat(43));
    let (a1, r1) = (token("YTE"), token("cjE"));
    let (a1, r1) = (a1.as_bytes(), r1.as_bytes());
    let before = Duration::from_millis(20);
    let cases: [(&str, Files<'_>, bool); 7] = [
        ("refresh token half written", &[(REFRESH, &r1[..60], NEW), (ACCESS, b"a0", OLD)], false),
        ("refresh token written", &[(REFRESH, r1, NEW), (ACCESS, b"a0", OLD)], false),
        ("refresh token written first", &[(REFRESH, r1, NEW)], false),
        ("access token half written", &[(REFRESH, r1, before), (ACCESS, &a1[..60], NEW)], false),
        ("all but a byte written", &[(REFRESH, r1, before), (ACCESS, &a1[..a1.len() - 1], NEW)], false),
        ("access token written", &[(REFRESH, r1, before), (ACCESS, a1, NEW)], true),
        ("another's refresh token after that", &[(REFRESH, r1, NEW), (ACCESS, a1, before)], false),
    ];
    let sidecar = sidecar(&[("a0", "r0")]);
    for (moment, files, settled) in cases {
        let (_temporary, snapshot) = written(files, NEW);
        assert_eq!(snapshot.is_settled(&sidecar, SystemTime::now()), settled, "{moment}");
    }
}

#[test]
fn a_session_of_ours_without_an_access_token_is_whole_at_once() {
    let (_temporary, snapshot) = written(&[("refresh_token", b"r0", NEW)], NEW);
    assert!(!snapshot.is_settled(&sidecar(&[("a0", "r0")]), SystemTime::now()));
    assert!(snapshot.is_settled(&sidecar(&[("", "r0")]), SystemTime::now()));
}

#[test]
fn nobody_waits_for_a_file_from_the_future() {
    let temporary = tempfile::tempdir().unwrap();
    fs::write(temporary.path().join("access_token"), "a").unwrap();
    let dir = Dir::open(temporary.path(), &[], false).unwrap().unwrap();
    let file = File::options().write(true).open(temporary.path().join("access_token")).unwrap();
    let now = SystemTime::now();
    for (ahead, settled) in [(1, false), (3_600, true)] {
        file.set_modified(now + Duration::from_secs(ahead)).unwrap();
        assert_eq!(
            Snapshot::read(&dir, Name::all(&key())).unwrap().is_settled(&Sidecar::default(), now),
            settled
        );
    }
    file.set_modified(SystemTime::UNIX_EPOCH - Duration::from_secs(9)).unwrap();
    assert!(Snapshot::read(&dir, Name::all(&key())).unwrap().is_settled(&Sidecar::default(), now));
}

#[test]
fn a_change_between_two_looks_is_noticed() {
    type Make = fn(&Path);
    let changes: [(&str, Make); 5] = [
        ("rewritten", |path| fs::write(path.join("access_token"), "a1").unwrap()),
        ("removed", |path| fs::remove_file(path.join("refresh_token")).unwrap()),
        ("made", |path| fs::write(path.join("id_token"), "i").unwrap()),
        ("replaced by its equal", |path| {
            fs::write(path.join("n"), "a0").unwrap();
            fs::rename(path.join("n"), path.join("access_token")).unwrap();
        }),
        ("touched", |path| aged(&path.join("access_token"), NEW)),
    ];
    for (change, make) in changes {
        let (temporary, snapshot) =
            written(&[("access_token", b"a0", OLD), ("refresh_token", b"r0", OLD)], OLD);
        assert!(snapshot.is_unchanged().unwrap());
        assert_eq!(shown(&snapshot.tokens()), "a0 r0 -");
        make(temporary.path());
        assert!(!snapshot.is_unchanged().unwrap(), "{change}");
    }
}
