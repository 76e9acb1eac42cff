use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::folder::PREFIX;
use super::leftover::{Leftover, candidates};
use super::*;

const SITE: &str = "http://127.0.0.1:1";

/// A folder as a command has it, below a place of the test's own.
fn made(place: &Path) -> PathBuf {
    let folder = place.join(format!("{PREFIX}x"));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn with_note(folder: &Path, boot: &str) {
    File::create_new(folder.join(LOCK)).unwrap();
    fs::write(folder.join(NOTE), format!("{boot}\n{SITE}\n")).unwrap();
}

#[test]
fn only_a_dead_commands_folder_is_taken_f2() {
    let place = tempfile::tempdir().unwrap();
    let folder = made(place.path());
    assert_eq!(candidates(place.path()), std::slice::from_ref(&folder));
    let taken = || Leftover::take(folder.clone()).map(|leftover| leftover.site);
    assert_eq!(taken(), None, "it is being made");
    let lock = File::create_new(folder.join(LOCK)).unwrap();
    assert_eq!(taken(), None, "its lock is not taken yet");
    lock.try_lock().unwrap();
    fs::write(folder.join(NOTE), format!("{}\n{SITE}\n", boot().unwrap())).unwrap();
    assert_eq!(taken(), None, "its command runs");
    drop(lock);
    assert_eq!(taken(), Some(SITE.to_owned()));
    let first = Leftover::take(folder.clone());
    assert!(first.is_some());
    assert_eq!(taken(), None, "somebody else has taken it");
    drop(first);
    for mode in [0o750, 0o702] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(taken(), None, "{mode:o}");
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let link = place.path().join(format!("{PREFIX}link"));
    symlink(&folder, &link).unwrap();
    assert!(Leftover::take(link).is_none());
    fs::write(folder.join(NOTE), "").unwrap();
    assert_eq!(taken(), None, "its note is none");
}

#[test]
fn a_folder_of_another_boot_is_left() {
    let place = tempfile::tempdir().unwrap();
    let folder = made(place.path());
    with_note(&folder, "00000000-0000-0000-0000-000000000000");
    assert!(Leftover::take(folder.clone()).is_none());
    // Of a machine that has no such id.
    fs::write(folder.join(NOTE), format!("\n{SITE}\n")).unwrap();
    assert!(Leftover::take(folder).is_none());
}

#[test]
fn a_new_folder_is_private_and_its_commands() {
    let private = Private::new(SITE).unwrap();
    let folder = private.path().to_owned();
    assert!(private.folder.is_private());
    assert_eq!(fs::read_to_string(folder.join(NOTE)).unwrap(), format!("{}\n{SITE}\n", boot().unwrap()));
    assert!(Leftover::take(folder.clone()).is_none());
    drop(private);
    assert!(!folder.exists());
}

/// What is not a regular file, is behind a link or is too long is not read.
#[test]
fn only_a_short_regular_note_and_lock_are_opened_f2() {
    let place = tempfile::tempdir().unwrap();
    let folder = made(place.path());
    let is_taken = || Leftover::take(folder.clone()).is_some();
    with_note(&folder, &boot().unwrap());
    assert!(is_taken());
    let note = fs::read_to_string(folder.join(NOTE)).unwrap();
    for name in [NOTE, LOCK] {
        let (path, kept) = (folder.join(name), folder.join("kept"));
        fs::rename(&path, &kept).unwrap();
        for target in [Path::new("/dev/zero"), &kept] {
            symlink(target, &path).unwrap();
            assert!(!is_taken(), "{name}: a link to {target:?}");
            fs::remove_file(&path).unwrap();
        }
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(!is_taken(), "{name}: a FIFO");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(!is_taken(), "{name}: a folder");
        fs::remove_dir(&path).unwrap();
        fs::rename(&kept, &path).unwrap();
    }
    for (length, is_short) in [(4_096, true), (4_097, false)] {
        fs::write(folder.join(NOTE), format!("{note:x<length$}")).unwrap();
        assert_eq!(is_taken(), is_short, "{length}");
    }
}

#[test]
fn folder_is_known_again_by_more_than_its_name_f3() {
    let place = tempfile::tempdir().unwrap();
    let private = Private::first([place.path().to_owned()].into_iter(), SITE).unwrap();
    let (folder, away) = (private.path().to_owned(), place.path().join("away"));
    assert!(private.folder.is_there());
    fs::rename(&folder, &away).unwrap();
    assert!(!private.folder.is_there());
    fs::create_dir(&folder).unwrap();
    assert!(!private.folder.is_there());
    fs::remove_dir(&folder).unwrap();
    symlink(&away, &folder).unwrap();
    assert!(!private.folder.is_there());
    drop(private);
    assert!(folder.is_symlink() && away.join(NOTE).exists());
}

#[test]
fn folder_that_was_tried_last_comes_last() {
    let place = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        fs::create_dir(place.path().join(format!("{PREFIX}{name}"))).unwrap();
    }
    let first = candidates(place.path()).swap_remove(0);
    Folder::open(first.clone()).unwrap().touch();
    assert_eq!(candidates(place.path())[1], first);
}
