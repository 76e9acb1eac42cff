//! Reading the command line. What cannot be read is said without showing what an address may carry.

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::exit::Exit;

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

fn lacks_dashes(words: &[OsString]) -> bool {
    words.get(1).is_some_and(|word| word == "exec") && words.iter().all(|word| word != "--")
}

/// Takes out of a message what stands behind `://` in a word that was typed and may hold a password or key.
fn hide(text: &str, words: &[OsString]) -> String {
    let mut text = text.strip_prefix("error: ").unwrap_or(text).to_owned();
    for word in words {
        let word = word.to_string_lossy();
        if let Some((scheme, rest)) = word.split_once("://")
            && rest.contains(['@', '?'])
        {
            text = text.replace(&*word, &format!("{scheme}://…"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_carries_is_not_echoed_s3() {
        for word in ["http://u:canary@h/", "http://h/?api_key=canary", "--x=http://u:canary@h"] {
            let words = ["authctl", "sites", word].map(OsString::from);
            let error = Cli::try_parse_from(&words).unwrap_err().to_string();
            let shown = hide(&error, &words);
            assert!(!shown.contains("canary") && !shown.starts_with("error: "), "{shown}");
        }
    }
}
