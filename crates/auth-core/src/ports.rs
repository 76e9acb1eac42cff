//! What a driver needs from the world, as traits for others to fulfil.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::Digest;
use crate::error::{Sent, StoreFault, TransportFault};
use crate::foreign::{Foreign, strip};
use crate::question::{Answer, Holder, Notice, PromptFault, Question};
use crate::session::{Generation, Session, Tokens};
use crate::shotgun::SignInMethod;
use crate::site::Origin;
use crate::time::{Now, Tick, Timestamp};
use crate::wire::{Request, Response};

/// Names a stored session: a site, and a slot where a site keeps several.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Key {
    /// The site in its one canonical spelling; for Tiled its API address, ending in `/`.
    pub site: String,
    /// The login for Shotgun, in lower case; empty for Tiled, whose directory holds one session.
    pub slot: String,
}

impl Key {
    /// Whether the site has a session for each login, and the key names none of them.
    ///
    /// Under such a key a store loads the session of the user who signed in to the site last, and saves and clears
    /// nothing.
    pub fn lacks_login(&self) -> bool {
        strip(&self.slot).is_empty() && !self.site.ends_with('/')
    }
}

/// A session as it was found.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Stored {
    /// The session.
    pub session: Session,
    /// The refresh token that somebody set out to redeem and has not reported on: a crash in between, unless they
    /// still hold the renewal lock.
    pub intent: Option<Digest>,
}

/// What is found under a [`Key`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Loaded {
    /// A session.
    Found(Box<Stored>),
    /// Nothing.
    None,
    /// Somebody seems to be in the middle of writing it.
    Torn,
}

/// A site somebody signed in to, as the index of sites remembers it. Nothing in it is secret.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SiteEntry {
    /// Names its session.
    pub key: Key,
    /// Who signed in last.
    pub user: Option<Foreign>,
    /// True if credentials may go there in clear.
    pub allow_http: bool,
    /// How they signed in, where there are several ways.
    pub method: Option<SignInMethod>,
    /// Another origin, whose pages a person has let be opened for this site (T3).
    pub pages: Option<Origin>,
}

/// One change to a store, done wholly or not at all.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// Stores a session and ends an intent, if what is stored now may be replaced.
    Save {
        /// Where.
        key: Key,
        /// What.
        session: Box<Session>,
        /// What it may replace. Checked under the store's own lock, and again before each file it changes.
        replaces: Replaces,
    },
    /// Removes a session if it is still this one.
    ClearIf {
        /// Where.
        key: Key,
        /// Which.
        generation: Generation,
    },
    /// Notes durably that a refresh token is about to be redeemed, if it is the one stored.
    Intent {
        /// Where.
        key: Key,
        /// The refresh token's digest.
        redeeming: Digest,
    },
    /// Takes such a note back, because the refresh token was not sent. Does nothing if the note names another one.
    Withdraw {
        /// Where.
        key: Key,
        /// The refresh token's digest.
        redeeming: Digest,
    },
    /// Remembers a site and makes it the one meant when none is named.
    Prefer(SiteEntry),
    /// Forgets that a site was used; its session is not touched.
    Forget(Key),
}

impl Change {
    /// Checks that a session which is saved or cleared has a login, where its site has a session for each login. Every
    /// store checks this first.
    ///
    /// # Errors
    ///
    /// [`StoreFaultKind::NoLogin`](crate::error::StoreFaultKind::NoLogin) if the key [lacks a login](Key::lacks_login).
    pub fn check_login(&self) -> Result<(), StoreFault> {
        match self {
            Self::Save { key, .. } | Self::ClearIf { key, .. } if key.lacks_login() => {
                Err(StoreFault::no_login())
            }
            _ => Ok(()),
        }
    }
}

/// What a [`Change::Save`] may replace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Replaces {
    /// Whatever is stored. For an explicit sign-in, and for nothing else.
    Anything,
    /// Only what was found before the user was prompted; `None` for no session.
    Found(Option<Generation>),
    /// Only the session whose refresh token, named by its digest, was redeemed for the new one. Its access token does
    /// not matter: the Python client removes it before it renews.
    Redeemed(Digest),
}

impl Replaces {
    /// Whether `new` may be stored in the place of `stored`. Every store decides by this.
    ///
    /// A session whose refresh token is already the new one is what an earlier attempt left half saved.
    pub fn admits(&self, stored: Option<&Tokens>, new: &Tokens) -> bool {
        match self {
            Self::Anything => true,
            Self::Found(found) => stored.map(Tokens::generation) == *found,
            Self::Redeemed(redeemed) => {
                let refresh = stored.and_then(|stored| stored.refresh.as_ref());
                refresh.is_some_and(|refresh| Digest::of(refresh) == *redeemed)
                    || (refresh.is_some() && refresh == new.refresh.as_ref())
            }
        }
    }
}

/// What became of a [`Change`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Applied {
    /// Done, and durable as far as the store is.
    Done,
    /// For [`Change::Save`], [`Change::ClearIf`] and [`Change::Intent`]: this is stored instead, and was not touched;
    /// `None` if nothing is.
    Conflict(Option<Box<Stored>>),
}

/// The locks of a session. A third, for one read-modify-write of a file, is the store's own affair.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum LockKind {
    /// Held from re-reading a session to having saved its successor.
    Renewal,
    /// Held while a person is asked.
    Prompt,
}

/// What became of an attempt to take a lock.
pub enum Locking {
    /// It is ours until this is dropped.
    Held(Box<dyn Send>),
    /// Somebody else's.
    Busy(Holder),
}

impl fmt::Debug for Locking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(_) => f.write_str("Held"),
            Self::Busy(holder) => write!(f, "Busy({holder:?})"),
        }
    }
}

/// How the last question at a site ended. After a decline, or several unanswered questions, programs do not prompt for a
/// while.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Asked {
    /// It was answered, or there was none.
    #[default]
    Answered,
    /// A person said no.
    Declined {
        /// When.
        at: Timestamp,
    },
    /// Nobody answered in time.
    Unanswered {
        /// How often in a row.
        times: u8,
        /// When it was given up last.
        at: Timestamp,
    },
}

/// A place to keep sessions. Used from several threads at once, and by several processes.
pub trait Store: Send + Sync {
    /// Looks a session up.
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault>;

    /// Makes one change.
    fn apply(&self, change: &Change) -> Result<Applied, StoreFault>;

    /// Where a session is or would be stored, for messages: a folder, or the name of a keychain. `None` if that says
    /// nothing to a person.
    fn location(&self, key: &Key) -> Option<Foreign> {
        let _ = key;
        None
    }

    /// Takes a lock that all users of this store respect; `wait` is how long to wait for it, zero to try once.
    /// A lock whose holder dies is free again.
    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault>;

    /// Like [`lock`](Self::lock), but stops waiting soon after `is_wanted` returns false: its caller has given up.
    ///
    /// By default waits for all of `wait`, and keeps a thread of the caller's as long.
    fn lock_while(
        &self,
        kind: LockKind,
        key: &Key,
        wait: Duration,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Locking, StoreFault> {
        let _ = is_wanted;
        self.lock(kind, key, wait)
    }

    /// The sites remembered, the one last preferred first.
    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault>;

    /// How the last question at a site ended; the key of a Shotgun site has no login. A store that does not keep this
    /// returns [`Asked::Answered`]: then programs that wait for a question prompt in turn.
    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        let _ = key;
        Ok(Asked::default())
    }

    /// Keeps how a question at a site ended, for all users of this store. Takes the same key as [`asked`](Self::asked).
    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        let _ = (key, asked);
        Ok(())
    }
}

/// A way to ask a person.
pub trait Prompt: Send + Sync {
    /// Asks, and waits for the answer. If `dismissed` happens first, takes the question back, leaves the terminal or
    /// window as it was, and returns [`PromptFault::Cancelled`].
    ///
    /// A prompt that Ctrl-Z can stop returns [`PromptFault::Suspended`] if [`Dismiss::may_suspend`] allows it, and stops
    /// when it is told [`Notice::Suspend`]. Otherwise it stops within this call.
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault>;

    /// Tells something. What cannot be told is dropped. A notice that takes longer than
    /// [`TELL_DEADLINE`](crate::flow::TELL_DEADLINE) is left behind, unless it is [`Notice::Suspend`].
    fn tell(&self, notice: &Notice);
}

/// A way to make one HTTP exchange and wait for its end. Follows, repeats and adds nothing.
pub trait Transport: Send + Sync {
    /// Sends a request within its budget.
    fn send(&self, request: &Request) -> Result<Response, Unreachable>;
}

/// How an exchange ended without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Unreachable {
    /// Why.
    pub fault: TransportFault,
    /// Whether the request may have been acted on.
    pub sent: Sent,
}

/// The clocks of a machine.
pub trait Clock: Send + Sync {
    /// Both clocks, now.
    fn now(&self) -> Now;

    /// Civil time alone, for whoever asks often.
    fn wall(&self) -> Timestamp {
        self.now().wall
    }

    /// For clocks that are turned by hand: goes to `until` at once and answers true. A real clock answers false, and
    /// the driver waits.
    fn turn(&self, until: Tick) -> bool {
        let _ = until;
        false
    }
}

/// Says to a prompt, from another thread, that its question is no longer wanted.
#[derive(Clone, Default)]
pub struct Dismiss(Arc<Mutex<Dismissal>>);

#[derive(Default)]
struct Dismissal {
    happened: bool,
    may_suspend: bool,
    wake: Option<Box<dyn FnOnce() + Send>>,
}

impl Dismiss {
    /// Not dismissed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the question be suspended: its asker understands [`PromptFault::Suspended`], gives back what others wait for,
    /// and tells [`Notice::Suspend`].
    #[must_use]
    pub fn suspendable(self) -> Self {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).may_suspend = true;
        self
    }

    /// Whether the prompt may answer [`PromptFault::Suspended`].
    pub fn may_suspend(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).may_suspend
    }

    /// Takes the question back. More than once is as once.
    pub fn dismiss(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.happened = true;
        let wake = state.wake.take();
        drop(state);
        if let Some(wake) = wake {
            wake();
        }
    }

    /// True once the question was taken back.
    pub fn is_dismissed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).happened
    }

    /// Calls `wake` when the question is taken back, at once if it already was. Only the last one given is called.
    pub fn on_dismiss(&self, wake: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.happened {
            drop(state);
            wake();
        } else {
            state.wake = Some(Box::new(wake));
        }
    }
}

impl fmt::Debug for Dismiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dismiss({})", self.is_dismissed())
    }
}

#[cfg(test)]
#[path = "tests/replaces.rs"]
mod replaces;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_dismissal_wakes_once_whichever_came_first() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = |woken: &Arc<AtomicUsize>| {
            let woken = Arc::clone(woken);
            move || {
                woken.fetch_add(1, Ordering::SeqCst);
            }
        };
        let dismiss = Dismiss::new();
        dismiss.on_dismiss(count(&woken));
        assert!(!dismiss.is_dismissed());
        dismiss.dismiss();
        dismiss.dismiss();
        assert_eq!((dismiss.is_dismissed(), woken.load(Ordering::SeqCst)), (true, 1));
        dismiss.on_dismiss(count(&woken));
        assert_eq!(woken.load(Ordering::SeqCst), 2);
    }
}
