//! Every public type, with secrets wherever one fits, and every file of the store: secrets are in the token files, and
//! nowhere else. S1, S2, F9
//!
//! `cargo xtask tidy` sees to it that no type is left out.

#![cfg(all(feature = "contract", feature = "file"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

use std::path::Path;

use auth_core::error::StoreFault;
use auth_core::ports::{Applied, Change, Key, Loaded, LockKind, Locking, Replaces, SiteEntry, Store};
use auth_core::session::{Facts, Identity, Session, Tokens};
use auth_core::time::Timestamp;
use auth_core::{Digest, Foreign, Secret};
use auth_store::contract::{
    self, Clause, Failure, Grain, Needs, NoSuchClause, Report, Subject, Unable, Verdict, clauses,
};
use auth_store::{LockMethod, MemoryStore, Profile, ProfileError, ProfileList, Profiles, TiledDirectory};
use canary::{Search, plant, silent, silent_error, silent_text, sweep};
use core::time::Duration;

fn key() -> Key {
    Key { site: "http://127.0.0.1:8000/api/v1/".to_owned(), slot: String::new() }
}

fn session(name: &str) -> Session {
    let token = |kind: &str| Some(Secret::from(plant(&format!("the {name} {kind} token"))));
    Session {
        tokens: Tokens {
            access: token("access"),
            refresh: token("refresh"),
            id: token("id"),
            ..Tokens::default()
        },
        facts: Facts {
            received: Some(Timestamp(1_000)),
            expires: Some(Timestamp(1_900)),
            identity: Some(Identity { id: Foreign::from("alice"), provider: Foreign::from("toy") }),
            ..Facts::default()
        },
        ..Session::default()
    }
}

/// Everything that is done with a store, one session after the other.
fn live(store: &dyn Store) {
    for name in ["first", "second", "third"] {
        let session = session(name);
        let redeeming = Digest::of(session.tokens.refresh.as_ref().unwrap());
        let generation = session.tokens.generation();
        let save = Change::Save { key: key(), session: Box::new(session), replaces: Replaces::Anything };
        let prefer = Change::Prefer(SiteEntry {
            key: key(),
            user: Some(Foreign::from("alice")),
            allow_http: false,
            method: None,
            pages: None,
        });
        for change in [save, Change::Intent { key: key(), redeeming }, prefer] {
            assert_eq!(store.apply(&change).unwrap(), Applied::Done);
        }
        let Locking::Held(_guard) = store.lock(LockKind::Renewal, &key(), Duration::ZERO).unwrap() else {
            unreachable!()
        };
        if name == "first" {
            store.apply(&Change::ClearIf { key: key(), generation }).unwrap();
        }
    }
    assert!(matches!(store.load(&key()).unwrap(), Loaded::Found(_)));
}

#[test]
fn stores_show_none_s1() {
    let memory = MemoryStore::new();
    live(&memory);
    silent::<MemoryStore>(&memory);
    silent(&memory.load(&key()).unwrap());
}

#[test]
fn a_token_directory_has_secrets_in_its_token_files_only_s2_f9() {
    let folder = tempfile::tempdir().unwrap();
    let store = TiledDirectory::new(folder.path().join("cache"), folder.path().join("state"));
    live(&store);
    silent::<TiledDirectory>(&store);
    silent::<LockMethod>(&store.lock_method().unwrap().unwrap());
    let tokens = store.token_directory(&key()).unwrap();
    let is_token = |path: &Path| path.parent() == Some(&tokens);
    let search = Search::of_planted();
    assert_eq!(sweep(folder.path(), &search, &is_token).unwrap(), []);
    // The search finds them where they are, and the old ones are gone there, too.
    let there = sweep(folder.path(), &search, &|_| false).unwrap();
    let mut names: Vec<_> = there.iter().map(|leak| leak.found.secret.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["the third access token", "the third id token", "the third refresh token"]);
}

/// A store that says more than it should.
struct Talker;

impl Store for Talker {
    fn load(&self, _: &Key) -> Result<Loaded, StoreFault> {
        Ok(Loaded::None)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        let said = match change {
            Change::Save { session, .. } => {
                session.tokens.access.as_ref().map_or("", Secret::expose).to_owned()
            }
            _ => String::new(),
        };
        std::panic::resume_unwind(Box::new(format!("cannot keep {said}")))
    }

    fn lock(&self, _: LockKind, _: &Key, _: Duration) -> Result<Locking, StoreFault> {
        Ok(Locking::Held(Box::new(())))
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        Ok(Vec::new())
    }
}

impl Subject for Talker {
    fn open(&self) -> Result<Box<dyn Store>, StoreFault> {
        Ok(Box::new(Self))
    }
}

#[test]
fn the_contract_repeats_nothing_that_a_store_says_s1_s2() {
    let report = contract::run_one("saved-is-found", || Ok(Talker));
    let report = report.or_else(|_| contract::run_one(clauses()[1].name, || Ok(Talker))).unwrap();
    silent_text::<Report>(&report);
    for (_, verdict) in report.verdicts() {
        silent::<Verdict>(verdict);
        assert!(!format!("{verdict:?}").contains("SECRET."), "{verdict:?}");
    }
    report.failures().for_each(silent_error::<Failure>);
    silent::<Clause>(&clauses()[0]);
    silent::<Needs>(&Needs::Store);
    silent::<Grain>(&Grain::Token);
    silent::<Unable>(&Unable::lacks("nothing"));
    silent_error::<NoSuchClause>(&NoSuchClause("none".to_owned()));
}

#[test]
fn a_profile_shows_no_key_s1() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("lab: {{uri: 'http://127.0.0.1:8000?api_key={}'}}", plant("a key in a profile"));
    std::fs::write(folder.path().join("p.yml"), text).unwrap();
    let profiles = Profiles::new([folder.path().to_owned()]);
    silent::<Profiles>(&profiles);
    silent::<ProfileList>(&profiles.load());
    silent::<Profile>(profiles.load().get("lab").unwrap());
    silent::<ProfileError>(&profiles.load().get("none").unwrap_err());
}
