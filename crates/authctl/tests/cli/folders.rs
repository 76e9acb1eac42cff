//! Folders that other users can change, and links that leave them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rig::Rig;

/// Another user, who is in the group that may write.
const SOMEBODY: u32 = 65534;

fn tokens(rig: &Rig) -> PathBuf {
    rig.home.0.path().join(".cache/tiled/tokens")
}

fn directory(rig: &Rig, url: &str) -> PathBuf {
    let name = format!("{url}/api/v1/").replace(':', "%3A").replace('/', "%2F");
    tokens(rig).join(name)
}

/// Lets the group of somebody else change a folder, and everybody look into those above it.
fn share(rig: &Rig, folder: &Path) {
    for above in folder.ancestors().take_while(|path| path.starts_with(rig.home.0.path())) {
        fs::set_permissions(above, fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::chown(folder, None, Some(SOMEBODY)).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o775)).unwrap();
}

/// Lets somebody else swap two folders. False where nobody can be somebody else.
fn somebody_swaps(one: &Path, other: &Path) {
    let script = "mv -T \"$1\" \"$1.aside\" && mv -T \"$2\" \"$1\" && mv -T \"$1.aside\" \"$2\"";
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={SOMEBODY}"), format!("--regid={SOMEBODY}"), "--clear-groups".to_owned()]);
    let swapped = command.args(["sh", "-c", script, "sh"]).args([one, other]).status().unwrap();
    assert!(swapped.success());
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    assert!(is_root || std::env::var_os("CI").is_none(), "only root can become another user");
    is_root
}

/// Two sites, somebody signed in to both from one home.
fn two_sites() -> (Rig, Rig) {
    let (one, two) = (Rig::new(), Rig::new());
    one.sign_in().is(0);
    let args = ["login", &two.url, "--user", "demo", "--password-stdin"];
    one.home.run_with(&format!("{}\n", two.password), &args).is(0);
    (one, two)
}

#[test]
fn swapped_site_folders_send_no_token_to_another_site_p6() {
    if !is_root() {
        return;
    }
    let (one, two) = two_sites();
    share(&one, &tokens(&one));
    somebody_swaps(&directory(&one, &one.url), &directory(&one, &two.url));
    let before = [one.server.connections(), two.server.connections()];
    for command in ["whoami", "token", "logout", "status"] {
        for (here, there) in [(&one, &two), (&two, &one)] {
            let there = format!("belongs to another site: {}/api/v1/", there.url);
            one.run(&[command, &here.url]).is(7).says(&["token", &there, "Sign in to each of the two sites"]);
        }
    }
    assert_eq!([one.server.connections(), two.server.connections()], before, "nothing was sent");
    assert_eq!(fs::metadata(tokens(&one)).unwrap().mode() & 0o7777, 0o700);
    let args = ["login", &two.url, "--user", "demo", "--password-stdin"];
    one.home.run_with(&format!("{}\n", two.password), &args).is(0);
    one.run(&["whoami", &two.url]).is(0);
}

#[test]
fn exposed_parent_is_warned_of_and_only_saved_sessions_are_used_f3() {
    if !is_root() {
        return;
    }
    let (one, two) = two_sites();
    let above = one.home.0.path().join(".cache");
    share(&one, &above);
    let ran = one.run(&["whoami", &one.url]);
    ran.is(0).says(&["warning", &format!("other users can replace folders in {}", above.display())]);
    assert_eq!(ran.err.matches("warning").count(), 1, "{ran:?}");
    // As if Python had written it.
    fs::write(directory(&one, &two.url).join("access_token"), "python").unwrap();
    let refused = format!("{}: refused, because other users can replace folders in it", above.display());
    let before = two.server.connections();
    let file = fs::File::open(directory(&one, &two.url).join("access_token")).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3)).unwrap();
    one.run(&["whoami", &two.url]).is(7).says(&[&refused, "Sign in with `authctl login URL`"]);
    assert_eq!(two.server.connections(), before);
    fs::set_permissions(&above, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(one.run(&["status", &one.url]).is(0).err, "");
}

#[test]
fn file_behind_a_link_is_named_after_signing_out_f9() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let (link, kept) = (directory(&rig, &rig.url).join("refresh_token"), tokens(&rig).join("kept"));
    fs::rename(&link, &kept).unwrap();
    symlink(&kept, &link).unwrap();
    let said = format!("{} still holds a token", kept.display());
    rig.run(&["logout", &rig.url]).is(0).says(&["warning", &said]);
    assert!(kept.is_file() && !link.is_symlink());
    rig.run(&["status", &rig.url]).is(3);
}
