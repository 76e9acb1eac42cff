//! Disks that are really full, and really cannot be written: file systems of our own, in a mount namespace that ends
//! with the test.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::operation::{ALL, Operation};

/// Set in the process that has a namespace of its own.
const INSIDE: &str = "AUTH_CRASH_INSIDE";
/// More blocks, and more files, than any operation makes.
const ENOUGH: u64 = 16;
const BLOCK: usize = 4096;

/// What an operation lacks.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Lack {
    /// There are so many blocks left.
    Blocks(u64),
    /// There can be so many more files.
    Files(u64),
    /// Nothing may be written.
    ReadOnly,
}

/// A file system over a folder, until this is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(folder: PathBuf) -> Self {
        std::fs::create_dir(&folder).unwrap();
        mount(&["-t", "tmpfs", "-o", "size=4m,mode=700", "none"], &folder);
        Self(folder)
    }

    fn take_away(&self, lack: Lack) {
        let left = rustix::fs::statvfs(&self.0).unwrap();
        match lack {
            Lack::Blocks(blocks) => {
                let mut options = File::options();
                let mut filler =
                    options.write(true).create_new(true).mode(0o600).open(self.filler()).unwrap();
                for _ in blocks..left.f_bavail {
                    filler.write_all(&[0; BLOCK]).unwrap();
                }
            }
            Lack::Files(files) => self.remount(&format!("nr_inodes={}", left.f_files - left.f_ffree + files)),
            Lack::ReadOnly => self.remount("ro"),
        }
    }

    fn give_back(&self) {
        self.remount("rw,nr_inodes=1000");
        match std::fs::remove_file(self.filler()) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }

    fn remount(&self, options: &str) {
        mount(&["-o", &format!("remount,{options}")], &self.0);
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) {
    let output = Command::new("mount").args(arguments).arg(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs this test once more where mounting changes nothing for anybody else, if that can be done here.
fn inside(test: &str) {
    let unshare = |program: &str, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", program]).args(arguments).env(INSIDE, "yes").output()
    };
    if !unshare("mount", &["-t", "tmpfs", "none", "/mnt"]).is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "only root can mount, and not everywhere");
        println!("skipped: only root can mount, and not everywhere");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let output = unshare(this.to_str().unwrap(), &["--exact", test, "--nocapture"]).unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    // A name that is no test's would pass as well.
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Does an operation that lacks something in one of its folders. False if it could do without.
fn lacking(operation: &Operation, folder: &str, lack: Lack) -> bool {
    let context = format!("{}, {lack:?} in {folder}", operation.name);
    let mut mounted = None;
    let rig = operation.rig_with(|rig| mounted = Some(Mounted::new(rig.path(folder))));
    let mounted = mounted.unwrap();
    mounted.take_away(lack);
    let mut probe = rig.probe(operation, &[]);
    assert_eq!(probe.line(), "ready");
    let said = probe.line();
    let failed = said.starts_with("fault");
    if failed {
        let expected = if lack == Lack::ReadOnly { "the file system is read-only" } else { "no space left" };
        assert!(said.ends_with(expected), "{said}, {context}");
        rig.stage(operation, &context);
        rig.check_litter(&context);
    }
    mounted.give_back();
    if failed {
        probe.tell("again");
        let again = probe.line();
        let is_another = operation.verb == "clear" && again == "conflict";
        assert!(again == "done" || is_another, "{again}, {context}");
    }
    assert!(probe.end().status.success(), "{context}");
    rig.check_next(&context);
    drop(mounted);
    failed
}

#[test]
fn a_disk_that_fills_up_anywhere_keeps_a_whole_session_f4_f9() {
    if std::env::var_os(INSIDE).is_none() {
        inside("conditions::a_disk_that_fills_up_anywhere_keeps_a_whole_session_f4_f9");
        return;
    }
    for operation in &ALL {
        for folder in ["cache", "state"] {
            for lack in [Lack::Blocks, Lack::Files] {
                let enough = (0..ENOUGH).find(|left| !lacking(operation, folder, lack(*left)));
                assert!(enough.is_some(), "{} in {folder} never has enough", operation.name);
            }
        }
    }
    // It was really full.
    assert!(lacking(&ALL[0], "cache", Lack::Blocks(0)) && lacking(&ALL[0], "state", Lack::Files(0)));
}

#[test]
fn a_disk_that_cannot_be_written_is_read_and_said_f4() {
    if std::env::var_os(INSIDE).is_none() {
        inside("conditions::a_disk_that_cannot_be_written_is_read_and_said_f4");
        return;
    }
    for operation in &ALL {
        assert!(lacking(operation, "state", Lack::ReadOnly), "{}", operation.name);
        // A token is not redeemed where its successor could not be saved.
        let is_in_cache = matches!(operation.verb, "save" | "clear" | "intend");
        assert_eq!(lacking(operation, "cache", Lack::ReadOnly), is_in_cache, "{}", operation.name);
    }
}
