use std::os::unix::fs::{PermissionsExt as _, symlink};

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
    assert!(is_private(&folder));
    assert_eq!(fs::read_to_string(folder.join(NOTE)).unwrap(), format!("{}\n{SITE}\n", boot().unwrap()));
    assert!(Leftover::take(folder.clone()).is_none());
    drop(private);
    assert!(!folder.exists());
}
