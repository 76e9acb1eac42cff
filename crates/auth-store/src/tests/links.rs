//! Links, and what stands where a file or a folder should be.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode};

use auth_core::Secret;

use super::*;
use crate::rig::{Rig, SETTLED, make_older, mode};
use crate::samples::{clear, found, key, save, session};

fn kind(result: Result<impl std::fmt::Debug, StoreFault>) -> StoreFaultKind {
    result.unwrap_err().kind
}

fn loosen(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn settle(path: &Path) {
    make_older(path, SETTLED);
}

#[test]
fn our_own_links_are_followed_at_every_step_f2() {
    let rig = Rig::new();
    let name = rig.tokens().file_name().unwrap().to_owned();
    for folder in ["far/cache/tokens", "elsewhere", "state-there"] {
        fs::create_dir_all(rig.path(folder)).unwrap();
    }
    symlink("far/./cache", rig.path("cache")).unwrap();
    symlink("../../../elsewhere/", rig.path("far/cache/tokens").join(&name)).unwrap();
    symlink(rig.path("state-there"), rig.path("state")).unwrap();
    symlink("../far/token", rig.path("elsewhere/access_token")).unwrap();
    fs::write(rig.path("far/token"), "old").unwrap();
    settle(&rig.path("far/token"));

    assert_eq!(found(&rig.store).session.tokens.access, Some(Secret::from("old")));
    rig.store.apply(&save(session("a", "r"))).unwrap();
    assert_eq!(fs::read_to_string(rig.path("far/token")).unwrap(), "a", "the target is replaced");
    assert!(rig.path("elsewhere/access_token").is_symlink(), "and the link stays");
    assert!(rig.path("elsewhere/refresh_token").is_file());
    assert!(rig.path("state-there/tiled").is_dir());
    assert_eq!(mode(&rig.path("elsewhere")), 0o700);
    assert_eq!(found(&rig.store).session, session("a", "r"));
    rig.store.apply(&clear(&session("a", "r"))).unwrap();
    assert!(!rig.path("elsewhere/access_token").is_symlink(), "the link is removed");
    assert_eq!(fs::read_to_string(rig.path("far/token")).unwrap(), "a", "and what is behind it stays");
}

/// A session whose access token is a link to a file in another folder.
fn linked(content: &str) -> Rig {
    let rig = Rig::new();
    rig.python_writes("refresh_token", "r0", SETTLED);
    fs::create_dir(rig.path("far")).unwrap();
    fs::write(rig.path("far/token"), content).unwrap();
    settle(&rig.path("far/token"));
    symlink(rig.path("far/token"), rig.tokens().join("access_token")).unwrap();
    settle(&rig.tokens());
    rig
}

#[test]
fn mode_behind_a_link_is_never_changed_f2() {
    for (loose, refused) in [(0o600, false), (0o644, false), (0o664, true), (0o602, true)] {
        let rig = linked("a0");
        loosen(&rig.path("far/token"), loose);
        if refused {
            let expected = StoreFaultKind::Untrusted("it is behind a link, and other users can change it");
            assert_eq!(rig.store.load(&key()), Err(fault(expected, &rig.path("far/token"))), "{loose:o}");
        } else {
            assert_eq!(found(&rig.store).session.tokens.access, Some(Secret::from("a0")), "{loose:o}");
        }
        assert_eq!(mode(&rig.path("far/token")), loose);
    }
    let rig = linked("a0");
    loosen(&rig.path("far"), 0o777);
    let expected = StoreFaultKind::Untrusted("it is behind a link, in a folder that other users can change");
    assert_eq!(rig.store.load(&key()), Err(fault(expected, &rig.path("far"))));
    assert_eq!(mode(&rig.path("far")), 0o777);
}

#[test]
fn save_through_a_link_replaces_the_content_in_its_folder_f2() {
    // Of the same person and of another one, with an access token and without.
    for (access, refresh) in [("a", "r"), ("", "r")] {
        for same in [false, true] {
            let rig = linked("a0");
            if same {
                rig.store.apply(&save(session("a0", "r0"))).unwrap();
            }
            rig.store.apply(&save(session(access, refresh))).unwrap();
            assert_eq!(fs::read_to_string(rig.path("far/token")).unwrap(), access);
            assert!(rig.tokens().join("access_token").is_symlink(), "the link stays");
            assert_eq!(fs::read_dir(rig.path("far")).unwrap().count(), 1, "and nothing else is there");
        }
    }
}

#[test]
fn what_is_no_token_behind_a_link_is_left_where_it_is_f4() {
    let rig = linked("two\nlines");
    let there = found(&rig.store).session;
    assert_eq!(there.tokens, session("", "r0").tokens);
    let refused = rig.store.apply(&save(session("a", "r"))).unwrap_err();
    assert_eq!(refused.path.raw(), rig.path("far/token").to_str().unwrap(), "{refused}");
    assert_eq!(rig.token("refresh_token").as_deref(), Some("r0"), "nothing was replaced");
    rig.store.apply(&clear(&there)).unwrap();
    assert!(!rig.tokens().join("access_token").is_symlink());
    assert_eq!(fs::read_to_string(rig.path("far/token")).unwrap(), "two\nlines");
    assert_eq!(rig.set_aside(), []);
}

#[test]
fn files_behind_links_are_named_f9() {
    let rig = linked("a0");
    fs::write(rig.path("far/empty"), "").unwrap();
    settle(&rig.path("far/empty"));
    symlink(rig.path("far/empty"), rig.tokens().join("id_token")).unwrap();
    settle(&rig.tokens());
    assert_eq!(rig.store.files_behind_links(&key()), Ok(vec![rig.path("far/token")]));
    let there = found(&rig.store).session;
    rig.store.apply(&clear(&there)).unwrap();
    assert_eq!(rig.store.files_behind_links(&key()), Ok(Vec::new()));
    assert_eq!(fs::read_dir(rig.tokens()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(rig.path("far")).unwrap().count(), 2);
}

#[test]
fn a_link_in_a_folder_others_can_change_is_refused_f2() {
    // Without the sticky bit anybody could have moved it there; with it only its owner.
    for (folder, refused) in [(0o700, false), (0o755, false), (0o1777, false), (0o777, true), (0o775, true)] {
        let rig = Rig::new();
        fs::create_dir_all(rig.path("open")).unwrap();
        fs::create_dir_all(rig.path("real")).unwrap();
        symlink(rig.path("real"), rig.path("open/link")).unwrap();
        loosen(&rig.path("open"), folder);
        let store = TiledDirectory::new(rig.path("open/link"), rig.path("state"));
        let saved = store.apply(&save(session("a", "r")));
        if refused {
            assert!(matches!(kind(saved), StoreFaultKind::Untrusted(_)), "{folder:o}");
            assert!(matches!(kind(store.load(&key())), StoreFaultKind::Untrusted(_)), "{folder:o}");
        } else {
            assert_eq!(saved, Ok(Applied::Done), "{folder:o}");
        }
        assert_eq!(rig.path("real/tokens").exists(), !refused);
    }
}

#[test]
fn a_link_to_nothing_is_no_token_and_a_save_makes_what_it_means() {
    let rig = Rig::new();
    rig.python_writes("refresh_token", "r0", SETTLED);
    symlink(rig.path("later"), rig.tokens().join("access_token")).unwrap();
    symlink(rig.path("missing/folder/id"), rig.tokens().join("id_token")).unwrap();
    settle(&rig.tokens());
    assert_eq!(found(&rig.store).session.tokens, session("", "r0").tokens);
    rig.store.apply(&save(session("a", "r"))).unwrap();
    assert_eq!(fs::read_to_string(rig.path("later")).unwrap(), "a");
    assert!(!rig.path("missing").exists(), "what needs nothing makes nothing");
    assert_eq!(found(&rig.store).session, session("a", "r"));
}

#[test]
fn links_in_a_circle_end() {
    let rig = Rig::new();
    rig.python_writes("refresh_token", "r0", SETTLED);
    symlink("access_token", rig.tokens().join("access_token")).unwrap();
    assert!(matches!(kind(rig.store.load(&key())), StoreFaultKind::Other(_)));
    assert!(matches!(kind(rig.store.apply(&save(session("a", "r")))), StoreFaultKind::Other(_)));
    symlink("circle", rig.path("circle")).unwrap();
    let store = TiledDirectory::new(rig.path("circle"), rig.path("state"));
    assert!(matches!(kind(store.load(&key())), StoreFaultKind::Other(_)));
}

#[test]
fn what_is_no_file_is_refused_at_once_f2() {
    type Make = fn(&Path);
    let makes: [(&str, Make); 4] = [
        ("a folder", |path| fs::create_dir(path).unwrap()),
        ("a pipe", |path| {
            rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }),
        ("a socket", |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap())),
        ("a link to a device", |path| symlink("/dev/null", path).unwrap()),
    ];
    for (what, make) in makes {
        let rig = Rig::new();
        rig.store.apply(&save(session("a", "r"))).unwrap();
        // A socket's path is short: it is made nearby and moved.
        let path = rig.tokens().join("access_token");
        fs::remove_file(&path).unwrap();
        make(&rig.path("x"));
        fs::rename(rig.path("x"), &path).unwrap();
        let expected = if what == "a link to a device" { rig.path("/dev/null") } else { path };
        let expected = fault(StoreFaultKind::NotA("file"), &expected);
        assert_eq!(rig.store.load(&key()), Err(expected.clone()), "{what}");
        assert_eq!(rig.store.apply(&save(session("b", "s"))), Err(expected), "{what}");
    }
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named() {
    for name in ["cache", "cache/tokens", "tokens", "state", "state/locks", "state/tiled"] {
        let rig = Rig::new();
        let path = if name == "tokens" { rig.tokens() } else { rig.path(name) };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        let expected = fault(StoreFaultKind::NotA("directory"), &path);
        assert_eq!(rig.store.apply(&save(session("a", "r"))), Err(expected.clone()), "{name}");
        if !name.starts_with("state") {
            assert_eq!(rig.store.load(&key()), Err(expected), "{name}");
        }
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }
}

#[test]
fn a_second_name_of_a_file_keeps_what_it_had() {
    let rig = Rig::new();
    rig.python_writes("access_token", "a0", SETTLED);
    rig.python_writes("refresh_token", "r0", SETTLED);
    fs::hard_link(rig.tokens().join("access_token"), rig.path("second")).unwrap();
    rig.store.apply(&save(session("a1", "r1"))).unwrap();
    assert_eq!(fs::read_to_string(rig.path("second")).unwrap(), "a0");
    assert_eq!(fs::metadata(rig.tokens().join("access_token")).unwrap().nlink(), 1);
}
