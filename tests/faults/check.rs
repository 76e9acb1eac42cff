//! What holds whatever went wrong.

use std::time::Duration;

use auth_core::error::{Error, TransportFault, Trouble};
use auth_core::flow::{COOL_DOWN, Warning};
use auth_core::ports::{Asked, Loaded, LockKind, Locking};
use auth_core::session::Session;
use auth_core::{Digest, Foreign};

use crate::command::{Command, Report};
use crate::plan::Strike;
use crate::ports::Exchange;
use crate::stage::Run;
use crate::world::{Kind, World, other_entry, other_key, other_session};

/// Runs a command with faults in a new world, checks what is left, runs it again without faults, and checks that.
pub(crate) fn check(kind: Kind, command: Command, strikes: &[Strike]) {
    let world = World::before(kind, command);
    let before = world.stored_session();
    let run = world.run(command, before.clone(), strikes.to_vec());
    let Run { report, seen, .. } = &run;
    let context = format!("{kind:?} {command:?} {strikes:?}: {report:?} {seen:?}");

    check_presented(seen, &context);
    check_rest(&world, &context);
    check_session(&world, command, before.as_ref(), report, seen, &context);

    check_again(&world, command, &context);
    check_rest(&world, &context);
}

/// A refresh token that may have arrived is not presented again by itself.
pub(crate) fn check_presented(seen: &[Exchange], context: &str) {
    let mut spent: Vec<Digest> = Vec::new();
    for exchange in seen.iter().filter(|exchange| exchange.path.ends_with("/session/refresh")) {
        let presented = exchange.presented.unwrap();
        assert!(!spent.contains(&presented), "presented twice, {context}");
        if exchange.may_have_arrived {
            spent.push(presented);
        }
    }
}

/// Others are not touched, and every lock is free.
pub(crate) fn check_rest(world: &World, context: &str) {
    match world.store.load(&other_key()) {
        Ok(Loaded::Found(stored)) => assert_eq!(stored.session, other_session(), "{context}"),
        other => panic!("{other:?}, {context}"),
    }
    let sites = world.store.sites().unwrap();
    let ours = world.key();
    assert_eq!(sites.iter().find(|entry| entry.key != ours), Some(&other_entry()), "{context}");
    assert_eq!(sites.len(), 1 + usize::from(sites.iter().any(|entry| entry.key == ours)), "{context}");
    for kind in [LockKind::Renewal, LockKind::Prompt] {
        // A lock that was won too late is given back by the thread that won it.
        let lock = world.store.lock(kind, &ours, Duration::from_secs(10));
        assert!(matches!(lock, Ok(Locking::Held(_))), "{kind:?} is {lock:?}, {context}");
    }
}

/// No session is lost unless the site itself ended it, and nobody else's is taken for ours.
pub(crate) fn check_session(
    world: &World,
    command: Command,
    before: Option<&Session>,
    report: &Report,
    seen: &[Exchange],
    context: &str,
) {
    let stored = world.stored_session();
    let principal = |session: &Session| session.facts.principal.clone();
    for session in stored.iter().chain(&report.session) {
        let theirs = principal(session);
        let ours = before.map_or_else(|| theirs.clone(), principal);
        assert!(theirs == ours && theirs.is_some(), "somebody else's, {context}");
        let demo = session.facts.identity.as_ref().map(|identity| identity.id.clone());
        assert_eq!(demo, Some(Foreign::from("demo")), "{context}");
    }
    let was_saved = !report.warnings.iter().any(|warning| matches!(warning, Warning::NotSaved(_)));
    let handed_over = report.session.as_ref().filter(|_| !was_saved);
    let is_alive = |session: &Session| world.can_renew(session) || world.lets_in(session);
    if let Some(handed_over) = handed_over {
        assert!(is_alive(handed_over), "what was handed over is worth nothing, {context}");
        return;
    }
    if command == Command::Logout {
        let is_over = seen.iter().any(|exchange| exchange.status == Some(204));
        let is_kept = stored.as_ref().is_some_and(is_alive);
        assert!(is_over || stored.is_none() || is_kept, "{context}");
        if report.error.is_none() {
            assert_eq!(stored, None, "{context}");
        }
        return;
    }
    if report.error.is_none() && command.is_login() {
        assert_eq!(stored, report.session, "{context}");
    }
    let Some(_) = before else { return };
    let Some(stored) = stored else { panic!("signed out, {context}") };
    if !is_alive(&stored) {
        // Then the site has given new tokens that never came, or came when the driver had given up waiting for them,
        // and it is noted that this may be so.
        let gave_up = gave_up(report);
        let is_lost = seen.iter().any(|exchange| {
            let is_renewal = exchange.path.ends_with("/session/refresh") && exchange.status == Some(200);
            is_renewal && (!exchange.delivered || gave_up)
        });
        assert!(is_lost, "worth nothing, {context}");
        let Loaded::Found(found) = world.stored() else { panic!("{context}") };
        assert_eq!(found.intent, stored.tokens.refresh.as_ref().map(Digest::of), "{context}");
    }
    // An error says that the session is over only if the site said so.
    assert!(!report.error.as_ref().is_some_and(Error::ends_session), "{context}");
}

/// True if no answer came in time by the driver's clock: one that leaps, as when the machine sleeps, ends a wait while
/// its answer is on the way.
fn gave_up(report: &Report) -> bool {
    let in_time = |error: &Error| *error == Error::Transient(Trouble::Unreachable(TransportFault::Timeout));
    let warned =
        report.warnings.iter().any(|warning| matches!(warning, Warning::NotRenewed(error) if in_time(error)));
    warned || report.error.as_ref().is_some_and(in_time)
}

/// Without faults the same works, or says that the session was lost.
pub(crate) fn check_again(world: &World, command: Command, context: &str) {
    if let Ok(Asked::Declined { .. }) = world.store.asked(&world.key()) {
        // Somebody said no, which counts for a while.
        world.clock.advance(COOL_DOWN);
    }
    let stored = world.stored_session();
    let can_go_on = stored.as_ref().is_some_and(|session| world.can_renew(session));
    let again = world.run(command, stored.clone(), Vec::new());
    let report = again.report;
    let context = format!("again: {report:?}, {context}");
    match (command, stored) {
        (command, _) if command.is_login() => {
            assert_eq!((report.error, &report.warnings[..]), (None, &[][..]), "{context}");
        }
        (Command::Logout, None) => assert_eq!(report.error, Some(Error::NotSignedIn), "{context}"),
        (Command::Logout, Some(_)) => assert_eq!(report.error, None, "{context}"),
        (_, None) => panic!("nothing to go on with, {context}"),
        (_, Some(_)) if can_go_on => assert_eq!(report.error, None, "{context}"),
        // Its refresh token is spent. It may last a while; whoever renews it is told what happened.
        (_, Some(_)) if report.error.is_none() => {
            assert!(report.session.is_some_and(|session| world.lets_in(&session)), "{context}");
        }
        (_, Some(_)) => {
            assert_eq!(report.error, Some(Error::Lost), "{context}");
            assert_eq!(world.stored(), Loaded::None, "{context}");
        }
    }
}
