use proptest::prelude::*;

use super::*;
use crate::document::{self, Read};
use crate::os::Dir;
use crate::samples::{key, session, session_of};

fn saved(session: &Session, over: &Session) -> Sidecar {
    let mut sidecar = Sidecar::default();
    sidecar.list(&key(), over, Digests::default());
    sidecar.list(&key(), session, Digests::of(&over.tokens));
    sidecar
}

fn tokens(access: &str, refresh: &str) -> Tokens {
    let mut tokens = session(access, refresh).tokens;
    tokens.id = None;
    tokens
}

#[test]
fn facts_are_bound_to_the_tokens_they_speak_of() {
    let (old, new) = (session_of("alice", "a0", "r0"), session_of("bob", "a1", "r1"));
    let sidecar = saved(&new, &old);
    let none = Facts::default();
    let cases = [
        ("a1", "r1", new.facts.clone()),
        ("a0", "r0", old.facts.clone()),
        // In between, with the same person: each token has its own.
        ("a0", "r1", Facts { refresh_expires: new.facts.refresh_expires, ..old.facts.clone() }),
        ("a0", "x", Facts { refresh_expires: None, ..old.facts.clone() }),
        // A peer took the access token away to renew it.
        ("", "r1", Facts { received: None, expires: None, ..new.facts.clone() }),
        // A peer renewed it: what was known is of another token.
        ("x", "r1", none.clone()),
        ("x", "y", none.clone()),
        ("", "y", none),
    ];
    for (access, refresh, facts) in cases {
        assert_eq!(sidecar.facts(&tokens(access, refresh)), facts, "{access} {refresh}");
    }
    assert_eq!(sidecar.links, new.links);
}

#[test]
fn a_token_nobody_here_saved_speaks_for_itself() {
    // {"sub":"abc","exp":1795404382,"ids":[{"id":"alice","idp":"toy"}]}
    let jwt =
        "e30.eyJzdWIiOiJhYmMiLCJleHAiOjE3OTU0MDQzODIsImlkcyI6W3siaWQiOiJhbGljZSIsImlkcCI6InRveSJ9XX0.c2ln";
    let facts = saved(&session("a1", "r1"), &session("a0", "r0")).facts(&tokens(jwt, "r1"));
    assert_eq!(facts.expires, Some(Timestamp(1_795_404_382)));
    assert_eq!(facts.principal, Some(Foreign::from("abc")));
    assert_eq!(facts.received, None);
}

#[test]
fn what_is_on_disk_stays_listed_until_it_is_replaced() {
    let sessions: Vec<_> = (0..5).map(|n| session(&format!("a{n}"), &format!("r{n}"))).collect();
    let mut sidecar = Sidecar::default();
    for (there, session) in sessions.iter().zip(sessions.iter().skip(1)) {
        sidecar.list(&key(), there, Digests::of(&there.tokens));
        sidecar.list(&key(), session, Digests::of(&there.tokens));
        for listed in [there, session] {
            assert!(sidecar.lists(Digests::of(&listed.tokens)));
            assert_eq!(sidecar.facts(&listed.tokens), listed.facts);
        }
        assert!(sidecar.sessions.len() <= LISTED);
    }
    // However often writing the tokens fails.
    let there = &session("a4", "r4");
    for n in 5..12 {
        sidecar.list(&key(), &session(&format!("a{n}"), &format!("r{n}")), Digests::of(&there.tokens));
        assert_eq!(sidecar.facts(&there.tokens), there.facts);
    }
    assert!(sidecar.clear());
    assert!(!sidecar.clear());
    assert!(!sidecar.knows(Digest::of(&Secret::from("a4"))));
    assert_eq!(sidecar.links, session("", "").links, "links hold for the site");
}

#[test]
fn it_is_written_and_read_back_without_a_secret_in_it_s2() {
    let mut with_id = session("canary-access", "canary-refresh");
    with_id.tokens.id = Some(Secret::from("canary-id"));
    let mut sidecar = saved(&with_id, &session("a0", "r0"));
    sidecar.intent = Some(Digest::of(&Secret::from("r0")));
    let bytes = sidecar.write();
    let again = Sidecar::read(&bytes).unwrap();
    assert_eq!((&again.links, &again.intent), (&sidecar.links, &sidecar.intent));
    assert_eq!(again.facts(&with_id.tokens), with_id.facts);
    assert!(again.knows(Digest::of(&Secret::from("canary-id"))));
    assert_eq!(again.write(), bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn what_another_version_wrote_survives() {
    let digest = Digest::of(&Secret::from("a0"));
    let text = format!(
        r#"{{"later": [1, {{"x": null}}], "links": {{"logout": "/l"}}, "sessions": [{{"access": "{digest}", "scopes": 7}}]}}"#
    );
    let mut sidecar = Sidecar::read(text.as_bytes()).unwrap();
    let there = Digests { access: Some(digest), ..Digests::default() };
    sidecar.list(&key(), &session("a1", "r1"), there);
    let written: Value = serde_json::from_slice(&sidecar.write()).unwrap();
    assert_eq!(written["later"], serde_json::json!([1, {"x": null}]));
    assert_eq!(written["links"]["logout"], "/l");
    assert_eq!(written["links"]["whoami"], "/api/v1/auth/whoami");
    assert_eq!(written["sessions"][1]["scopes"], 7);
    assert_eq!(written["site"], key().site);
}

#[test]
fn what_cannot_be_understood_is_broken() {
    let cases = [
        ("{}", true),
        (r#"{"sessions": [], "links": {}, "x": 1}"#, true),
        (r#"{"sessions": [{}]}"#, true),
        ("", false),
        ("[]", false),
        ("{", false),
        (r#"{"sessions": {}}"#, false),
        (r#"{"sessions": [7]}"#, false),
        (r#"{"sessions": [{"access": "abc"}]}"#, false),
        (r#"{"sessions": [{"expires": "soon"}]}"#, false),
        (r#"{"sessions": [{"expires": 1.5}]}"#, false),
        (r#"{"sessions": [{"identity": {"id": "x"}}]}"#, false),
        (r#"{"links": []}"#, false),
        (r#"{"links": {"whoami": 7}}"#, false),
        (r#"{"intent": "abc"}"#, false),
        (r#"{"intent": null}"#, false),
    ];
    for (text, whole) in cases {
        assert_eq!(Sidecar::read(text.as_bytes()).is_some(), whole, "{text}");
    }
    assert!(Sidecar::read(&b"[".repeat(100_000)).is_none());
    assert!(Sidecar::read(&[0; 4096]).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_read_or_set_aside_as_they_are_f4_p9(
        bytes in prop_oneof![
            any::<Vec<u8>>(),
            r#"\{"(sessions|links|intent)": ?(\[\{"(access|expires|identity)": ?("[a-f0-9]{0,64}"|[0-9]{0,20}|\{\})\}\]|\{\}|null)\}"#
                .prop_map(String::into_bytes),
        ]
    ) {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open(temporary.path(), &[], false).unwrap().unwrap();
        std::fs::write(temporary.path().join("x.json"), &bytes).unwrap();
        let is_whole = match document::read::<Sidecar>(&dir, "x.json").unwrap() {
            Read::Whole(sidecar) => { prop_assert!(Sidecar::read(&sidecar.write()).is_some()); true }
            Read::Broken => false,
            Read::Missing => { prop_assert!(false, "it is there"); false }
        };
        document::take::<Sidecar>(&dir, "x.json").unwrap();
        let kept = temporary.path().join(if is_whole { "x.json" } else { "x.json.damaged-1" });
        prop_assert_eq!(std::fs::read(kept).unwrap(), bytes);
    }
}
