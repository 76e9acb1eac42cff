//! What was typed.
//!
//! No option takes a password or token: what is typed here can be read by everybody on the machine.

use std::path::PathBuf;
use std::time::Duration;

use auth_native::error::Policy;
use auth_native::{Foreign, parse_span};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::exit;

/// Sign in to Tiled servers and Shotgun sites, and use the session from the shell.
///
/// What a site is, is found out. Sessions of Tiled servers are shared with Tiled's
/// Python client: whoever is signed in there is signed in here, and the other way
/// round. Where a URL may be left out, the site signed in to last is meant.
#[derive(Parser, Debug)]
#[command(verbatim_doc_comment)]
#[command(name = "authctl", version, disable_help_subcommand = true, arg_required_else_help = true)]
#[command(after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Login(LoginArgs),
    Token(TokenArgs),
    Whoami(WhoamiArgs),
    Status(StatusArgs),
    Logout(LogoutArgs),
    Sites(SitesArgs),
    Sessions(SessionsArgs),
    Exec(ExecArgs),
    Call(CallArgs),
    /// Show signing in, renewing and signing out, on sites inside this program
    ///
    /// Asks nothing, speaks to nobody but itself and keeps nothing: neither the
    /// sessions of this machine nor its list of sites are touched.
    #[cfg(feature = "sandbox")]
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Examples:\n  authctl demo")]
    Demo,
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Sign in, and keep the session
///
/// Asks for a name and a password at the terminal, and keeps what the server gives
/// for them. Whoever is signed in to a Tiled server already is replaced; at a Shotgun
/// site several people can be signed in, and the last one is meant.
///
/// A Shotgun site may want a code besides, or let somebody sign in by approving of it
/// in a browser (--method app-session).
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl login http://127.0.0.1:8000
  authctl login https://tiled.example.org --user alice --provider ldap
  authctl login https://tiled.example.org --user robot --password-stdin < password-file
  authctl login studio.shotgrid.autodesk.com --method app-session")]
pub(crate) struct LoginArgs {
    /// The site's address; that of the default profile if left out
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// A profile of Tiled's Python client in place of the address
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    pub(crate) profile: Option<String>,
    /// Not possible here: a session that is not kept is of use to `authctl exec` only
    #[arg(long)]
    pub(crate) no_remember: bool,
    /// The name to sign in with; then it is not asked, and nobody else is let in
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) user: Option<String>,
    /// Read the password from the first line of standard input, ask nothing, and try once
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Which of a Tiled server's providers to sign in with
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) provider: Option<String>,
    /// The way to sign in
    #[arg(long, value_enum)]
    pub(crate) method: Option<Method>,
    /// Let the password go over the network unencrypted
    ///
    /// Remembered for this site, with a warning each time something is sent there.
    #[arg(long)]
    pub(crate) allow_http: bool,
}

/// Ways to sign in, under their own names and those that Shotgun stores.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    /// A name and a password
    #[value(alias = "credentials")]
    Password,
    /// Approval in a browser where somebody is signed in already (Shotgun)
    #[value(alias = "app_session_launcher")]
    AppSession,
    /// A web page in a browser of its own (not supported yet)
    #[value(alias = "qt_web_login")]
    Web,
    /// A code to type in on another device (not supported yet)
    Device,
    /// A browser on this machine (not supported yet)
    Code,
    /// An API key (not supported yet)
    ApiKey,
}

impl Method {
    /// True if only Shotgun sites know it.
    pub(crate) fn is_of_shotgun(self) -> bool {
        matches!(self, Self::AppSession | Self::Web)
    }
}

/// Print an access token
///
/// Prints the stored token if it is good, and a renewed one if not; nobody is
/// asked. Standard output is the token alone. Of a Shotgun site it is the session
/// token, of which only the site knows whether it is good.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl token
  authctl token http://127.0.0.1:8000 --min-validity 10m
  authctl token --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"expires_at\"])'

With --json: {\"access_token\", \"token_type\", \"expires_at\", \"expires_in\", \"site\",
\"user\"}; times are RFC 3339 or null, lengths are seconds or null.")]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Renew the token unless it lasts this long: seconds, or a number and s, m, h, d or y
    ///
    /// A token that cannot last so long is printed all the same, with a warning.
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) min_validity: Option<Duration>,
}

/// Ask the server who is signed in
///
/// Renews the session if need be; nobody is asked.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  authctl whoami
  authctl whoami http://127.0.0.1:8000 --json")]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
}

/// Call a method of a Shotgun site's API
///
/// As whoever is signed in, who is asked to sign in (again) at a terminal if need be;
/// or as a script. The result is printed as one line of JSON.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl call studio.shotgrid.autodesk.com info
  authctl call studio.shotgrid.autodesk.com read - < query.json
  authctl call studio.shotgrid.autodesk.com schema_read --script-name robot --script-key-file key

The script's key is taken from --script-key-file or --script-key-fd, else from
AUTHCTL_SCRIPT_KEY, else it is asked for at the terminal.")]
pub(crate) struct CallArgs {
    /// The site's address
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) site: String,
    /// The method, such as read
    pub(crate) method: String,
    /// The arguments, as JSON; - to read them from standard input
    #[arg(value_name = "JSON")]
    pub(crate) arguments: Option<String>,
    /// Call as this script
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) script_name: Option<String>,
    /// Read the script's key from the first line of a file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "script_name")]
    #[arg(conflicts_with = "script_key_fd")]
    pub(crate) script_key_file: Option<PathBuf>,
    /// Read the script's key from the first line of an open descriptor
    #[arg(long, value_name = "N", requires = "script_name")]
    pub(crate) script_key_fd: Option<u32>,
    /// Let the script act for this person
    #[arg(long, value_name = "LOGIN", requires = "script_name", value_parser = name)]
    pub(crate) sudo_as: Option<String>,
    /// Ask nobody anything
    #[arg(long)]
    pub(crate) never_ask: bool,
    /// Let the key go over the network unencrypted
    #[arg(long)]
    pub(crate) allow_http: bool,
    /// Print failures as JSON too
    #[arg(long)]
    pub(crate) json: bool,
}

// Not a doc comment: it would become part of every command that has these.
#[derive(Args, Debug)]
pub(crate) struct PlaceArgs {
    /// The server's address; the site signed in to last if left out
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// A profile of Tiled's Python client in place of the address
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    pub(crate) profile: Option<String>,
}

// As above.
#[derive(Args, Debug)]
pub(crate) struct SiteArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Print one JSON object; failures too
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say what is stored, without asking the server
///
/// Exit code 0: a token can be had without a question, as far as is known here;
/// 3: it cannot. With --all it is always 0. With --check the server is asked, and
/// 6 says that it cannot be known now.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl status
  authctl status --all --json
  authctl status --check
  authctl status http://127.0.0.1:8000 >/dev/null || authctl login http://127.0.0.1:8000")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Ask the server whether it still accepts the session; nobody is asked
    #[arg(long, conflicts_with = "all")]
    pub(crate) check: bool,
    /// All sites somebody signed in to
    #[arg(long, conflicts_with_all = ["url", "profile"])]
    pub(crate) all: bool,
}

/// End the session on the server, and remove it here
///
/// It is removed here whatever the server says. If the server did not end it, the
/// exit code is 9. A Shotgun site is not asked: it ends sessions by itself.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl logout
  authctl logout http://127.0.0.1:8000
  authctl logout --all --forget")]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// All sites somebody signed in to
    #[arg(long, conflicts_with_all = ["url", "profile"])]
    pub(crate) all: bool,
    /// Strike the site off the list of sites as well
    #[arg(long)]
    pub(crate) forget: bool,
}

/// List the sites somebody signed in to
///
/// The first one is meant where no URL is given.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  authctl sites
  authctl sites --json")]
pub(crate) struct SitesArgs {
    /// Print one JSON object; failures too
    #[arg(long)]
    pub(crate) json: bool,
}

/// List where the account is signed in, or end one of its sessions
///
/// The server is asked, and the session renewed if need be. Where a session that is
/// ended here is stored, it stays stored: its token is good until its end, and is not
/// renewed any more.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl sessions
  authctl sessions http://127.0.0.1:8000 --json
  authctl sessions --revoke 0f8fad5bd9cb469fa16570867728950e")]
pub(crate) struct SessionsArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// End the session of this name
    #[arg(long, value_name = "UUID")]
    pub(crate) revoke: Option<String>,
}

/// Run a command that finds somebody signed in
///
/// Signs in if need be, and then runs the command, which finds the session where
/// Tiled's Python client and this program look for it. TILED_API_KEY would override
/// the session: it is removed from the command's environment, and so is
/// AUTHCTL_SCRIPT_KEY. Ends as the command does.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl exec -- python3 reduce.py
  authctl exec https://tiled.example.org --no-remember -- sh -c 'authctl whoami'

With --no-remember somebody signs in for this command alone: the session is in a
folder of its own, which TILED_CACHE_DIR and AUTHCTL_STATE_DIR name to the command,
and is ended on the server and removed when the command has ended.")]
#[expect(clippy::doc_markdown, reason = "it is shown as it stands here")]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Use no session that is stored, and keep none
    #[arg(long)]
    pub(crate) no_remember: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// Serve two sites to try things out with, until Ctrl-C
///
/// A Tiled server and a Shotgun site. Nothing on them is real. They listen on this
/// machine only.
#[cfg(feature = "sandbox")]
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  authctl sandbox
  authctl sandbox --port 8000 --access-life 1m
  authctl sandbox --json

With --json the first line is {\"tiled\": {\"url\", \"username\", \"password\"},
\"shotgun\": {\"url\", \"login\", \"password\", \"script_name\", \"script_key\"}}.")]
pub(crate) struct SandboxArgs {
    /// Print where they are and how to sign in as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The port of the Tiled server; any free one if left out
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// The port of the Shotgun site; any free one if left out
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) shotgun_port: u16,
    /// How long the Tiled server's access tokens live: seconds, or a number and s, m, h, d or y
    #[arg(long, value_name = "SPAN", default_value = "15m", value_parser = parse_span)]
    pub(crate) access_life: Duration,
}

/// Print the script that lets a shell complete this command
///
/// Put it where the shell looks for it: into the file of the example. Make the
/// folder first if there is none. It works in every shell that is started then.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  authctl completions bash > ~/.local/share/bash-completion/completions/authctl
  authctl completions zsh > ~/.zfunc/_authctl
  authctl completions fish > ~/.config/fish/completions/authctl.fish
  authctl completions elvish > ~/.config/elvish/lib/authctl.elv
  authctl completions powershell > ~/authctl.ps1

Also needed once:
  bash        the package bash-completion
  zsh         in ~/.zshrc, before compinit: fpath=(~/.zfunc $fpath)
  elvish      in ~/.config/elvish/rc.elv: use authctl
  powershell  in the file that $PROFILE names: . ~/authctl.ps1")]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: Shell,
}

/// Print a manual page, or write all of them to a folder
///
/// Without COMMAND it is the page of authctl itself.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  authctl man login | man -l -
  authctl man --dir ~/.local/share/man/man1
  man authctl-login")]
pub(crate) struct ManArgs {
    /// The command whose page is meant
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Write the pages of all commands to this folder, which is made if need be
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "command")]
    pub(crate) dir: Option<PathBuf>,
}

/// Reads the name of a user or a script, which must not be blank.
fn name(text: &str) -> Result<String, Policy> {
    Policy::check_names([&Foreign::from(text)])?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_option_takes_a_secret_s3() {
        for command in Cli::command().get_subcommands() {
            for option in command.get_arguments() {
                let id = option.get_id().as_str();
                let takes_value = option.get_action().takes_values();
                let tells = ["password", "token", "secret", "key"].iter().any(|word| id.contains(word));
                let says_where = id.ends_with("_file") || id.ends_with("_fd");
                assert!(!(tells && takes_value) || says_where, "{} --{id}", command.get_name());
            }
        }
    }

    #[test]
    fn every_command_has_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("  authctl {}", command.get_name());
            assert!(help.contains(&example), "{}: {help}", command.get_name());
        }
    }
}
