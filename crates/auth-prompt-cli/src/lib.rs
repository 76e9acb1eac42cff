//! Asking a person at a terminal.
//!
//! [`TerminalPrompt`] opens `/dev/tty` itself, so it works whatever standard input and output are connected to, and
//! leaves the terminal exactly as it found it, however a question ends: answered, cancelled, dismissed, interrupted,
//! stopped, or with a panic. [`NoPrompt`] asks nobody.
//!
//! Without a terminal nobody is asked, unless `TILED_FORCE_PROMPT` is a number other than zero: then the question is put
//! on standard error and answered on standard input, as by Tiled's Python client. [`Waiting`] shows what takes long.
//!
//! # Signals
//!
//! While a question is open, `SIGINT` cancels it; `SIGTERM`, `SIGHUP` and `SIGQUIT` restore the terminal and then do
//! what they do by default, which is to end the program; `SIGTSTP` restores the terminal and stops, and after `SIGCONT`
//! the question is asked again. A sign-in that others wait for gives its lock back before the program stops, and takes it
//! again before it asks again. A signal that the program ignores stays ignored. A handler that the program installed
//! before (which Linux tells) is called first, and then the program is not ended: the question is cancelled.
//!
//! Signal handlers cannot be taken out again safely, so those of this crate stay after the first question. Between
//! questions they do what the system did before them. A program that installs handlers of its own after the first
//! question says so with `program_handles_signals`.
//!
//! A program that ends by `std::process::exit`, or by returning from `main`, while another thread asks must first
//! dismiss that question and wait for its end, or the terminal stays without echo.

#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod forced;
#[cfg(unix)]
mod job;
#[cfg(unix)]
mod line;
mod never;
mod notices;
mod prompt;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod terminal;
mod text;
#[cfg(unix)]
mod turn;
mod waiting;

pub use never::NoPrompt;
pub use prompt::TerminalPrompt;
#[cfg(unix)]
pub use signals::program_handles_signals;
pub use waiting::Waiting;
