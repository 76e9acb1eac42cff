//! Notices that are never told: they hold no call up, and a cancel is heard meanwhile.

use core::time::Duration;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use auth_core::flow::{LoginOptions, TELL_DEADLINE};
use auth_core::ports::{Dismiss, Prompt};
use auth_core::{Answer, Error as AuthError, Notice, PromptFault, Question};
use auth_http::Cancel;

use super::rig::{Rig, secret};
use super::subject::Connection;
use crate::Error;

/// A server that is called in clear over a network, of which the person is told before each call.
const EXPOSED: &str = "http://tiled.example.org:8000";
/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(20);

/// A prompt whose telling does not end well.
struct Terminal {
    tells: Box<dyn Fn(&Self) + Send + Sync>,
    told: AtomicUsize,
    freed: Mutex<bool>,
    changed: Condvar,
}

impl Terminal {
    fn new(tells: impl Fn(&Self) + Send + Sync + 'static) -> Arc<Self> {
        let (told, freed, changed) = (AtomicUsize::new(0), Mutex::new(false), Condvar::new());
        Arc::new(Self { tells: Box::new(tells), told, freed, changed })
    }

    fn hang(&self) {
        let freed = self.freed.lock().unwrap();
        drop(self.changed.wait_timeout_while(freed, SOON, |freed| !*freed).unwrap());
    }

    fn free(&self) {
        *self.freed.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

impl Prompt for Terminal {
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, _: &Notice) {
        self.told.fetch_add(1, Ordering::SeqCst);
        (self.tells)(self);
    }
}

fn connected(rig: &Rig, terminal: &Arc<Terminal>, cancel: Cancel) -> Result<Connection, Error> {
    let alice = LoginOptions {
        username: Some("alice".into()),
        password: Some(secret("sesame")),
        allow_http: true,
        ..LoginOptions::default()
    };
    let auth = rig.builder().prompt(Arc::clone(terminal) as Arc<dyn Prompt>).cancel(cancel).build().unwrap();
    auth.connect_with(EXPOSED, alice)
}

#[test]
fn a_notice_that_hangs_or_panics_holds_no_call_up() {
    for hangs in [true, false] {
        let (rig, began) = (Rig::default(), Instant::now());
        let clock = Arc::clone(&rig.clock);
        let terminal = Terminal::new(move |terminal| {
            if !hangs {
                resume_unwind(Box::new("on purpose"));
            }
            clock.turn(TELL_DEADLINE);
            terminal.hang();
        });
        let connection = connected(&rig, &terminal, Cancel::new()).unwrap();
        assert!(connection.get("metadata/").unwrap().is_success());
        connection.authorization().unwrap();
        connection.whoami().unwrap();
        connection.logout().unwrap();
        assert!(began.elapsed() < SOON, "hangs: {hangs}");
        // At the sign-in, and before each of the four.
        assert_eq!(terminal.told.load(Ordering::SeqCst), 5, "hangs: {hangs}");
        terminal.free();
    }
}

#[test]
fn a_cancel_is_heard_while_a_notice_hangs() {
    // The second notice is of the first call.
    for cancelled_at in [1, 2] {
        let (rig, cancel, began) = (Rig::default(), Cancel::new(), Instant::now());
        let stop = cancel.clone();
        let terminal = Terminal::new(move |terminal| {
            if terminal.told.load(Ordering::SeqCst) == cancelled_at {
                stop.cancel();
                terminal.hang();
            }
        });
        let end = connected(&rig, &terminal, cancel).and_then(|connection| {
            rig.site.log();
            connection.get("metadata/").map(drop)
        });
        assert_eq!(end.err(), Some(Error::Auth(AuthError::Cancelled)), "at {cancelled_at}");
        let shown: Vec<_> = rig.site.log().into_iter().filter(|line| !line.ends_with(" -")).collect();
        assert_eq!(shown, Vec::<String>::new(), "at {cancelled_at}");
        assert!(began.elapsed() < SOON, "at {cancelled_at}");
        terminal.free();
    }
}
