//! Homes and folders that cannot be used.

use std::fs;
use std::path::Path;

use crate::rig::{AUTHCTL, Home, Rig, command, end};

fn login_args(rig: &Rig) -> Vec<String> {
    ["login", &rig.url, "--user", "demo", "--password-stdin"].map(str::to_owned).to_vec()
}

#[test]
fn a_home_that_cannot_be_written_is_said_and_no_sign_in_is_claimed() {
    let rig = Rig::new();
    let file = rig.home.0.path().join("file");
    fs::write(&file, "").unwrap();
    for home in [file.as_path(), Path::new("/proc")] {
        let ran = end(command(AUTHCTL, home, &login_args(&rig)), &rig.password);
        ran.is(7).says(&["authctl: ", "TILED_CACHE_DIR"]);
        assert!(ran.out.is_empty(), "{ran:?}");
    }
    let nobody = end(command(AUTHCTL, Path::new("/proc"), &["token", &rig.url]), "");
    nobody.is(3).says(&["not signed in"]);
}

#[test]
fn a_cache_folder_that_is_a_file_is_named() {
    let rig = Rig::new();
    let file = rig.home.0.path().join("file");
    fs::write(&file, "").unwrap();
    for args in [login_args(&rig), vec!["token".to_owned(), rig.url.clone()]] {
        let mut command = rig.home.command(&args);
        command.env("TILED_CACHE_DIR", &file);
        end(command, &rig.password).is(7).says(&[
            &file.display().to_string(),
            "not a directory",
            "Move away",
        ]);
    }
    assert_eq!(fs::read(&file).unwrap(), b"");
}

#[test]
fn the_folders_that_the_environment_names_are_used() {
    let rig = Rig::new();
    let (cache, state) = (Home::new(), Home::new());
    let run = |args: &[String]| {
        let mut command = rig.home.command(args);
        command.env("TILED_CACHE_DIR", cache.0.path()).env("AUTHCTL_STATE_DIR", state.0.path());
        end(command, &rig.password)
    };
    run(&login_args(&rig)).is(0);
    run(&["token".to_owned()]).is(0);
    assert!(cache.files().iter().any(|name| name.ends_with("/access_token")));
    assert!(!state.files().is_empty());
    assert_eq!(rig.home.files(), Vec::<String>::new());
}

#[test]
fn locks_that_are_links_are_told_of_and_kept_f6() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let status = || rig.run(&["status", &rig.url]);
    assert!(!status().is(0).err.contains("kept as links"));
    let locks = rig.home.0.path().join(".local/state/auth-native/locks");
    fs::write(locks.join("method"), "links\n").unwrap();
    status().is(0).says(&["warning", "kept as links"]);
    rig.sign_in().is(0);
    let numbered = |name: &String| name.contains("/locks/") && name.ends_with(".lock.1");
    assert!(rig.home.files().iter().any(numbered), "{:?}", rig.home.files());
}

#[test]
fn without_a_home_what_needs_none_still_works() {
    let home = Home::new();
    let demo = if cfg!(feature = "sandbox") { "demo" } else { "--version" };
    for arg in [demo, "--help"] {
        let mut command = home.command(&[arg]);
        command.env("HOME", "/nowhere/at/all");
        end(command, "").is(0);
    }
}
