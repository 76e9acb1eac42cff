use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::*;
use crate::steps::script::{Script, under};

struct Folder {
    temporary: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { temporary: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn dir(&self) -> Dir {
        Dir::open(self.temporary.path(), &[], false).unwrap().unwrap()
    }

    fn spot(&self, name: &str) -> Spot {
        self.dir().spot(name, true).unwrap().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.temporary.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn steps(log: &[(Step, String)]) -> Vec<Step> {
    log.iter().map(|(step, _)| *step).collect()
}

#[test]
fn a_file_is_made_beside_made_durable_and_renamed_f1() {
    let folder = Folder::new();
    let expected = [Step::Create, Step::Write, Step::Sync, Step::Rename, Step::SyncDirectory];
    for content in ["first", "second, longer", ""] {
        let (done, log) = under(Script::Pass, || replace(&folder.spot("x"), content.as_bytes()));
        done.unwrap();
        assert_eq!(steps(&log), expected);
        assert_eq!(fs::read_to_string(folder.path("x")).unwrap(), content);
        assert_eq!((folder.names(), mode(&folder.path("x"))), (vec!["x".to_owned()], 0o600));
    }
    let (done, log) = under(Script::Pass, || remove(&folder.spot("x")));
    done.unwrap();
    assert_eq!(steps(&log), [Step::Unlink, Step::SyncDirectory]);
    assert!(folder.names().is_empty());
    remove(&folder.spot("x")).unwrap();
}

#[test]
fn stopped_anywhere_the_old_or_the_new_content_is_there_f4() {
    for stop in 0..=5 {
        let folder = Folder::new();
        replace(&folder.spot("x"), b"old").unwrap();
        let (done, _) = under(Script::StopAfter(stop), || replace(&folder.spot("x"), b"new"));
        let content = fs::read_to_string(folder.path("x")).unwrap();
        assert_eq!((content.as_str(), done.is_ok()), (if stop < 4 { "old" } else { "new" }, stop == 5));
    }
}

#[test]
fn a_failure_leaves_the_old_content_no_litter_and_says_what_is_wrong_f4_f9() {
    let cases = [
        (Errno::NOSPC, StoreFaultKind::Full),
        (Errno::DQUOT, StoreFaultKind::Full),
        (Errno::ROFS, StoreFaultKind::ReadOnly),
        (Errno::ACCESS, StoreFaultKind::Denied),
    ];
    for (errno, kind) in cases {
        for at in 0..4 {
            let folder = Folder::new();
            replace(&folder.spot("x"), b"old").unwrap();
            let script = Script::FailAt(at, errno.raw_os_error());
            let (done, _) = under(script, || replace(&folder.spot("x"), b"new"));
            assert_eq!(done, Err(fault(kind.clone(), &folder.path("x"))), "step {at}");
            assert_eq!(fs::read_to_string(folder.path("x")).unwrap(), "old");
            assert_eq!(folder.names(), ["x"]);
        }
    }
    for at in 0..5 {
        let folder = Folder::new();
        let script = Script::FailAt(at, Errno::INTR.raw_os_error());
        under(script, || replace(&folder.spot("x"), b"new")).0.unwrap();
        assert_eq!(
            (folder.names(), fs::read(folder.path("x")).unwrap()),
            (vec!["x".to_owned()], b"new".to_vec())
        );
    }
}

#[test]
fn what_cannot_be_renamed_over_is_rewritten_where_it_is() {
    for errno in [Errno::BUSY, Errno::XDEV] {
        let folder = Folder::new();
        fs::write(folder.path("x"), "a longer old content").unwrap();
        let inode = fs::metadata(folder.path("x")).unwrap().ino();
        let (done, _) =
            under(Script::Fail(Step::Rename, errno.raw_os_error()), || replace(&folder.spot("x"), b"new"));
        done.unwrap();
        assert_eq!(fs::read(folder.path("x")).unwrap(), b"new");
        assert_eq!(fs::metadata(folder.path("x")).unwrap().ino(), inode);
        assert_eq!(folder.names(), ["x"]);
        let (done, _) =
            under(Script::Fail(Step::Unlink, Errno::BUSY.raw_os_error()), || remove(&folder.spot("x")));
        done.unwrap();
        assert_eq!(fs::read(folder.path("x")).unwrap(), b"");
    }
}

#[test]
fn dead_writers_temporary_file_is_removed_at_any_age_f9() {
    let folder = Folder::new();
    let old = fs::File::options();
    for (name, age) in [
        (".x.1-0.authctl-tmp", 3_600),
        (".x.2-0.authctl-tmp", 0),
        (".y.1-0.authctl-tmp", 3_600),
        (".x.1-0.other", 3_600),
    ] {
        fs::write(folder.path(name), "canary").unwrap();
        let file = old.clone().write(true).open(folder.path(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    replace(&folder.spot("x"), b"new").unwrap();
    assert_eq!(folder.names(), [".x.1-0.other", ".y.1-0.authctl-tmp", "x"]);
    fs::write(folder.path(".x.3-0.authctl-tmp"), "canary").unwrap();
    remove(&folder.spot("x")).unwrap();
    assert_eq!(folder.names(), [".x.1-0.other", ".y.1-0.authctl-tmp"]);
    fs::write(folder.path(".x.4-0.authctl-tmp"), "canary").unwrap();
    remove(&folder.spot("x")).unwrap();
    assert_eq!(folder.names(), [".x.1-0.other", ".y.1-0.authctl-tmp"], "also where there is no file");
}

/// The file behind a link may be written under another lock than ours.
#[test]
fn temporary_file_behind_a_link_is_removed_when_old_f9() {
    let (folder, far) = (Folder::new(), Folder::new());
    fs::write(far.path("y"), "old").unwrap();
    std::os::unix::fs::symlink(far.path("y"), folder.path("x")).unwrap();
    for (name, age) in [(".y.1-0.authctl-tmp", 3_600), (".y.2-0.authctl-tmp", 0)] {
        fs::write(far.path(name), "canary").unwrap();
        let file = fs::File::options().write(true).open(far.path(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    replace(&folder.spot("x"), b"new").unwrap();
    assert_eq!(far.names(), [".y.2-0.authctl-tmp", "y"]);
}

#[test]
fn a_name_that_is_taken_is_not_written_to_f1() {
    let folder = Folder::new();
    let taken = format!(".x.{}-0.authctl-tmp", std::process::id());
    fs::write(folder.path("theirs"), "theirs").unwrap();
    std::os::unix::fs::symlink("theirs", folder.path(&taken)).unwrap();
    replace(&folder.spot("x"), b"new").unwrap();
    assert_eq!(fs::read(folder.path("theirs")).unwrap(), b"theirs");
    assert_eq!(fs::read(folder.path("x")).unwrap(), b"new");
}

#[test]
fn what_is_set_aside_is_kept_as_it_is_f4() {
    for errno in [None, Some(Errno::XDEV)] {
        let folder = Folder::new();
        let aside = tempfile::tempdir().unwrap();
        let into = Dir::open(aside.path(), &[], false).unwrap().unwrap();
        for (number, content) in [(1, "one"), (2, "two"), (3, "")] {
            fs::write(folder.path("x"), content).unwrap();
            fs::set_permissions(folder.path("x"), fs::Permissions::from_mode(0o644)).unwrap();
            // Only the move between folders fails, which is the first step.
            let script = errno.map_or(Script::Pass, |errno| Script::FailAt(0, errno.raw_os_error()));
            under(script, || {
                folder.spot("x").open().unwrap();
                set_aside(&folder.spot("x"), &into, "n")
            })
            .0
            .unwrap();
            let kept = aside.path().join(format!("n.damaged-{number}"));
            assert_eq!((fs::read_to_string(&kept).unwrap(), mode(&kept)), (content.to_owned(), 0o600));
            assert_eq!(folder.path("x").exists(), errno.is_some());
        }
    }
    let folder = Folder::new();
    set_aside(&folder.spot("missing"), &folder.dir(), "missing").unwrap();
    assert!(folder.names().is_empty());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_not_touched() {
    let folder = Folder::new();
    fs::create_dir(folder.path("x")).unwrap();
    assert_eq!(
        replace(&folder.spot("x"), b"new"),
        Err(fault(StoreFaultKind::NotA("file"), &folder.path("x")))
    );
    assert!(remove(&folder.spot("x")).is_err());
    assert!(folder.path("x").is_dir());
    assert_eq!(folder.names(), ["x"]);
}

#[test]
fn a_file_that_may_not_be_changed_any_more_is_left_as_it_is_f6() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = Dir::open(temporary.path(), &[], false).unwrap().unwrap();
    let spot = dir.spot("x", true).unwrap().unwrap();
    replace(&spot, b"old").unwrap();
    let lost = || Err(fault(StoreFaultKind::Timeout, temporary.path()));
    let (result, steps) = under(Script::Pass, || replace_when(&spot, b"new", &lost));
    assert_eq!(result, lost());
    // It is asked at the last moment.
    let kinds: Vec<_> = steps.into_iter().map(|(step, _)| step).collect();
    assert_eq!(kinds, [Step::Create, Step::Write, Step::Sync, Step::Unlink]);
    let names: Vec<_> =
        std::fs::read_dir(temporary.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["x"]);
    assert_eq!(std::fs::read(temporary.path().join("x")).unwrap(), b"old");
}
