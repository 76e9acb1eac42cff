//! A program that runs beside ours.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// How it ended; nothing where somebody else has been told that.
pub(crate) type End = io::Result<Option<ExitStatus>>;

/// The variables that hold a key. A browser needs none, and hands its environment on to whatever it starts.
const KEYS: [&str; 2] = ["TILED_API_KEY", "AUTHCTL_SCRIPT_KEY"];

/// Starts a program, and says when it has ended, or why it did not start. A thread waits for it, so that nobody else has
/// to, and nothing of it is left when it ends.
pub(crate) fn start(words: &[String]) -> io::Result<Receiver<End>> {
    let (tell, told) = mpsc::channel();
    let words = words.to_vec();
    // Starting is for the thread too: a program may be on a disk that does not answer.
    thread::Builder::new().name("browser".to_owned()).spawn(move || {
        let _ = tell.send(spawn(&words).map(|mut child| child.wait().ok()));
    })?;
    Ok(told)
}

fn spawn(words: &[String]) -> io::Result<Child> {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map_or("", String::as_str));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for key in KEYS {
        command.env_remove(key);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // A job of its own: Ctrl-C at our terminal does not close the browser, and one for terminals cannot take ours.
        command.process_group(0);
    }
    command.spawn()
}
