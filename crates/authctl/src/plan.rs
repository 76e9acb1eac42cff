//! What was typed, and what it means.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use auth_native::{Error, Foreign, address};

use clap_complete::Shell;

#[cfg(feature = "sandbox")]
use crate::args::SandboxArgs;
use crate::args::{
    CallArgs, Cli, Command, ExecArgs, LoginArgs, LogoutArgs, ManArgs, Method, PlaceArgs, SessionsArgs,
    SiteArgs, StatusArgs, TokenArgs, WhoamiArgs,
};
use crate::kind::bare;
use crate::report::Failure;
use crate::script::{Key, Script};

/// What is to be done. Nothing in it is secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Plan {
    Login(Login),
    Token {
        site: Target,
        min_validity: Option<Duration>,
        json: bool,
    },
    Whoami {
        site: Target,
        json: bool,
    },
    Status {
        which: Which,
        check: bool,
        json: bool,
    },
    Logout {
        which: Which,
        forget: bool,
    },
    Sites {
        json: bool,
    },
    Sessions {
        site: Target,
        revoke: Option<String>,
        json: bool,
    },
    Exec(Exec),
    Call(Call),
    #[cfg(feature = "sandbox")]
    Demo,
    #[cfg(feature = "sandbox")]
    Sandbox(Sandbox),
    Completions(Shell),
    Man(Pages),
}

/// Signing in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Login {
    pub(crate) site: Target,
    pub(crate) username: Option<Foreign>,
    pub(crate) provider: Option<Foreign>,
    /// True: the password comes from standard input, and nobody is asked anything.
    pub(crate) password_stdin: bool,
    pub(crate) allow_http: bool,
    pub(crate) method: Option<Method>,
}

/// Running a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Exec {
    pub(crate) site: Target,
    /// True: nothing that is stored is used, and nothing is stored.
    pub(crate) forgets: bool,
    pub(crate) command: Vec<OsString>,
}

/// Calling a method of a Shotgun site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) site: String,
    pub(crate) method: String,
    pub(crate) arguments: Arguments,
    pub(crate) script: Option<Script>,
    pub(crate) never_ask: bool,
    pub(crate) allow_http: bool,
}

/// The arguments of a call, as JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Arguments {
    None,
    Typed(String),
    Stdin,
}

/// Which site is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// The one signed in to last, or without one that of the default profile.
    Last,
    /// The one at this address.
    Url(String),
    /// The one that this profile names.
    Profile(String),
}

/// Which sites are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Which {
    One(Target),
    All,
}

/// Which manual pages are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Pages {
    /// That of a command, or of the whole, on standard output.
    One(Option<String>),
    /// All of them, in this folder.
    All(PathBuf),
}

/// Serving a site.
#[cfg(feature = "sandbox")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sandbox {
    pub(crate) json: bool,
    pub(crate) port: u16,
    pub(crate) shotgun_port: u16,
    pub(crate) access_life: Duration,
}

impl Plan {
    /// Reads what was typed.
    pub(crate) fn new(typed: Cli) -> Result<Self, Failure> {
        Ok(match typed.command {
            Command::Login(args) => Self::Login(login(args)?),
            Command::Token(TokenArgs { site: SiteArgs { place, json }, min_validity }) => {
                Self::Token { site: one(place)?, min_validity, json }
            }
            Command::Whoami(WhoamiArgs { site: SiteArgs { place, json } }) => {
                Self::Whoami { site: one(place)?, json }
            }
            Command::Status(StatusArgs { site: SiteArgs { place, json }, check, all }) => {
                Self::Status { which: which(place, all)?, check, json }
            }
            Command::Logout(LogoutArgs { place, all, forget }) => {
                Self::Logout { which: which(place, all)?, forget }
            }
            Command::Sessions(SessionsArgs { site: SiteArgs { place, json }, revoke }) => {
                Self::Sessions { site: one(place)?, revoke, json }
            }
            Command::Exec(ExecArgs { place, no_remember, command }) => {
                Self::Exec(Exec { site: one(place)?, forgets: no_remember, command })
            }
            Command::Call(args) => Self::Call(call(args)?),
            Command::Sites(args) => Self::Sites { json: args.json },
            #[cfg(feature = "sandbox")]
            Command::Demo => Self::Demo,
            #[cfg(feature = "sandbox")]
            Command::Sandbox(args) if args.access_life.is_zero() => {
                return Err(Failure::usage(
                    "a token that lives no time at all is no use",
                    "Give --access-life a length of time, like 15m.",
                ));
            }
            #[cfg(feature = "sandbox")]
            Command::Sandbox(args) => {
                let SandboxArgs { json, port, shotgun_port, access_life } = args;
                Self::Sandbox(Sandbox { json, port, shotgun_port, access_life })
            }
            Command::Completions(args) => Self::Completions(args.shell),
            Command::Man(ManArgs { command, dir }) => Self::Man(dir.map_or(Pages::One(command), Pages::All)),
        })
    }
}

/// True if the answer was asked for as JSON: then a failure is one too.
pub(crate) fn wants_json(typed: &Cli) -> bool {
    match &typed.command {
        Command::Token(args) => args.site.json,
        Command::Whoami(args) => args.site.json,
        Command::Status(args) => args.site.json,
        Command::Sites(args) => args.json,
        Command::Sessions(args) => args.site.json,
        Command::Call(args) => args.json,
        Command::Exec(_)
        | Command::Login(_)
        | Command::Logout(_)
        | Command::Completions(_)
        | Command::Man(_) => false,
        #[cfg(feature = "sandbox")]
        Command::Demo => false,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => args.json,
    }
}

fn login(args: LoginArgs) -> Result<Login, Failure> {
    let LoginArgs { url, profile, user, password_stdin, provider, method, allow_http, no_remember } = args;
    if no_remember {
        return Err(Failure::usage(
            "a session that is not remembered ends with the command that signed in",
            "Use `authctl exec --no-remember -- COMMAND`: it is there for COMMAND.",
        ));
    }
    let site = one(PlaceArgs { url, profile })?;
    let is_supported = |method: &Method| matches!(method, Method::Password | Method::AppSession);
    if let Some(method) = method.filter(|method| !is_supported(method)) {
        return Err(Failure::usage(
            &format!("the method `{}` is not supported yet", name(method)),
            "Leave --method out, or say --method password, or --method app-session for a Shotgun site.",
        ));
    }
    if password_stdin && method == Some(Method::AppSession) {
        return Err(Failure::usage(
            "a password is of no use to --method app-session",
            "Leave one of --password-stdin and --method out.",
        ));
    }
    // A profile may say whose it is.
    if password_stdin && user.is_none() && matches!(site, Target::Url(_)) {
        return Err(Failure::no_name());
    }
    let (username, provider) = (user.map(Foreign::from), provider.map(Foreign::from));
    Ok(Login { site, username, provider, password_stdin, allow_http, method })
}

fn call(args: CallArgs) -> Result<Call, Failure> {
    let CallArgs { site, method, arguments, script_name, script_key_file, script_key_fd, .. } = args;
    let arguments = match arguments.as_deref() {
        None => Arguments::None,
        Some("-") => Arguments::Stdin,
        Some(json) => Arguments::Typed(json.to_owned()),
    };
    if arguments == Arguments::Stdin && script_key_fd == Some(0) {
        return Err(Failure::usage(
            "standard input cannot be both the arguments and the script's key",
            "Give the key in a file or in AUTHCTL_SCRIPT_KEY, or the arguments on the command line.",
        ));
    }
    let key = match (script_key_file, script_key_fd) {
        (Some(path), _) => Key::File(path),
        (None, Some(number)) => Key::Descriptor(number),
        (None, None) => Key::Usual,
    };
    let script = script_name.map(|name| Script { name, key, sudo: args.sudo_as });
    let site = checked(site)?;
    Ok(Call { site, method, arguments, script, never_ask: args.never_ask, allow_http: args.allow_http })
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Password => "password",
        Method::AppSession => "app-session",
        Method::Web => "web",
        Method::Device => "device",
        Method::Code => "code",
        Method::ApiKey => "api-key",
    }
}

fn which(place: PlaceArgs, all: bool) -> Result<Which, Failure> {
    if all { Ok(Which::All) } else { one(place).map(Which::One) }
}

fn one(place: PlaceArgs) -> Result<Target, Failure> {
    Ok(match (place.url, place.profile) {
        (Some(url), _) => Target::Url(checked(url)?),
        (None, Some(profile)) => Target::Profile(profile),
        (None, None) => Target::Last,
    })
}

/// An address that is one. What is wrong with it is said without showing what it may carry.
fn checked(url: String) -> Result<String, Failure> {
    match address(&url) {
        Ok(_) => Ok(url),
        Err(error) => bare(&url).ok_or_else(|| Failure::address(&besides_its_scheme(&url).unwrap_or(error))),
    }
}

/// What is wrong with an address that lacks its scheme, which may be left out.
fn besides_its_scheme(url: &str) -> Option<Error> {
    if url.contains("://") { None } else { address(&format!("https://{}", url.trim())).err() }
}

#[cfg(test)]
#[path = "tests/plan.rs"]
mod tests;
