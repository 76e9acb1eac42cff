//! What holds whatever went wrong.

use std::time::Duration;

use auth_core::flow::{COOL_DOWN, Warning};
use auth_core::ports::{Asked, Loaded, LockKind, Locking};
use auth_core::session::Session;
use auth_core::{Error, Foreign};

use super::world::{Command, World};
use crate::plan::Strike;
use crate::stage::Run;
use crate::world::{Kind, other_entry, other_key, other_session};

/// Runs a command with faults in a new world, checks what is left, runs it again without faults, and checks that.
pub(crate) fn check(kind: Kind, command: Command, strikes: &[Strike]) {
    let world = World::before(kind, command);
    let before = world.stored_session();
    let run = world.run(command, before.clone(), strikes.to_vec());
    let context = format!("{kind:?} {command:?} {strikes:?}: {:?} {:?}", run.report, run.seen);

    check_presented(&world, &run, &context);
    check_rest(&world, &context);
    check_session(&world, command, before.as_ref(), &run, &context);
    check_again(&world, command, before, &context);
    check_rest(&world, &context);
}

/// A password or a code is presented once for each time it was given, never again by itself.
fn check_presented(world: &World, run: &Run, context: &str) {
    let is_sign_in = |method: &Option<String>| method.as_deref() == Some("get_session_token");
    let presented =
        run.seen.iter().filter(|exchange| is_sign_in(&exchange.method) && exchange.may_have_arrived).count();
    assert!(presented <= world.given(), "{presented} of {}, {context}", world.given());
}

/// Others are not touched, and every lock is free.
fn check_rest(world: &World, context: &str) {
    match world.store.load(&other_key()) {
        Ok(Loaded::Found(stored)) => assert_eq!(stored.session, other_session(), "{context}"),
        other => panic!("{other:?}, {context}"),
    }
    let sites = world.store.sites().unwrap();
    let ours = world.key();
    assert_eq!(sites.iter().find(|entry| entry.key != ours), Some(&other_entry()), "{context}");
    assert_eq!(sites.len(), 1 + usize::from(sites.iter().any(|entry| entry.key == ours)), "{context}");
    for (kind, key) in [(LockKind::Renewal, ours), (LockKind::Prompt, world.site_key())] {
        // A lock that was won too late is given back by the thread that won it.
        let lock = world.store.lock(kind, &key, Duration::from_secs(10));
        assert!(matches!(lock, Ok(Locking::Held(_))), "{kind:?} is {lock:?}, {context}");
    }
}

/// What is stored is what was, or a session that the site lets in; and what is handed over is one.
fn check_session(world: &World, command: Command, before: Option<&Session>, run: &Run, context: &str) {
    let report = &run.report;
    let stored = world.stored_session();
    for session in stored.iter().chain(&report.session) {
        let whose = session.facts.identity.as_ref().map(|identity| identity.id.clone());
        assert_eq!(whose, Some(Foreign::from("ada")), "{context}");
    }
    if stored.as_ref() != before {
        let stored = stored.as_ref().unwrap_or_else(|| panic!("signed out, {context}"));
        assert!(!command.is_call(), "a call stores nothing, {context}");
        assert!(world.lets_in(stored), "worth nothing, {context}");
    }
    let Some(handed_over) = &report.session else { return };
    assert!(world.lets_in(handed_over), "what was handed over is worth nothing, {context}");
    let was_saved = !report.warnings.iter().any(|warning| matches!(warning, Warning::NotSaved(_)));
    assert!(!was_saved || stored.as_ref() == Some(handed_over), "{context}");
}

/// Without faults the same works.
fn check_again(world: &World, command: Command, held: Option<Session>, context: &str) {
    if let Ok(Asked::Declined { .. }) = world.store.asked(&world.site_key()) {
        // Somebody said no, which counts for a while.
        world.clock.advance(COOL_DOWN);
    }
    let again = world.run(command, held, Vec::new()).report;
    let expected = (command == Command::CallLate).then_some(Error::NotSignedIn);
    assert_eq!((&again.error, &again.warnings[..]), (&expected, &[][..]), "again: {again:?}, {context}");
    assert!(command.is_call() || again.session.is_some_and(|session| world.lets_in(&session)), "{context}");
}
