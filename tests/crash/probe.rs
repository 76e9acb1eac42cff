//! The probe as a child process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use auth_core::Secret;
use auth_core::session::Session;

/// One run of it.
pub(crate) struct Probe {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    printed: Vec<String>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    pub(crate) printed: Vec<String>,
    #[expect(dead_code, reason = "it is shown where something is wrong")]
    said: String,
}

impl Probe {
    /// Starts it by these words, and tells it the session.
    pub(crate) fn start(words: &[String], session: &Session) -> Self {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Fewer variables make fewer calls.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut probe = Self { child, stdin, stdout, printed: Vec::new() };
        let tokens = &session.tokens;
        for token in [&tokens.access, &tokens.refresh, &tokens.id] {
            probe.tell(token.as_ref().map(Secret::expose).unwrap_or_default());
        }
        probe.tell(session.facts.principal.clone().unwrap_or_default().raw());
        probe
    }

    /// Gives it a line. One that has ended need not read it.
    pub(crate) fn tell(&mut self, line: &str) {
        drop(writeln!(self.stdin, "{line}"));
    }

    /// The next line it prints; empty if it prints no more.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let line = line.trim_end().to_owned();
        self.printed.push(line.clone());
        line
    }

    /// Lets it go on to its end.
    pub(crate) fn end(self) -> End {
        let Self { mut child, stdin, stdout, mut printed } = self;
        drop(stdin);
        printed.extend(stdout.lines().map(Result::unwrap));
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        End { status: child.wait().unwrap(), printed, said }
    }
}
