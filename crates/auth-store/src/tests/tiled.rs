use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use auth_core::Secret;
use auth_core::ports::{Replaces, Stored};
use auth_core::session::{Facts, Links};
use auth_core::time::Timestamp;

use super::*;
use crate::rig::{Rig, SETTLED, make_older, mode};
use crate::samples::{clear, found, key, save, session, session_of};

#[test]
fn files_are_those_of_the_python_client() {
    let rig = Rig::new();
    let mut with_id = session("a.b-c", "r.s_t");
    with_id.tokens.id = Some(Secret::from("i.d"));
    rig.store.apply(&save(with_id)).unwrap();
    let directory = rig.path("cache/tokens/http%3A%2F%2F127.0.0.1%3A18701%2Fapi%2Fv1%2F");
    assert_eq!(rig.tokens(), directory);
    for (name, token) in [("access_token", "a.b-c"), ("refresh_token", "r.s_t"), ("id_token", "i.d")] {
        assert_eq!(fs::read(directory.join(name)).unwrap(), token.as_bytes());
    }
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3, "and nothing of ours beside them");
}

#[test]
fn what_is_made_is_private_and_what_is_found_loose_is_mended_f2() {
    let rig = Rig::new();
    rig.python_writes("access_token", "a0", SETTLED);
    rig.python_writes("refresh_token", "r0", SETTLED);
    fs::set_permissions(rig.tokens().join("access_token"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(mode(&rig.tokens()), 0o755);
    found(&rig.store);
    assert_eq!(mode(&rig.tokens().join("access_token")), 0o600, "by reading");
    assert_eq!(mode(&rig.tokens()), 0o700);
    assert_eq!(mode(&rig.path("cache/tokens")), 0o700, "and every folder of ours above it");
    rig.store.apply(&save(session("a", "r"))).unwrap();
    rig.store.apply(&Change::Prefer(entry())).unwrap();
    drop(rig.store.lock(LockKind::Renewal, &key(), Duration::ZERO).unwrap());
    for path in rig.files() {
        assert_eq!(mode(&rig.path("").join(&path)), 0o600, "{path:?}");
    }
    for folder in ["state", "state/tiled", "state/locks"] {
        assert_eq!(mode(&rig.path(folder)), 0o700, "{folder}");
    }
    fs::set_permissions(rig.path("state/tiled"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(rig.sidecar(), fs::Permissions::from_mode(0o666)).unwrap();
    found(&rig.store);
    assert_eq!((mode(&rig.path("state/tiled")), mode(&rig.sidecar())), (0o700, 0o600));
}

#[test]
fn how_the_last_question_ended_is_known_to_all_and_survives_what_happens_to_the_session() {
    let rig = Rig::new();
    let other = rig.store.clone();
    assert_eq!(other.asked(&key()), Ok(Asked::Answered));
    let ends = [
        Asked::Declined { at: Timestamp(7) },
        Asked::Unanswered { times: 3, at: Timestamp(-7) },
        Asked::Answered,
        Asked::Declined { at: Timestamp(8) },
    ];
    for asked in ends {
        rig.store.note_asked(&key(), asked).unwrap();
        assert_eq!(other.asked(&key()), Ok(asked));
    }
    rig.store.apply(&save(session("a", "r"))).unwrap();
    rig.store.apply(&clear(&session("a", "r"))).unwrap();
    assert_eq!(other.asked(&key()), Ok(ends[3]));
    fs::write(rig.sidecar(), r#"{"asked": {"unanswered": 999, "at": 1}}"#).unwrap();
    assert_eq!(other.asked(&key()), Ok(Asked::Answered), "a broken one is set aside");
}

fn entry() -> SiteEntry {
    SiteEntry { key: key(), user: Some(Foreign::from("alice")), allow_http: true, method: None, pages: None }
}

#[test]
fn what_python_wrote_is_read_and_is_a_new_generation() {
    let rig = Rig::new();
    rig.python_writes("refresh_token", "r0", SETTLED);
    rig.python_writes("access_token", "a0\n", SETTLED);
    let first = found(&rig.store);
    let expected = Session { facts: Facts::default(), links: Links::default(), ..session("a0", "r0") };
    assert_eq!(first, Stored { session: expected, intent: None });
    assert!(!rig.path("state").exists(), "reading makes nothing");

    rig.store.apply(&save(session("a1", "r1"))).unwrap();
    let redeeming = Digest::of(&Secret::from("r1"));
    rig.store.apply(&Change::Intent { key: key(), redeeming }).unwrap();
    rig.python_writes("refresh_token", "r2", Duration::ZERO);
    assert_eq!(rig.store.load(&key()), Ok(Loaded::Torn));
    rig.python_writes("refresh_token", "r2", SETTLED);
    // {"exp":1795404382}
    let jwt = "e30.eyJleHAiOjE3OTU0MDQzODJ9.c2ln";
    rig.python_writes("access_token", jwt, SETTLED);
    let second = found(&rig.store);
    assert_eq!(second.intent, None, "what was being redeemed is no longer there");
    let second = second.session;
    assert_eq!(second.tokens, session(jwt, "r2").tokens);
    assert_eq!(second.facts, Facts { expires: Some(Timestamp(1_795_404_382)), ..Facts::default() });
    assert_eq!(second.links, session("", "").links, "links hold for the site");
    assert_ne!(second.tokens.generation(), session("a1", "r1").tokens.generation());
    // Whoever still means what was there before touches nothing.
    let conflict = rig.store.apply(&clear(&session("a1", "r1"))).unwrap();
    assert!(matches!(conflict, Applied::Conflict(Some(stored)) if stored.session == second));
}

#[test]
fn an_empty_file_is_torn_and_then_none() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a0", "r0"))).unwrap();
    rig.python_writes("access_token", "", Duration::ZERO);
    assert_eq!(rig.store.load(&key()), Ok(Loaded::Torn));
    make_older(&rig.tokens().join("access_token"), SETTLED);
    make_older(&rig.tokens(), SETTLED);
    let stored = found(&rig.store).session;
    assert_eq!(stored.tokens, session("", "r0").tokens);
    assert_eq!(stored.facts, session("", "r0").facts, "it is still the same person's");
}

#[test]
fn a_removal_waits_for_who_is_writing() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a0", "r0"))).unwrap();
    rig.python_writes("refresh_token", "r1", Duration::from_millis(1_900));
    rig.python_writes("access_token", "a1", Duration::from_millis(1_900));
    let conflict = rig.store.apply(&clear(&session("a0", "r0"))).unwrap();
    assert!(
        matches!(conflict, Applied::Conflict(Some(stored)) if stored.session.tokens == session("a1", "r1").tokens)
    );
    // Just what is meant may go at once, whoever wrote it.
    rig.python_writes("access_token", "a2", Duration::ZERO);
    assert_eq!(rig.store.apply(&clear(&session("a2", "r1"))), Ok(Applied::Done));
    assert_eq!(fs::read_dir(rig.tokens()).unwrap().count(), 0);
}

#[test]
fn what_nobody_can_read_is_kept_before_it_is_replaced_f4() {
    for remove in [false, true] {
        let rig = Rig::new();
        rig.python_writes("refresh_token", "r0", SETTLED);
        rig.python_writes("access_token", "a0\0\0\0", SETTLED);
        let long = "i".repeat(70_000);
        rig.python_writes("id_token", &long, SETTLED);
        let there = found(&rig.store).session;
        assert_eq!(there.tokens, session("", "r0").tokens);
        assert_eq!(rig.set_aside(), [], "not by reading");
        let change = if remove { clear(&there) } else { save(session("a1", "r1")) };
        rig.store.apply(&change).unwrap();
        let kept = rig.set_aside();
        assert!(kept[0].0.ends_with(".access_token.damaged-1"), "{}", kept[0].0);
        assert!(kept[1].0.ends_with(".id_token.damaged-1"), "{}", kept[1].0);
        assert_eq!((kept[0].1.as_slice(), kept[1].1.as_slice()), (&b"a0\0\0\0"[..], long.as_bytes()));
        assert_eq!(rig.token("access_token"), (!remove).then(|| "a1".to_owned()));
        assert_eq!(rig.token("id_token"), None);
    }
}

#[test]
fn a_broken_file_of_ours_is_set_aside_by_whoever_meets_it_f4() {
    let broken: [(&str, &[u8]); 3] = [("cut", b"{\"sessions\": ["), ("empty", b""), ("not ours", &[0xff; 9])];
    for (name, content) in broken {
        let rig = Rig::new();
        rig.store.apply(&save(session("a", "r"))).unwrap();
        rig.store.apply(&Change::Prefer(entry())).unwrap();
        fs::write(rig.sidecar(), content).unwrap();
        fs::write(rig.site(&key()), content).unwrap();
        assert_eq!(rig.store.sites(), Ok(Vec::new()), "{name}");
        assert_eq!(rig.store.load(&key()), Ok(Loaded::Torn), "what was known of the tokens is lost");
        let contents: Vec<_> = rig.set_aside().into_iter().map(|(_, content)| content).collect();
        assert_eq!(contents, [content, content], "{name}");
        rig.store.apply(&save(session("a", "r"))).unwrap();
        rig.store.apply(&Change::Prefer(entry())).unwrap();
        assert_eq!(found(&rig.store).session, session("a", "r"));
        assert_eq!(rig.store.sites(), Ok(vec![entry()]));
    }
}

#[test]
fn a_broken_file_waits_while_somebody_changes_it() {
    let rig = Rig::new();
    rig.store.apply(&Change::Prefer(entry())).unwrap();
    fs::write(rig.site(&key()), "{").unwrap();
    let name = crate::index::Site::name(&key());
    let changing = rig.store.change(&rig.store.made_state().unwrap(), &name).unwrap();
    assert_eq!(rig.store.sites(), Ok(Vec::new()));
    assert_eq!(rig.set_aside(), []);
    drop(changing);
    assert_eq!(rig.store.sites(), Ok(Vec::new()));
    assert_eq!(rig.set_aside(), [(format!("{name}.json.damaged-1"), b"{".to_vec())]);
}

#[test]
fn our_own_folder_holds_no_token_s2() {
    let rig = Rig::new();
    for (access, refresh) in [("canary-a1", "canary-r1"), ("canary-a2", "canary-r2")] {
        rig.store.apply(&save(session(access, refresh))).unwrap();
        rig.store
            .apply(&Change::Intent { key: key(), redeeming: Digest::of(&Secret::from(refresh)) })
            .unwrap();
    }
    let holds_one = |path: &PathBuf| {
        let content = fs::read(rig.path("").join(path)).unwrap();
        content.windows(6).any(|part| part == b"canary")
    };
    let holding: Vec<_> = rig.files().into_iter().filter(holds_one).collect();
    assert!(holding.iter().all(|path| path.starts_with("cache/tokens")), "{holding:?}");
    assert_eq!(holding.len(), 2, "and no copies");
    assert!(!format!("{:?}", rig.store).contains("canary"));
    rig.store.apply(&clear(&session("canary-a2", "canary-r2"))).unwrap();
    assert_eq!(rig.files().into_iter().find(holds_one), None, "and none is left after a removal");
}

#[test]
fn what_a_killed_save_left_goes_with_the_session_f9() {
    let leftover = |rig: &Rig, path: PathBuf| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "canary").unwrap();
        assert!(rig.files().iter().any(|file| rig.path("").join(file) == path));
        path
    };
    // Of a token whose file was never there, too.
    for name in ["access_token", "refresh_token", "id_token"] {
        let rig = Rig::new();
        rig.store.apply(&save(session("a", "r"))).unwrap();
        let site = rig.sidecar().file_stem().unwrap().to_str().unwrap().to_owned();
        let left = [
            leftover(&rig, rig.tokens().join(format!(".{name}.1-0.authctl-tmp"))),
            leftover(&rig, rig.path("state/tiled").join(format!(".{site}.{name}.damaged-1.1-0.authctl-tmp"))),
        ];
        rig.store.apply(&clear(&session("a", "r"))).unwrap();
        assert!(left.iter().all(|path| !path.exists()), "{name}");
    }
}

#[test]
fn what_the_first_save_left_goes_when_nothing_is_found_f9() {
    let rig = Rig::new();
    let left = rig.tokens().join(".access_token.1-0.authctl-tmp");
    fs::create_dir_all(rig.tokens()).unwrap();
    fs::write(&left, "canary").unwrap();
    let state = rig.store.made_state().unwrap();
    let saving = rig.store.change(&state, &rig.store.names(&key()).change).unwrap();
    assert_eq!(rig.store.load(&key()), Ok(Loaded::None));
    assert!(left.exists(), "somebody may be writing it");
    drop(saving);
    assert_eq!(rig.store.load(&key()), Ok(Loaded::None));
    assert!(!left.exists());
}

#[test]
fn a_name_that_no_folder_can_have_is_a_fault_p7() {
    let rig = Rig::new();
    for site in ["", "..", ".", &"https://h/".repeat(100)] {
        let key = Key { site: site.to_owned(), slot: String::new() };
        let change = Change::Save {
            key: key.clone(),
            session: Box::new(session("a", "r")),
            replaces: Replaces::Anything,
        };
        assert!(rig.store.apply(&change).is_err(), "{site}");
        assert!(matches!(rig.store.load(&key), Err(_) | Ok(Loaded::None)), "{site}");
    }
    let none: Vec<PathBuf> = Vec::new();
    let tokens: Vec<_> = rig.files().into_iter().filter(|path| path.starts_with("cache")).collect();
    assert_eq!(tokens, none);
}

#[test]
fn a_session_in_a_slot_is_kept_in_our_own_folder_and_mixed_with_no_other() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    let slot = Key { slot: "bob".to_owned(), ..key() };
    let bobs = session_of("bob", "b", "s");
    rig.store
        .apply(&Change::Save {
            key: slot.clone(),
            session: Box::new(bobs.clone()),
            replaces: Replaces::Anything,
        })
        .unwrap();
    assert!(rig.store.token_directory(&slot).unwrap().starts_with(rig.path("state")));
    let Loaded::Found(stored) = rig.store.load(&slot).unwrap() else { panic!() };
    assert_eq!(stored.session, bobs);
    assert_eq!(found(&rig.store), Stored { session: session("a", "r"), intent: None });
    let generation = bobs.tokens.generation();
    rig.store.apply(&Change::ClearIf { key: slot.clone(), generation }).unwrap();
    assert_eq!(rig.store.load(&slot).unwrap(), Loaded::None);
    assert_eq!(found(&rig.store), Stored { session: session("a", "r"), intent: None });
}

#[test]
fn where_nobody_is_named_it_is_who_signed_in_last() {
    let rig = Rig::new();
    let key = |login: &str| Key { site: "https://studio.example".to_owned(), slot: login.to_owned() };
    let stores: [&dyn Store; 2] = [&rig.store, &crate::MemoryStore::new()];
    for store in stores {
        assert_eq!(store.load(&key("")).unwrap(), Loaded::None);
        for login in ["ada", "bob"] {
            let session = Box::new(session_of(login, login, "r"));
            store.apply(&Change::Save { key: key(login), session, replaces: Replaces::Anything }).unwrap();
            let entry =
                SiteEntry { key: key(login), user: None, allow_http: false, method: None, pages: None };
            store.apply(&Change::Prefer(entry)).unwrap();
        }
        let Loaded::Found(last) = store.load(&key("")).unwrap() else { panic!() };
        assert_eq!(last.session, session_of("bob", "bob", "r"));
    }
}

#[test]
fn how_somebody_signed_in_is_listed_and_a_way_that_is_not_known_is_kept() {
    use auth_core::shotgun::SignInMethod;

    let rig = Rig::new();
    let entry = SiteEntry { method: Some(SignInMethod::AppSession), ..entry() };
    rig.store.apply(&Change::Prefer(entry.clone())).unwrap();
    assert_eq!(rig.store.sites().unwrap(), [entry]);
}

#[test]
fn what_would_be_too_long_to_be_read_again_is_not_written() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    rig.store.apply(&Change::Prefer(entry())).unwrap();
    let long = Foreign::new("x".repeat(1024 * 1024));
    let mut named = session("a2", "r2");
    named.facts.principal = Some(long.clone());
    assert!(rig.store.apply(&save(named)).is_err());
    assert!(rig.store.apply(&Change::Prefer(SiteEntry { user: Some(long), ..entry() })).is_err());
    assert_eq!(found(&rig.store).session, session("a", "r"));
    assert_eq!(rig.store.sites(), Ok(vec![entry()]));
}

#[test]
fn a_token_that_would_not_be_read_back_changes_nothing() {
    let rig = Rig::new();
    rig.store.apply(&save(session("a", "r"))).unwrap();
    for (access, refresh) in [("a2\n", "r2"), ("a2", "r\u{e9}2")] {
        let fault = rig.store.apply(&save(session(access, refresh))).unwrap_err();
        assert!(matches!(fault.kind, StoreFaultKind::Other(_)), "{fault}");
        assert!(!format!("{fault} {fault:?}").contains("a2"));
        assert_eq!(found(&rig.store).session, session("a", "r"));
    }
}

#[test]
fn two_cache_folders_share_neither_facts_nor_locks() {
    let rig = Rig::new();
    let other = TiledDirectory::new(rig.path("cache2"), rig.path("state"));
    rig.store.apply(&save(session("a", "r"))).unwrap();
    other.apply(&save(session_of("bob", "b", "s"))).unwrap();
    let held = rig.store.lock(LockKind::Renewal, &key(), Duration::ZERO).unwrap();
    assert!(matches!(other.lock(LockKind::Renewal, &key(), Duration::ZERO).unwrap(), Locking::Held(_)));
    drop(held);
    other.apply(&Change::Intent { key: key(), redeeming: Digest::of(&Secret::from("s")) }).unwrap();
    assert_eq!(found(&rig.store), Stored { session: session("a", "r"), intent: None });
}
