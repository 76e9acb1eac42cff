//! What is done to a token directory, and what may be found of it when it was cut short.

use std::os::unix::fs::PermissionsExt as _;

use auth_core::ports::{Change, Replaces, SiteEntry, Store as _};
use auth_core::session::Session;
use auth_core::{Digest, Foreign};

use crate::rig::{Rig, key, session};

/// One operation of a store, over something that is there.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    /// As the documents call it.
    pub(crate) name: &'static str,
    /// As the probe calls it.
    pub(crate) verb: &'static str,
    /// What is there before.
    prepare: fn(&Rig),
    /// What the probe is given.
    pub(crate) given: fn() -> Session,
    /// What may be found whenever it ends, in this order: first what was there, last what was wanted.
    pub(crate) stages: &'static [&'static str],
    /// True if what was to be renewed stays noted until it is replaced.
    pub(crate) keeps_intent: bool,
    /// True if something in the directory is kept aside before it is replaced.
    pub(crate) has_damage: bool,
}

/// All of them.
pub(crate) const ALL: [Operation; 12] = [
    Operation {
        name: "A renewal is saved",
        verb: "save",
        prepare: renewing,
        given: || session("alice", "1", false),
        stages: &["old", "new refresh token, old access token", "new"],
        keeps_intent: true,
        has_damage: false,
    },
    Operation {
        name: "A renewal is saved where the token files are links",
        verb: "save",
        prepare: linked,
        given: || session("alice", "1", false),
        stages: &["old", "new refresh token, old access token", "new"],
        keeps_intent: true,
        has_damage: false,
    },
    Operation {
        name: "A renewal is saved that brings an ID token",
        verb: "save",
        prepare: with_id,
        given: || session("alice", "1", true),
        stages: &["old", "new refresh token, old access token", "new, old ID token", "new"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "Somebody else signs in",
        verb: "save",
        prepare: with_id,
        given: || session("bob", "1", true),
        stages: &["old", "old refresh token", "new refresh token", "new, no ID token", "new"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "The first sign-in, in an empty home",
        verb: "save",
        prepare: |_| {},
        given: || session("alice", "1", false),
        stages: &["nothing", "new refresh token", "new"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "A session is removed",
        verb: "clear",
        prepare: with_id,
        given: || session("alice", "0", true),
        stages: &["old", "old refresh token", "nothing"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "A renewal is announced",
        verb: "intend",
        prepare: saved,
        given: || session("alice", "0", false),
        stages: &["old", "old, announced"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "A site is remembered",
        verb: "prefer",
        prepare: listed,
        given: || session("bob", "0", false),
        stages: &["old", "old, remembered"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "A site is remembered again",
        verb: "prefer",
        prepare: listed_before,
        given: || session("bob", "0", false),
        stages: &["old", "old, remembered"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "A site is remembered where an earlier version kept the list",
        verb: "prefer",
        prepare: old_list,
        given: || session("bob", "0", false),
        stages: &["old", "old, remembered"],
        keeps_intent: false,
        has_damage: false,
    },
    Operation {
        name: "A renewal is saved over an access token that nobody can read",
        verb: "save",
        prepare: damaged_token,
        given: || session("alice", "1", false),
        stages: &["old, damaged", "old refresh token", "new refresh token", "new"],
        keeps_intent: false,
        has_damage: true,
    },
    Operation {
        name: "A renewal is announced where the sidecar cannot be read",
        verb: "intend",
        prepare: damaged_sidecar,
        given: || session("alice", "0", false),
        stages: &["old", "old, announced"],
        keeps_intent: false,
        has_damage: true,
    },
];

/// What no token file and no file of ours holds.
pub(crate) const DAMAGE: &[u8] = b"\xff\xfe no token";

impl Operation {
    /// A directory in which it can be done.
    pub(crate) fn rig(&self) -> Rig {
        self.rig_with(|_| {})
    }

    /// The same; `first` is done while nothing is in it.
    pub(crate) fn rig_with(&self, first: impl FnOnce(&Rig)) -> Rig {
        let rig = Rig::new();
        first(&rig);
        (self.prepare)(&rig);
        rig
    }
}

fn put(rig: &Rig, session: Session) {
    rig.store
        .apply(&Change::Save { key: key(), session: Box::new(session), replaces: Replaces::Anything })
        .unwrap();
}

fn saved(rig: &Rig) {
    put(rig, session("alice", "0", false));
}

fn with_id(rig: &Rig) {
    put(rig, session("alice", "0", true));
}

fn renewing(rig: &Rig) {
    saved(rig);
    let redeeming = Digest::of(session("alice", "0", false).tokens.refresh.as_ref().unwrap());
    rig.store.apply(&Change::Intent { key: key(), redeeming }).unwrap();
}

fn linked(rig: &Rig) {
    renewing(rig);
    let folder = rig.path("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    for name in ["access_token", "refresh_token"] {
        let (from, to) = (rig.tokens().join(name), folder.join(name));
        std::fs::copy(&from, &to).unwrap();
        std::fs::remove_file(&from).unwrap();
        std::os::unix::fs::symlink(&to, &from).unwrap();
    }
}

fn listed(rig: &Rig) {
    saved(rig);
    rig.store.apply(&Change::Prefer(Rig::other_site())).unwrap();
}

fn listed_before(rig: &Rig) {
    let entry = SiteEntry {
        key: key(),
        user: Some(Foreign::from("alice")),
        allow_http: false,
        method: None,
        pages: None,
    };
    rig.store.apply(&Change::Prefer(entry)).unwrap();
    listed(rig);
}

fn old_list(rig: &Rig) {
    saved(rig);
    let SiteEntry { key, user, allow_http, .. } = Rig::other_site();
    let (site, user) = (key.site, user.unwrap());
    let text = format!(
        r#"{{"sites": [{{"site": "{site}", "slot": "", "user": "{}", "allow_http": {allow_http}}}]}}"#,
        user.raw()
    );
    let path = rig.path("state/tiled/index.json");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn damaged_token(rig: &Rig) {
    saved(rig);
    std::fs::write(rig.tokens().join("access_token"), DAMAGE).unwrap();
    rig.settle();
}

fn damaged_sidecar(rig: &Rig) {
    saved(rig);
    std::fs::write(rig.sidecar(), DAMAGE).unwrap();
    rig.settle();
}
