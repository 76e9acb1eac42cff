//! Ctrl-C and its kin: what is being redeemed is saved first.
//!
//! Nothing is watched until the first request or question: before, there is nothing to lose, and a signal does what
//! it does by default.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use auth_native::blocking::Cancel;

use crate::exit::Exit;

/// The signal that came, if one did, and what it stops.
pub(crate) struct Interrupts {
    cancel: Cancel,
    /// True while a session is being saved that would be lost.
    is_saving: Box<dyn Fn() -> bool + Send + Sync>,
    came: Arc<AtomicUsize>,
    at_question: AtomicBool,
    watching: Once,
}

impl Interrupts {
    /// Stops what `cancel` stops. While `is_saving` is true, the first signal is told to wait and the second ends this
    /// program at once.
    pub(crate) fn new(cancel: Cancel, is_saving: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let is_saving = Box::new(is_saving);
        Self {
            cancel,
            is_saving,
            came: Arc::default(),
            at_question: AtomicBool::new(false),
            watching: Once::new(),
        }
    }

    /// Notes how the last question ended: given up by the person, by whatever means, or not.
    pub(crate) fn question_ended(&self, given_up: bool) {
        self.at_question.store(given_up, Ordering::SeqCst);
    }

    /// The last signal that came; zero if none did.
    pub(crate) fn signal(&self) -> i32 {
        i32::try_from(self.came.load(Ordering::SeqCst)).unwrap_or(0)
    }

    /// How this program ends when what it did was cancelled.
    pub(crate) fn exit(&self) -> Exit {
        match i32::try_from(self.came.load(Ordering::SeqCst)).unwrap_or(0) {
            0 => Exit::CANCELLED,
            INTERRUPT if self.at_question.load(Ordering::SeqCst) => Exit::CANCELLED,
            signal => Exit::signal(signal),
        }
    }
}

/// What a signal leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(unix), expect(dead_code, reason = "signals do what they do by default there"))]
enum Act {
    /// What is under way is to stop.
    Stop,
    /// The same, once what is being saved is saved, which is told.
    StopSaved,
    /// Nobody waits for it any longer.
    End,
}

/// Decides on signals in the order in which they come.
#[derive(Default)]
#[cfg_attr(not(unix), expect(dead_code, reason = "signals do what they do by default there"))]
struct Heed {
    told: bool,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "signals do what they do by default there"))]
impl Heed {
    fn next(&mut self, is_saving: bool) -> Act {
        match (is_saving, self.told) {
            (false, _) => Act::Stop,
            (true, false) => {
                self.told = true;
                Act::StopSaved
            }
            (true, true) => Act::End,
        }
    }
}

#[cfg(unix)]
const INTERRUPT: i32 = signal_hook::consts::SIGINT;
#[cfg(not(unix))]
const INTERRUPT: i32 = 2;

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::flag;
    use signal_hook::iterator::Signals;

    use super::{Act, Heed, Interrupts};
    use crate::exit::Exit;
    use crate::output;

    impl Interrupts {
        /// Watches from now on. To be called before the first request and before the first question.
        pub(crate) fn watch(self: &Arc<Self>) {
            self.watching.call_once(|| {
                let signals = heeded();
                // Where this fails, signals go on doing what they do by default.
                let Ok(mut watched) = Signals::new(&signals) else { return };
                for signal in signals {
                    // Noted by the handler itself, so that nobody learns of a signal before this does.
                    let number = usize::try_from(signal).unwrap_or(0);
                    let _ = flag::register_usize(signal, Arc::clone(&self.came), number);
                }
                let this = Arc::clone(self);
                let mut heed = Heed::default();
                let watch = move || {
                    watched.forever().for_each(|signal| this.act(heed.next((this.is_saving)()), signal));
                };
                let _ = thread::Builder::new().name("signals".to_owned()).spawn(watch);
                // Only Linux lets the prompt see for itself.
                #[cfg(not(target_os = "linux"))]
                auth_native::program_handles_signals();
            });
        }
    }

    impl Interrupts {
        fn act(&self, act: Act, signal: i32) {
            match act {
                Act::Stop => self.cancel.cancel(),
                Act::StopSaved => {
                    self.cancel.cancel();
                    output::note("saving the session; press Ctrl-C again to give it up");
                }
                Act::End => std::process::exit(Exit::signal(signal).code().into()),
            }
        }
    }

    /// Those that are not ignored: whoever started us may have meant that.
    fn heeded() -> Vec<i32> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
            .into_iter()
            .filter(|signal| !is_ignored(&status, *signal))
            .collect()
    }

    fn is_ignored(status: &str, signal: i32) -> bool {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
        mask.and_then(|mask| u64::from_str_radix(mask, 16).ok())
            .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_ignored_stays_so() {
            let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
            let cases = [(SIGHUP, true), (SIGINT, false), (SIGTERM, false), (SIGQUIT, false)];
            for (signal, ignored) in cases {
                assert_eq!(is_ignored(status, signal), ignored, "{signal}");
            }
            assert!(!is_ignored("", SIGINT) && !is_ignored("SigIgn:\tzz\n", SIGINT));
        }
    }
}

#[cfg(not(unix))]
impl Interrupts {
    /// Signals do what they do by default here.
    pub(crate) fn watch(self: &std::sync::Arc<Self>) {
        self.watching.call_once(|| {});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_while_saving_ends_at_once() {
        let mut heed = Heed::default();
        let acts = [false, true, false, true].map(|is_saving| heed.next(is_saving));
        assert_eq!(acts, [Act::Stop, Act::StopSaved, Act::Stop, Act::End]);
    }

    #[test]
    fn a_cancel_at_a_question_is_told_from_a_signal_elsewhere() {
        let cases = [
            (0, false, Exit::CANCELLED),
            (0, true, Exit::CANCELLED),
            (2, true, Exit::CANCELLED),
            (2, false, Exit::signal(2)),
            (15, true, Exit::signal(15)),
            (1, false, Exit::signal(1)),
            (3, true, Exit::signal(3)),
        ];
        for (signal, at_question, exit) in cases {
            let interrupts = Interrupts::new(Cancel::new(), || false);
            interrupts.came.store(signal, Ordering::SeqCst);
            interrupts.question_ended(at_question);
            assert_eq!(interrupts.exit(), exit, "{signal} {at_question}");
        }
    }
}
