//! Asks one question at the terminal and prints what came of it, never the password.
//!
//! `ask --help` says how. The tests of this crate run it with terminals of their own.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program to try things out with"
)]

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::io::Read;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::{self, JoinHandle};

    use auth_core::ports::{Dismiss, Prompt};
    use auth_core::shotgun::SignInMethod;
    use auth_core::site::{Url, UrlError};
    use auth_core::{
        Answer, BrowserQuestion, CodeQuestion, Foreign, KeyQuestion, MethodQuestion, Notice, PageQuestion,
        PasswordQuestion, PromptFault, ProviderQuestion, Question, SiteQuestion,
    };
    use auth_prompt_cli::{TerminalPrompt, program_handles_signals};
    use rustix::process::{Pid, Resource, Rlimit, getpgrp, ioctl_tiocsctty, setrlimit, setsid};
    use rustix::termios::{tcgetpgrp, tcsetpgrp};
    use signal_hook::consts::{SIGTERM, SIGUSR1};

    const HELP: &str = "\
Usage: ask password [OPTIONS]
       ask provider NAME... [OPTIONS]
       ask site SITE... [OPTIONS]
       ask method METHOD... [OPTIONS]
       ask code [OPTIONS]
       ask browser [OPTIONS]
       ask confirmation TEXT
       ask HOW PROGRAM [ARG...]

HOW to run PROGRAM, with a terminal at standard input:
  in-session        in a new session of that terminal, of which it is the leader
  in-job            as a job of such a session, with nothing at its own standard input
  in-job-on         as a job of such a session, with the terminal at standard error too
  without-terminal  in a new session without a terminal

  --origin URL       where to sign in
  --called NAME      what the provider is called
  --username NAME    ask for the password only, or of whom
  --suggested NAME   what is taken if nothing is typed; of methods, its number from zero
  --refused LEFT     as after a wrong password
  --dismissable      SIGUSR1 takes the question back
  --panicking        SIGUSR1 makes the main thread panic while another asks
  --times N          ask that often
  --at-once          ... from threads at the same time
  --handling-term    handle SIGTERM from before the first question on
  --handling-later   handle SIGTERM from after the first question on, and wait for it
  --suspendable      stop when the question is suspended, outside of it, and ask again
  --swallowing       the same, but nobody tells the prompt to stop
  --waiting          wait for a signal at the end";

    struct Options {
        words: Vec<String>,
        flags: Vec<String>,
        origin: String,
        called: String,
        username: Option<Foreign>,
        suggested: Option<Foreign>,
        refused: Option<u8>,
        times: usize,
    }

    impl Options {
        fn read(mut args: impl Iterator<Item = String>) -> Self {
            let mut options = Self {
                words: Vec::new(),
                flags: Vec::new(),
                origin: "http://127.0.0.1:8000".to_owned(),
                called: "toy".to_owned(),
                username: None,
                suggested: None,
                refused: None,
                times: 1,
            };
            while let Some(arg) = args.next() {
                match arg.as_str() {
                    "--origin" => options.origin = args.next().unwrap(),
                    "--called" => options.called = args.next().unwrap(),
                    "--username" => options.username = args.next().map(Foreign::from),
                    "--suggested" => options.suggested = args.next().map(Foreign::from),
                    "--refused" => options.refused = args.next().map(|left| left.parse().unwrap()),
                    "--times" => options.times = args.next().unwrap().parse().unwrap(),
                    flag if flag.starts_with("--") => options.flags.push(arg),
                    _ => options.words.push(arg),
                }
            }
            options
        }

        fn has(&self, flag: &str) -> bool {
            self.flags.iter().any(|given| given == flag)
        }

        fn question(&self, kind: &str) -> Question {
            let origin = self.origin.parse::<Url>().unwrap().origin().clone();
            let words = || self.words.iter().map(|name| Foreign::from(name.as_str())).collect();
            let (username, suggested) = (self.username.clone(), self.suggested.clone());
            let (refused, left) = (self.refused.is_some(), self.refused.unwrap_or(3));
            match kind {
                "provider" => Question::Provider(ProviderQuestion { origin, providers: words() }),
                "site" => Question::Site(SiteQuestion {
                    recent: words(),
                    suggested,
                    refused: refused.then_some(UrlError::Scheme),
                }),
                "method" => {
                    let named = |name: &String| name.parse::<SignInMethod>().unwrap();
                    let methods = self.words.iter().map(named).collect();
                    let suggested = suggested.map_or(usize::MAX, |index| index.raw().parse().unwrap());
                    Question::Method(MethodQuestion { origin, methods, suggested })
                }
                "code" => {
                    let username = username.unwrap_or_default();
                    Question::Code(CodeQuestion { origin, username, refused, left })
                }
                "key" => Question::Key(KeyQuestion { origin, name: username.unwrap_or_default() }),
                "page" => {
                    let page = self.words.first().unwrap().parse().unwrap();
                    Question::Page(PageQuestion { origin, page })
                }
                "browser" => Question::Browser(BrowserQuestion { origin, username }),
                _ => Question::Password(PasswordQuestion {
                    origin,
                    provider: Foreign::from(self.called.as_str()),
                    username,
                    suggested,
                    refused,
                    left,
                }),
            }
        }
    }

    pub(crate) fn main() {
        let mut args = std::env::args().skip(1);
        let kind = args.next().unwrap_or_default();
        match kind.as_str() {
            "in-session" => {
                enter_session(true);
                run(&args.collect::<Vec<_>>());
            }
            "in-job" => lead(args.collect(), None),
            "in-job-on" => lead(args.collect(), Some(std::io::stdin().as_fd().try_clone_to_owned().unwrap())),
            "in-foreground" => {
                let terminal = File::open("/dev/tty").unwrap();
                while tcgetpgrp(&terminal).unwrap() != getpgrp() {
                    thread::yield_now();
                }
                run(&args.collect::<Vec<_>>());
            }
            "without-terminal" => {
                enter_session(false);
                run(&args.collect::<Vec<_>>());
            }
            "confirmation" => {
                let text = Foreign::from(args.next().unwrap_or_default());
                TerminalPrompt::new().tell(&Notice::Confirmation(text));
            }
            "password" | "provider" | "site" | "method" | "code" | "browser" | "page" | "key" => {
                ask(&kind, &Options::read(args));
            }
            _ => println!("{HELP}"),
        }
    }

    fn enter_session(with_terminal: bool) {
        setsid().unwrap();
        if with_terminal {
            ioctl_tiocsctty(std::io::stdin()).unwrap();
        }
        // Ending by a signal shall leave no file.
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    }

    fn run(command: &[String]) {
        let (program, args) = command.split_first().unwrap();
        let error = Command::new(program).args(args).exec();
        println!("cannot run {program}: {error}");
    }

    /// Leads a session with one job, as a shell does, and tells how the job ends. The terminal is reset when its
    /// session's leader ends, so this one stays.
    fn lead(command: Vec<String>, terminal: Option<OwnedFd>) {
        enter_session(true);
        let mut job = Command::new(std::env::current_exe().unwrap());
        job.arg("in-foreground").args(command).process_group(0);
        match terminal {
            Some(terminal) => job.stderr(terminal),
            None => job.stdin(Stdio::null()),
        };
        let mut job = job.spawn().unwrap();
        tcsetpgrp(std::io::stdin(), Pid::from_child(&job)).unwrap();
        let status = job.wait().unwrap();
        match (status.code(), status.signal()) {
            (Some(code), _) => println!("ended with {code}"),
            (_, signal) => println!("ended by {}", signal.unwrap_or_default()),
        }
        loop {
            thread::park();
        }
    }

    /// Calls `what` when the signal comes.
    fn on_signal(signal: i32, what: impl FnOnce() + Send + 'static) {
        let (mut read, write) = UnixStream::pair().unwrap();
        signal_hook::low_level::pipe::register(signal, write).unwrap();
        thread::spawn(move || {
            read.read_exact(&mut [0]).unwrap();
            what();
        });
    }

    fn ask(kind: &str, options: &Options) {
        println!("pid {}", std::process::id());
        let prompt = Arc::new(TerminalPrompt::new());
        let dismissals: Vec<Dismiss> = (0..options.times).map(|_| Dismiss::new()).collect();
        let term = Arc::new(AtomicBool::new(false));
        if options.has("--handling-term") {
            signal_hook::flag::register(SIGTERM, Arc::clone(&term)).unwrap();
        }
        if options.has("--dismissable") {
            let dismissals = dismissals.clone();
            on_signal(SIGUSR1, move || dismissals.iter().for_each(Dismiss::dismiss));
        }
        let (swallows, suspends) = (options.has("--swallowing"), options.has("--suspendable"));
        let start = |dismissed: &Dismiss| {
            let (prompt, question, dismissed) =
                (Arc::clone(&prompt), options.question(kind), dismissed.clone());
            let dismissed = if swallows || suspends { dismissed.suspendable() } else { dismissed };
            thread::spawn(move || {
                let mut result = prompt.ask(&question, &dismissed);
                while result == Err(PromptFault::Suspended) {
                    println!("suspended");
                    if suspends {
                        prompt.tell(&Notice::Suspend);
                    }
                    result = prompt.ask(&question, &dismissed);
                }
                println!("{}", told(result));
            })
        };
        if options.has("--panicking") {
            let (sender, panics) = std::sync::mpsc::channel();
            on_signal(SIGUSR1, move || sender.send(()).unwrap());
            let dismissed = Dismiss::new();
            let _driver = Driver { asking: Some(start(&dismissed)), dismissed };
            panics.recv().unwrap();
            panic!("as was wished");
        }
        if options.has("--at-once") {
            let asking: Vec<_> = dismissals.iter().map(start).collect();
            for thread in asking {
                thread.join().unwrap();
            }
        } else {
            for dismissed in &dismissals {
                start(dismissed).join().unwrap();
            }
        }
        if options.has("--handling-later") {
            let (sender, come) = std::sync::mpsc::channel();
            program_handles_signals();
            on_signal(SIGTERM, move || sender.send(()).unwrap());
            println!("waiting");
            come.recv().unwrap();
            println!("handled");
        }
        if options.has("--handling-term") {
            println!("SIGTERM came: {}", term.load(Ordering::SeqCst));
        }
        if options.has("--waiting") {
            println!("waiting");
            loop {
                thread::park();
            }
        }
    }

    /// Whoever drives a flow takes its question back before it goes.
    struct Driver {
        dismissed: Dismiss,
        asking: Option<JoinHandle<()>>,
    }

    impl Drop for Driver {
        fn drop(&mut self) {
            self.dismissed.dismiss();
            self.asking.take().map(JoinHandle::join);
        }
    }

    fn told(result: Result<Answer, PromptFault>) -> String {
        match result {
            Ok(Answer::Password { username, password }) => {
                let mut hasher = DefaultHasher::new();
                password.expose().hash(&mut hasher);
                format!("{username} with {} bytes of hash {:x}", password.len(), hasher.finish())
            }
            Ok(Answer::Provider(index)) => format!("provider {index}"),
            Ok(Answer::Site(site)) => format!("site {site}"),
            Ok(Answer::Method(index)) => format!("method {index}"),
            Ok(Answer::Code(code)) => format!("a code of {} bytes", code.len()),
            Ok(Answer::Key(key)) => format!("a key of {} bytes", key.len()),
            Ok(Answer::Proceed) => "goes on".to_owned(),
            Ok(_) => "something else".to_owned(),
            Err(PromptFault::Cancelled) => "cancelled".to_owned(),
            Err(PromptFault::Cannot(why)) => format!("cannot: {why:?}"),
            Err(PromptFault::Suspended) => "suspended".to_owned(),
        }
    }
}

fn main() {
    #[cfg(unix)]
    unix::main();
}
