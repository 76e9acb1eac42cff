//! Folders that other users can change, ours and those above, and tokens that turn up under another site.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use auth_core::Foreign;
use rustix::fs::XattrFlags;

use super::*;
use crate::rig::{Rig, SETTLED, mode};
use crate::samples::{clear, found, key, save, session};

/// Another user, as an ACL names them.
const OTHER: u32 = 65534;
const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives one more user `given`, as far as the mask lets it.
fn set_acl(path: &Path, name: &str, user: u32, given: u16, mask: u16) {
    let none = u32::MAX;
    let entries =
        [(0x01, 7, none), (0x02, given, user), (0x04, 5, none), (0x10, mask, none), (0x20, 0, none)];
    let mut value = vec![2, 0, 0, 0];
    for (tag, given, id) in entries {
        value.extend(u16::to_le_bytes(tag));
        value.extend(u16::to_le_bytes(given));
        value.extend(u32::to_le_bytes(id));
    }
    rustix::fs::setxattr(path, name, &value, XattrFlags::empty()).unwrap();
}

/// The entry of an ACL with this tag: what it gives.
fn acl_entry(path: &Path, tag: u8) -> u8 {
    let mut value = [0; 256];
    let length = rustix::fs::getxattr(path, ACCESS, &mut value[..]).unwrap();
    value[4..length].chunks(8).find(|entry| entry[0] == tag).unwrap()[2]
}

fn other_site() -> Key {
    Key { site: "https://other.example/api/v1/".to_owned(), slot: String::new() }
}

fn save_other(rig: &Rig, access: &str, refresh: &str) {
    let session = Box::new(session(access, refresh));
    rig.store.apply(&Change::Save { key: other_site(), session, replaces: Replaces::Anything }).unwrap();
}

fn swap(one: &Path, other: &Path) {
    let aside = one.with_extension("swap");
    fs::rename(one, &aside).unwrap();
    fs::rename(other, one).unwrap();
    fs::rename(&aside, other).unwrap();
    // Nobody waits for a writer.
    for directory in [one, other] {
        for name in ["access_token", "refresh_token"] {
            let _ = fs::File::open(directory.join(name))
                .map(|file| file.set_modified(SystemTime::now() - SETTLED));
        }
    }
}

#[test]
fn every_folder_of_ours_is_tightened_f2() {
    for loose in [0o755, 0o775, 0o777, 0o2775] {
        let rig = Rig::new();
        rig.store.apply(&save(session("a", "r"))).unwrap();
        chmod(&rig.path(""), 0o755);
        let tokens = rig.tokens();
        let ours =
            [rig.path("cache"), rig.path("cache/tokens"), tokens, rig.path("state"), rig.path("state/tiled")];
        for folder in &ours {
            chmod(folder, loose);
        }
        found(&rig.store);
        for folder in &ours {
            assert_eq!(mode(folder), 0o700, "{} was {loose:o}", folder.display());
        }
        chmod(&rig.path("state/locks"), loose);
        rig.store.apply(&save(session("b", "s"))).unwrap();
        assert_eq!(mode(&rig.path("state/locks")), 0o700);
        assert_eq!(mode(&rig.path("")), 0o755, "a folder above is left as it is");
    }
}

#[test]
fn acl_on_a_folder_of_ours_is_masked_f2() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    for folder in ["cache", "cache/tokens", "state"] {
        set_acl(&rig.path(folder), ACCESS, OTHER, 7, 7);
        assert_eq!(mode(&rig.path(folder)), 0o770, "the mode shows what the mask lets through");
    }
    found(&rig.store);
    for folder in ["cache", "cache/tokens", "state"] {
        let path = rig.path(folder);
        assert_eq!((mode(&path), acl_entry(&path, 0x10)), (0o700, 0), "{folder}");
    }
}

#[test]
fn default_acl_lets_nobody_into_what_is_made_f1() {
    let rig = Rig::new();
    for folder in ["cache", "state"] {
        fs::create_dir(rig.path(folder)).unwrap();
        set_acl(&rig.path(folder), DEFAULT, OTHER, 7, 7);
    }
    rig.store.apply(&save(session("a", "r"))).unwrap();
    for path in [rig.tokens(), rig.path("state/tiled"), rig.tokens().join("access_token"), rig.sidecar()] {
        assert_eq!(acl_entry(&path, 0x02), 7, "the entry is there");
        assert_eq!((acl_entry(&path, 0x10), mode(&path) & 0o077), (0, 0), "and the mask takes all of it");
    }
}

#[test]
fn shared_folder_in_place_of_ours_is_refused_f2() {
    let rig = Rig::new();
    for name in ["cache", "state"] {
        let rig = Rig::new();
        fs::create_dir(rig.path(name)).unwrap();
        chmod(&rig.path(name), 0o1777);
        let refused = rig.store.apply(&save(session("a", "r"))).unwrap_err();
        assert_eq!(
            refused,
            fault(StoreFaultKind::Untrusted("it is shared with other users"), &rig.path(name))
        );
        assert_eq!(mode(&rig.path(name)), 0o1777, "its mode is not changed");
    }
    assert_eq!(rig.store.exposed_parent(), Ok(None));
}

#[test]
fn exposed_parent_refuses_tokens_that_nothing_binds_f3() {
    type Open = fn(&Path);
    let opens: [(&str, bool, Open); 8] = [
        ("open to all", true, |path| chmod(path, 0o777)),
        ("open to a group", true, |path| chmod(path, 0o775)),
        ("open to a user by an ACL", true, |path| set_acl(path, ACCESS, OTHER, 7, 7)),
        ("open to ourselves by an ACL", false, |path| {
            set_acl(path, ACCESS, rustix::process::geteuid().as_raw(), 7, 7);
        }),
        ("an ACL that is masked", false, |path| set_acl(path, ACCESS, OTHER, 7, 5)),
        ("an ACL that lets look", false, |path| set_acl(path, ACCESS, OTHER, 5, 7)),
        ("sticky", false, |path| chmod(path, 0o1777)),
        ("readable", false, |path| chmod(path, 0o755)),
    ];
    for (what, is_exposed, open) in opens {
        for above in ["above", "above/between"] {
            let rig = Rig::new();
            fs::create_dir_all(rig.path("above/between")).unwrap();
            let store = TiledDirectory::new(rig.path("above/between/cache"), rig.path("state"));
            let tokens = store.token_directory(&key()).unwrap();
            fs::create_dir_all(&tokens).unwrap();
            for name in ["access_token", "refresh_token"] {
                fs::write(tokens.join(name), name).unwrap();
                crate::rig::make_older(&tokens.join(name), SETTLED);
            }
            crate::rig::make_older(&tokens, SETTLED);
            open(&rig.path(above));
            let before = mode(&rig.path(above));
            let exposed = is_exposed.then(|| rig.path(above));
            assert_eq!(store.exposed_parent(), Ok(exposed.clone()), "{what}");
            match exposed {
                Some(path) => {
                    assert_eq!(store.load(&key()), Err(fault(StoreFaultKind::Unbound, &path)), "{what}");
                }
                None => drop(found(&store)),
            }
            store.apply(&save(session("a", "r"))).unwrap();
            assert_eq!(
                found(&store).session,
                session("a", "r"),
                "{what}: what we saved is known to be the site's"
            );
            assert_eq!(mode(&rig.path(above)), before, "{what}: it is not ours to change");
        }
    }
}

#[test]
fn exposed_folder_on_the_way_of_a_link_counts_f3() {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("shared/ours/real")).unwrap();
    fs::create_dir_all(rig.path("cache")).unwrap();
    symlink(rig.path("shared/ours/real"), rig.path("cache/tokens")).unwrap();
    chmod(&rig.path("shared"), 0o777);
    rig.python_writes("access_token", "a", SETTLED);
    let refused = fault(StoreFaultKind::Unbound, &rig.path("shared"));
    assert_eq!(rig.store.load(&key()), Err(refused));
    assert_eq!(mode(&rig.path("shared/ours/real")), 0o700, "the target is the folder");
    assert_eq!(mode(&rig.path("shared")), 0o777);
}

#[test]
fn token_of_another_site_is_refused_p6() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    save_other(&rig, "b", "s");
    let (ours, theirs) = (rig.tokens(), rig.store.token_directory(&other_site()).unwrap());
    swap(&ours, &theirs);
    let refused = |directory: &Path, site: &str| {
        Err(fault(StoreFaultKind::OtherSite(Foreign::from(site)), &directory.join("refresh_token")))
    };
    assert_eq!(rig.store.load(&key()), refused(&ours, &other_site().site));
    assert_eq!(rig.store.load(&other_site()), refused(&theirs, &key().site));
    let removed = rig.store.apply(&clear(&session("a", "r")));
    assert_eq!(removed.unwrap_err().kind, StoreFaultKind::OtherSite(Foreign::new(other_site().site)));
    rig.store.apply(&save(session("a2", "r2"))).unwrap();
    assert_eq!(found(&rig.store).session, session("a2", "r2"), "an explicit sign-in replaces it");
}

#[test]
fn copy_of_one_token_of_another_site_is_refused_p6() {
    for name in ["access_token", "refresh_token"] {
        let rig = Rig::new();
        save_other(&rig, "b", "s");
        rig.python_writes("access_token", "a", SETTLED);
        rig.python_writes("refresh_token", "r", SETTLED);
        found(&rig.store);
        let theirs = rig.store.token_directory(&other_site()).unwrap().join(name);
        rig.python_writes(name, &fs::read_to_string(theirs).unwrap(), SETTLED);
        let expected = StoreFaultKind::OtherSite(Foreign::new(other_site().site));
        assert_eq!(rig.store.load(&key()), Err(fault(expected, &rig.tokens().join(name))));
    }
}

#[test]
fn same_site_in_another_cache_folder_is_no_other_site_p6() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    fs::rename(rig.path("cache"), rig.path("moved")).unwrap();
    let moved = TiledDirectory::new(rig.path("moved"), rig.path("state"));
    let tokens = moved.token_directory(&key()).unwrap();
    for path in [tokens.join("access_token"), tokens.join("refresh_token"), tokens] {
        crate::rig::make_older(&path, SETTLED);
    }
    assert_eq!(found(&moved).session.tokens, session("a", "r").tokens);
}

#[test]
fn token_that_was_replaced_at_its_site_is_refused_at_another_p6() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    save_other(&rig, "b", "s");
    let (ours, theirs) = (rig.tokens(), rig.store.token_directory(&other_site()).unwrap());
    swap(&ours, &theirs);
    // What the refusal advises: signing in again, at the one site first.
    for number in 1..=20 {
        rig.store.apply(&save(session(&format!("a{number}"), &format!("r{number}")))).unwrap();
    }
    let refused = fault(StoreFaultKind::OtherSite(Foreign::new(key().site)), &theirs.join("refresh_token"));
    assert_eq!(rig.store.load(&other_site()), Err(refused.clone()));
    rig.store.apply(&clear(&session("a20", "r20"))).unwrap();
    assert_eq!(rig.store.load(&other_site()), Err(refused));
    save_other(&rig, "b2", "s2");
    assert!(matches!(rig.store.load(&other_site()), Ok(Loaded::Found(_))));
}

#[test]
fn sidecar_of_another_site_is_not_believed_p6() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    let ours = rig.sidecar();
    save_other(&rig, "b", "s");
    let theirs = fs::read_dir(ours.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "json") && *path != ours)
        .unwrap();
    let (here, there) = (rig.tokens(), rig.store.token_directory(&other_site()).unwrap());
    swap(&here, &there);
    swap(&ours, &theirs);
    for (key, site) in [(key(), other_site().site), (other_site(), key().site)] {
        let refused = rig.store.load(&key).unwrap_err();
        assert_eq!(refused.kind, StoreFaultKind::OtherSite(Foreign::new(site)));
    }
}

#[test]
fn session_half_saved_by_a_killed_process_is_used_below_an_exposed_parent_f3_f5() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    chmod(&rig.path(""), 0o777);
    let exposed = rig.store.exposed_parent().unwrap().unwrap();
    // The refresh token is in its place, and the sidecar that lists it beside its own.
    let sidecar = rig.sidecar();
    let mut next =
        document::take::<Sidecar>(&rig.store.folder(ABOUT).unwrap().unwrap(), name(&sidecar)).unwrap();
    fs::write(rig.tokens().join("refresh_token"), "r2").unwrap();
    for file in ["access_token", "refresh_token"] {
        crate::rig::make_older(&rig.tokens().join(file), SETTLED);
    }
    assert_eq!(rig.store.load(&key()), Err(fault(StoreFaultKind::Unbound, &exposed)));
    next.list(&key(), &session("a2", "r2"), crate::sidecar::Digests::of(&session("a", "r").tokens));
    let staged = sidecar.with_file_name(format!(".{}.4711-0.authctl-tmp", name(&sidecar)));
    fs::write(&staged, next.write()).unwrap();
    chmod(&staged, 0o600);
    assert_eq!(found(&rig.store).session.tokens.refresh, Some("r2".into()));
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}
