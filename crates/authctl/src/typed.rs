//! Reading the command line. What cannot be read is said without showing what an address may carry.

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::exit::Exit;
use crate::report::Failure;
use crate::{json, output};

/// For whoever looks for an option that must not be.
const NO_PASSWORD: &str = "\
there is no option for a password: what is typed can be read by others on the machine
Leave it out to be asked, or use --password-stdin.
";

/// The same for a script's key.
const NO_KEY: &str = "\
there is no option for a script's key: what is typed can be read by others on the machine
Use --script-key-file FILE or --script-key-fd N, set AUTHCTL_SCRIPT_KEY, or leave it out to be asked.
";

/// For whoever writes a command as its first word, or without the dashes before it.
const NO_DASHES: &str = "\
the command to run stands behind two dashes
Write: authctl exec [URL] -- COMMAND [ARGUMENT…]
";

/// Reads it; or prints help, the version or what is wrong, and says how to end.
pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Exit> {
    let words: Vec<_> = words.into_iter().collect();
    Cli::try_parse_from(&words).map_err(|error| {
        let text = match (error.kind(), error.to_string()) {
            (ErrorKind::UnknownArgument, text) if text.contains("'--password'") => NO_PASSWORD.to_owned(),
            (ErrorKind::UnknownArgument, text) if text.contains("'--script-key'") => NO_KEY.to_owned(),
            (ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument, _) if lacks_dashes(&words) => {
                NO_DASHES.to_owned()
            }
            (_, text) => text,
        };
        if error.use_stderr() && wants_json(&words) {
            let text = hide(&text, &words);
            let (message, rest) = text.split_once('\n').unwrap_or((&text, ""));
            let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
            // As below.
            let _ = output::object(&json::Failed::new(&Failure::usage(message, &rest)));
        }
        // There is no other place to say that this failed.
        let _ = if error.use_stderr() {
            let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
            let name = if is_help { "" } else { "authctl: " };
            io::stderr().lock().write_all(format!("{name}{}", hide(&text, &words)).as_bytes())
        } else {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::OK,
            _ => Exit::USAGE,
        }
    })
}

/// True if JSON was asked for, by whatever can be read of it.
fn wants_json(words: &[OsString]) -> bool {
    words.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

fn lacks_dashes(words: &[OsString]) -> bool {
    words.get(1).is_some_and(|word| word == "exec") && words.iter().all(|word| word != "--")
}

/// Takes out of a message what may hold a password or key: of an address that was typed what stands behind `://`, or
/// where that is left out all of it.
fn hide(text: &str, words: &[OsString]) -> String {
    let mut text = text.strip_prefix("error: ").unwrap_or(text).to_owned();
    for word in words {
        let word = word.to_string_lossy();
        let (scheme, rest) = word.split_once("://").unwrap_or(("", &*word));
        if rest.contains(['@', '?']) {
            let shown = if scheme.is_empty() { "…".to_owned() } else { format!("{scheme}://…") };
            text = text.replace(&*word, &shown);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_carries_is_not_echoed_s3() {
        for word in [
            "http://u:canary@h/",
            "http://h/?api_key=canary",
            "--x=http://u:canary@h",
            "u:canary@h",
            "h?api_key=canary",
        ] {
            let words = ["authctl", "sites", word].map(OsString::from);
            let error = Cli::try_parse_from(&words).unwrap_err().to_string();
            let shown = hide(&error, &words);
            assert!(!shown.contains("canary") && !shown.starts_with("error: "), "{shown}");
        }
    }
}
