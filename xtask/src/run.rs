//! Running programs: quietly (output kept for when they fail), or shown line by line while it is read.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How long to go on reading a pipe that a child's own children hold open after it ended.
const LINGER: Duration = Duration::from_secs(3);

/// Runs to the end; `Err` holds all that was printed.
pub(crate) fn quietly(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| cannot_run(command, &e))?;
    if output.status.success() {
        return Ok(());
    }
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    printed.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(format!("{}\n({})", printed.trim_end(), output.status))
}

/// The line of what [`quietly`] gave back that says most: the last error, or the last line printed.
pub(crate) fn reason(printed: &str) -> &str {
    let lines = || printed.lines().rev().filter(|line| !line.is_empty() && !line.starts_with('('));
    let error = lines().find(|line| line.starts_with("error") || line.starts_with("ERROR"));
    error.or_else(|| lines().next()).unwrap_or("it said nothing")
}

/// What a program printed and how it ended.
pub(crate) struct Shown {
    pub(crate) lines: Vec<String>,
    pub(crate) ok: bool,
}

enum Line {
    Out(String),
    Err(String),
}

/// Decides what is shown of what a program prints, and may say something in between.
pub(crate) trait Watch {
    /// Whether a line, given without colours, is shown.
    fn line(&mut self, line: &str) -> bool;
    /// Called several times a second.
    fn tick(&mut self) {}
}

/// Shows every line.
struct All;

impl Watch for All {
    fn line(&mut self, _: &str) -> bool {
        true
    }
}

/// Runs to the end, or until `limit`, showing every line as it comes; the lines are given back without colours.
pub(crate) fn shown(command: &mut Command, limit: Option<Duration>) -> Result<Shown, String> {
    watched(command, limit, &mut All)
}

/// Like [`shown`], but shows what `watch` wants shown. All lines are given back.
pub(crate) fn watched(
    command: &mut Command,
    limit: Option<Duration>,
    watch: &mut dyn Watch,
) -> Result<Shown, String> {
    if std::io::stdout().is_terminal() && std::env::var_os("CARGO_TERM_COLOR").is_none() {
        // They see a pipe and would turn colours off.
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| cannot_run(command, &e))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        forward(out, sender.clone(), Line::Out);
    }
    if let Some(err) = child.stderr.take() {
        forward(err, sender, Line::Err);
    }
    let started = Instant::now();
    let mut ended: Option<(ExitStatus, Instant)> = None;
    let mut lines = Vec::new();
    loop {
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => lines.push(show(&line, watch)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        watch.tick();
        if ended.is_none() {
            ended = poll(&mut child)?.map(|status| (status, Instant::now()));
        }
        if ended.is_some_and(|(_, at)| at.elapsed() > LINGER) {
            break;
        }
        if ended.is_none() && limit.is_some_and(|limit| started.elapsed() > limit) {
            crate::sys::kill(&mut child, false);
            return Err(format!("{} was still running after {limit:?} and was killed", name(command)));
        }
    }
    let status = match ended {
        Some((status, _)) => status,
        None => child.wait().map_err(|e| cannot_run(command, &e))?,
    };
    Ok(Shown { lines, ok: status.success() })
}

fn poll(child: &mut Child) -> Result<Option<ExitStatus>, String> {
    child.try_wait().map_err(|e| format!("cannot wait for a child: {e}"))
}

fn forward(stream: impl Read + Send + 'static, to: Sender<Line>, wrap: fn(String) -> Line) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        // Bytes, not `lines()`: a test may print what is no UTF-8.
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            if to.send(wrap(line)).is_err() {
                break;
            }
            bytes.clear();
        }
    });
}

fn show(line: &Line, watch: &mut dyn Watch) -> String {
    let (Line::Out(text) | Line::Err(text)) = line;
    let plain = plain(text);
    if watch.line(&plain) {
        // Not println!: a reader that left (`| head`) is no reason to panic.
        let _closed = match line {
            Line::Out(text) => writeln!(std::io::stdout(), "{text}"),
            Line::Err(text) => writeln!(std::io::stderr(), "{text}"),
        };
    }
    plain
}

/// Takes terminal colours out of a line.
pub(crate) fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
        } else if chars.next() == Some('[') {
            // A control sequence ends with its first byte from `@` to `~`.
            for c in chars.by_ref() {
                if ('@'..='~').contains(&c) {
                    break;
                }
            }
        }
    }
    out
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn cannot_run(command: &Command, e: &std::io::Error) -> String {
    format!("`{}` could not be run: {e}", name(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("\u{1b}[32;1m     Summary\u{1b}[0m [ 1s]"), "     Summary [ 1s]");
        assert_eq!(plain("no colours"), "no colours");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }

    #[test]
    fn the_line_that_says_why_is_found() {
        assert_eq!(reason("info: x\nerror: no such target\n\n(exit status: 1)"), "error: no such target");
        assert_eq!(reason("Traceback\nModuleNotFoundError: x\n(exit status: 1)"), "ModuleNotFoundError: x");
        assert_eq!(reason("(exit status: 1)"), "it said nothing");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = quietly(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.contains("no-such-program-here"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_child_that_overstays_is_killed() {
        let limit = Some(Duration::from_millis(200));
        let started = Instant::now();
        let result = shown(Command::new("sleep").arg("30"), limit);
        assert!(result.is_err_and(|why| why.contains("sleep")));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_left_open_by_a_grandchild_does_not_hold_us() {
        let started = Instant::now();
        let result = shown(Command::new("sh").args(["-c", "sleep 8 & echo done"]), None).unwrap();
        assert!(result.ok);
        assert_eq!(result.lines, ["done"]);
        assert!(started.elapsed() < Duration::from_secs(7));
    }
}
