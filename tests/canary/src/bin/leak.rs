//! A program that leaks: through the channel and in the form that it is told. The search must find it.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::panic, reason = "leaking is what it is for")]

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use canary::{Encoding, chain, listen, plant};

#[derive(Debug)]
struct Session {
    #[expect(dead_code, reason = "it is there to be shown")]
    token: String,
}

#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner(String);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it did not work")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Inner {}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [channel, encoding] = args.as_slice() else { panic!("CHANNEL ENCODING") };
    let secret = plant("the leaked secret");
    let shown =
        Encoding::by_name(encoding).map_or_else(|| "nothing".to_owned(), |encoding| encoding.apply(&secret));
    let folder = |variable: &str| PathBuf::from(std::env::var_os(variable).unwrap_or_default());
    match channel.as_str() {
        "none" => {}
        "stdout" => println!("token={shown};"),
        "stderr" => eprintln!("warning: {shown} was refused"),
        "log" => {
            listen();
            // The lowest level that is compiled in.
            let level = log::STATIC_MAX_LEVEL.to_level().unwrap_or(log::Level::Error);
            log::log!(level, "sending {shown}");
        }
        "error" => eprintln!("{}", chain(&Outer(Inner(format!("the server said {shown}"))))),
        "panic" => panic!("no session for {shown}"),
        "debug" => eprintln!("{:?}", Session { token: shown }),
        "argv" => drop(Command::new("true").arg(format!("--token={shown}")).status()?),
        "environment" => drop(Command::new("true").env("TOKEN", shown).status()?),
        "temporary" => fs::write(folder("TMPDIR").join("part-1"), shown)?,
        "backup" => fs::write(folder("HOME").join("store/token~"), shown)?,
        "elsewhere" => fs::write(folder("HOME").join("notes"), shown)?,
        // No name is longer than that.
        "name" => fs::write(folder("HOME").join(shown.get(..240).unwrap_or(&shown)), "")?,
        "link" => std::os::unix::fs::symlink(shown, folder("HOME").join("current"))?,
        other => panic!("there is no channel {other:?}"),
    }
    Ok(())
}
