//! What went wrong, in words: what happened, and what to do now.

use auth_native::error::{
    AuthError, CannotPrompt, Peer, Policy, StoreFault, StoreFaultKind, TransportFault, Trouble,
};
use auth_native::{Error, Foreign, ProfileError};

use crate::exit::Exit;

/// How a command ends when it does not succeed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// The kind in one word, for programs. Stays the same from version to version.
    pub(crate) kind: &'static str,
    /// What happened, without a full stop.
    pub(crate) message: String,
    /// What to do now, in whole sentences.
    pub(crate) remedy: String,
}

/// What was being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    /// Signing in, with questions.
    SigningIn,
    /// Signing in with a password from standard input.
    SigningInUnasked,
    /// Using a session.
    Using,
    /// Using an API key.
    ShowingKey,
    /// Signing in for a command that is to be run.
    Running,
    /// Calling a method as somebody who is signed in.
    Calling,
    /// Calling a method as a script.
    AsScript,
    /// Ending one of the account's sessions by its name.
    Revoking,
}

impl Failure {
    /// What was typed cannot be meant.
    pub(crate) fn usage(message: &str, remedy: &str) -> Self {
        Self { exit: Exit::USAGE, kind: "usage", message: message.to_owned(), remedy: remedy.to_owned() }
    }

    /// A session that the server gave or renewed and that could not be stored: it ends with this program.
    pub(crate) fn not_saved(place: &str, fault: &StoreFault) -> Self {
        Self {
            exit: Exit::STORE,
            kind: "store",
            message: format!("could not save the session for {place}: {fault}"),
            remedy: mend(fault),
        }
    }

    /// An address that is none.
    pub(crate) fn address(error: &Error) -> Self {
        Self::of(error, None, Doing::Using)
    }

    /// A profile that does not name a server.
    pub(crate) fn profile(error: &ProfileError) -> Self {
        Self {
            exit: Exit::USAGE,
            kind: "profile",
            message: error.to_string(),
            remedy: "Name another one, or give the server's address.".to_owned(),
        }
    }

    /// The same, for what a profile says.
    pub(crate) fn in_profile(self, name: &Foreign) -> Self {
        Self {
            message: format!("the profile {name:?}: {}", self.message),
            remedy: "Correct the profile, or say what is meant without it.".to_owned(),
            ..self
        }
    }

    /// A password without a name.
    #[allow(clippy::use_self, reason = "the page of messages is compared with what stands behind this name")]
    pub(crate) fn no_name() -> Self {
        Failure::usage("--password-stdin needs to know whose password it is", "Add --user NAME.")
    }

    /// No site was named, and none is known.
    pub(crate) fn no_site() -> Self {
        Self {
            exit: Exit::NOT_SIGNED_IN,
            kind: "no_site",
            message: "no site is named, and nobody has signed in to one".to_owned(),
            remedy: "Name the site, or sign in first: `authctl login http://HOST:PORT`.".to_owned(),
        }
    }

    /// A fault of this program.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::INTERNAL,
            kind: "internal",
            message: message.into(),
            remedy: "This is a fault of authctl: please report it.".to_owned(),
        }
    }

    /// What is to be written cannot be written.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        Self {
            exit: Exit::INTERNAL,
            kind: "output",
            message: format!("the output could not be written: {error}"),
            remedy: "Look at where the output goes.".to_owned(),
        }
    }

    /// What went wrong with a site, which is shown as `site`.
    pub(crate) fn of(error: &Error, site: Option<&str>, doing: Doing) -> Self {
        let words = Words { site, doing };
        let (exit, kind) = class(error);
        Self { exit, kind, message: words.message(error), remedy: words.remedy(error) }
    }
}

/// The exit code and the kind of each error.
fn class(error: &Error) -> (Exit, &'static str) {
    let Error::Auth(error) = error else {
        return match error {
            Error::Address(_) | Error::ApiKey | Error::TwoKeys | Error::KeyAndName => {
                (Exit::USAGE, "address")
            }
            Error::NoSession => (Exit::USAGE, "usage"),
            Error::NoSite => (Exit::NOT_SIGNED_IN, "no_site"),
            Error::Authorities { .. } => (Exit::USAGE, "authorities"),
            _ => (Exit::INTERNAL, "internal"),
        };
    };
    match error {
        AuthError::NotSignedIn => (Exit::NOT_SIGNED_IN, "not_signed_in"),
        AuthError::Removed => (Exit::NOT_SIGNED_IN, "removed"),
        AuthError::Expired(_) => (Exit::NOT_SIGNED_IN, "expired"),
        AuthError::Revoked(_) => (Exit::NOT_SIGNED_IN, "revoked"),
        AuthError::Lost => (Exit::NOT_SIGNED_IN, "lost"),
        AuthError::Rejected(_) => (Exit::REFUSED, "rejected"),
        AuthError::NotApproved(_) => (Exit::REFUSED, "not_approved"),
        AuthError::Transient(_) => (Exit::NETWORK, "transient"),
        AuthError::Peer(_) => (Exit::NETWORK, "peer"),
        AuthError::Cancelled => (Exit::CANCELLED, "cancelled"),
        AuthError::CannotPrompt(_) => (Exit::CANNOT_PROMPT, "cannot_prompt"),
        AuthError::Store(_) => (Exit::STORE, "store"),
        AuthError::Policy(policy) => match policy {
            Policy::PlainHttp(_) => (Exit::USAGE, "plain_http"),
            Policy::BlankName => (Exit::USAGE, "blank_name"),
            Policy::NoSuchProvider { .. } => (Exit::USAGE, "no_such_provider"),
            Policy::NoSuchMethod { .. } => (Exit::USAGE, "no_such_method"),
            Policy::NotSupported { .. } => (Exit::REFUSED, "not_supported"),
            Policy::NobodyToSignIn => (Exit::REFUSED, "nobody_to_sign_in"),
            Policy::ApiKeyOnly => (Exit::REFUSED, "api_key_only"),
            Policy::AnotherUser | Policy::SignedInAs { .. } => (Exit::NOT_SIGNED_IN, "another_user"),
            Policy::NoPasswords { .. } => (Exit::REFUSED, "no_passwords"),
            Policy::NoConsoleWay { .. } => (Exit::REFUSED, "no_console_way"),
            Policy::NoWindow => (Exit::REFUSED, "no_window"),
            Policy::NoAppSession => (Exit::REFUSED, "no_app_session"),
            Policy::AnotherAccount { .. } => (Exit::REFUSED, "another_account"),
            Policy::TooOld { .. } => (Exit::NETWORK, "too_old"),
            _ => (Exit::USAGE, "policy"),
        },
        _ => (Exit::INTERNAL, "internal"),
    }
}

struct Words<'a> {
    site: Option<&'a str>,
    doing: Doing,
}

impl Words<'_> {
    fn message(&self, error: &Error) -> String {
        let Some(site) = self.site else { return error.to_string() };
        match error.as_auth() {
            Some(AuthError::NotSignedIn) => format!("not signed in to {site}"),
            // These name what they are about, or are about this machine.
            Some(
                AuthError::Policy(Policy::PlainHttp(_))
                | AuthError::Peer(Peer::NotTiled { .. } | Peer::NotShotgun { .. } | Peer::Elsewhere { .. })
                | AuthError::Cancelled
                | AuthError::CannotPrompt(_)
                | AuthError::Store(_)
                | AuthError::Misuse(_),
            )
            | None => error.to_string(),
            Some(error) => format!("{site}: {error}"),
        }
    }

    fn remedy(&self, error: &Error) -> String {
        match error {
            Error::Auth(error) => self.auth(error),
            Error::Address(_) => "Give the server's address, like http://127.0.0.1:8000.".to_owned(),
            Error::ApiKey => "Give the address without api_key, and sign in with `authctl login`.".to_owned(),
            Error::TwoKeys | Error::KeyAndName => "Leave one of them out.".to_owned(),
            Error::NoSession => "`authctl sessions` lists them.".to_owned(),
            Error::NoSite => "Name the site.".to_owned(),
            Error::Authorities { .. } => {
                "SSL_CERT_FILE and SHOTGUN_API_CACERTS name such files: correct or unset them.".to_owned()
            }
            _ => report(),
        }
    }

    fn auth(&self, error: &AuthError) -> String {
        let login = self.login("");
        match error {
            AuthError::NotSignedIn | AuthError::Removed => format!("Run `{login}` to sign in."),
            AuthError::Expired(_) | AuthError::Revoked(_) | AuthError::Lost => {
                format!("Run `{login}` to sign in again.")
            }
            AuthError::Rejected(_) if self.doing == Doing::Using => {
                format!("Run `{login}` to sign in again, or ask the server's administrator.")
            }
            AuthError::Rejected(_) if self.doing == Doing::Revoking => {
                "`authctl sessions` lists the sessions that can be ended.".to_owned()
            }
            AuthError::Rejected(_) if self.doing == Doing::ShowingKey => {
                "Check the key, in TILED_API_KEY or in the profile: it may have ended.".to_owned()
            }
            AuthError::Rejected(_) if self.doing == Doing::AsScript => {
                "Check the script's name and its key.".to_owned()
            }
            AuthError::Rejected(_) => {
                "Check the name, the password and, where there are several, the provider.".to_owned()
            }
            AuthError::NotApproved(_) => format!("Run `{login}` again, and approve it in the browser."),
            AuthError::Transient(trouble) => self.trouble(trouble),
            AuthError::Policy(policy) => self.policy(policy),
            AuthError::Peer(peer) => match peer {
                Peer::NotTiled { .. } => {
                    "Check the address: that of a Tiled server is like http://127.0.0.1:8000.".to_owned()
                }
                Peer::NotShotgun { .. } => {
                    "Check the address: that of a Shotgun site is like https://studio.shotgrid.autodesk.com."
                        .to_owned()
                }
                Peer::Fault { .. } if matches!(self.doing, Doing::Calling | Doing::AsScript) => {
                    "Check the method and its arguments, or ask the site's administrator.".to_owned()
                }
                Peer::Fault { .. } => "Try again later, or ask the site's administrator.".to_owned(),
                Peer::Elsewhere { .. } => "Name that address instead, if you trust it.".to_owned(),
                Peer::UnknownMode { .. } => {
                    "Choose another provider with --provider, or look for a newer authctl.".to_owned()
                }
                _ => "Check the address, or ask the server's administrator.".to_owned(),
            },
            AuthError::Cancelled => "Nothing was changed; run it again when you are ready.".to_owned(),
            AuthError::CannotPrompt(why) => self.cannot_prompt(*why),
            AuthError::Store(fault) => mend(fault),
            _ => report(),
        }
    }

    fn trouble(&self, trouble: &Trouble) -> String {
        let what = match trouble {
            Trouble::Unreachable(TransportFault::Resolve) => {
                "Check the spelling of the host, and the network."
            }
            Trouble::Unreachable(TransportFault::Connect) => {
                "Check that the server is running, its host and port, and the proxy if HTTPS_PROXY or ALL_PROXY names one."
            }
            Trouble::Unreachable(TransportFault::Proxy) => {
                "See to the proxy that HTTPS_PROXY or ALL_PROXY names: http://user:password@host:port if it asks \
                 who you are."
            }
            Trouble::Unreachable(TransportFault::Tls) => {
                "See that this machine trusts the server's certificate; nothing was sent."
            }
            Trouble::Unreachable(TransportFault::NotHttp) => "Check the address, the port above all.",
            Trouble::Redirected { .. } => "Name the address that it points to, if you trust it.",
            _ => "Try again later, or ask the server's administrator.",
        };
        match self.doing {
            Doing::Using | Doing::Revoking | Doing::Calling => format!("{what} The stored session is kept."),
            Doing::SigningIn
            | Doing::SigningInUnasked
            | Doing::ShowingKey
            | Doing::Running
            | Doing::AsScript => what.to_owned(),
        }
    }

    fn policy(&self, policy: &Policy) -> String {
        match policy {
            Policy::PlainHttp(_) => format!(
                "Use its https:// address, or, if everybody on the way may read the password: `{}`.",
                self.login(" --allow-http")
            ),
            Policy::BlankName => "Name the user or the script.".to_owned(),
            Policy::NoSuchProvider { .. } => "Name one of those with --provider.".to_owned(),
            Policy::NoSuchMethod { .. } => "Leave --method out, or name another one.".to_owned(),
            Policy::NotSupported { .. } => {
                "Sign in with Python's tiled on this machine: authctl then uses that session.".to_owned()
            }
            Policy::NobodyToSignIn => "Use it without signing in: no token is needed.".to_owned(),
            Policy::ApiKeyOnly => {
                "Ask the server's administrator for its key; authctl does not keep keys yet.".to_owned()
            }
            Policy::SignedInAs { asked, .. } => {
                format!("Run `{}`.", self.login(&format!(" --user {}", quoted(&asked.to_string()))))
            }
            Policy::AnotherUser => format!("Run `{}` to be signed in as yourself.", self.login("")),
            Policy::NoPasswords { .. }
            | Policy::NoConsoleWay { .. }
            | Policy::NoWindow
            | Policy::NoAppSession => {
                "Sign in by another method, or ask the site's administrator.".to_owned()
            }
            Policy::AnotherAccount { .. } => {
                "Sign in to the site as yourself in the browser, and run it again.".to_owned()
            }
            Policy::TooOld { .. } => "Ask the site's administrator.".to_owned(),
            _ => "Change what was asked for.".to_owned(),
        }
    }

    fn cannot_prompt(&self, why: CannotPrompt) -> String {
        match (why, self.doing) {
            // The name and the password are there, so what is missing is the choice of a provider.
            (CannotPrompt::NotAllowed, Doing::SigningInUnasked) => {
                "There are several ways to sign in to this server: name one with --provider.".to_owned()
            }
            (CannotPrompt::HungUp | CannotPrompt::Unanswered, _) => {
                format!("Run `{}` again.", self.login(""))
            }
            (CannotPrompt::Declined | CannotPrompt::Muted, _) => {
                format!("Run `{}` to be asked all the same.", self.login(""))
            }
            (_, Doing::Calling) => format!("Run `{}` at a terminal before it.", self.login("")),
            (_, Doing::AsScript) => {
                "Use --script-key-file FILE or --script-key-fd N, or set AUTHCTL_SCRIPT_KEY.".to_owned()
            }
            (_, Doing::Running) => format!(
                "Run it at a terminal, or run `{}` before it (which is of no use to --no-remember), or set \
                 TILED_FORCE_PROMPT=1 and give the answers on standard input.",
                self.login("")
            ),
            _ => format!(
                "Give the password with --user NAME --password-stdin, run `{}` at a terminal, or sign in with Python's \
                 tiled on this machine.",
                self.login("")
            ),
        }
    }

    /// The command that signs in to this site.
    fn login(&self, options: &str) -> String {
        match self.site {
            Some(site) => format!("authctl login {}{options}", quoted(site)),
            None => format!("authctl login URL{options}"),
        }
    }
}

fn report() -> String {
    "This is a fault of authctl or of this machine: please report it.".to_owned()
}

/// What helps where sessions cannot be read or written.
pub(crate) fn mend(fault: &StoreFault) -> String {
    const ELSEWHERE: &str = "name other folders in TILED_CACHE_DIR and AUTHCTL_STATE_DIR";
    match &fault.kind {
        StoreFaultKind::Denied | StoreFaultKind::ReadOnly => {
            format!("See that you may write there, or {ELSEWHERE}.")
        }
        StoreFaultKind::Full => format!("Make room there, or {ELSEWHERE}."),
        StoreFaultKind::NotA(_) => format!("Move away what is there, or {ELSEWHERE}."),
        StoreFaultKind::Unbound => {
            "Sign in with `authctl login URL`, or let nobody else write to that folder: `chmod go-w FOLDER`."
                .to_owned()
        }
        StoreFaultKind::OtherSite(_) => {
            "Its folder was moved or copied. Sign in to each of the two sites with `authctl login URL`."
                .to_owned()
        }
        StoreFaultKind::Untrusted(_) => format!("See whose it is and who may change it, or {ELSEWHERE}."),
        StoreFaultKind::NoLocks => "Name a folder on a disk of this machine in AUTHCTL_STATE_DIR.".to_owned(),
        StoreFaultKind::Locked(holder) => match holder.continued_by() {
            Some(command) => {
                format!("Continue the other process: type `fg` in its terminal, or run `{command}`.")
            }
            None => "Wait until the other process has ended, or end it.".to_owned(),
        },
        StoreFaultKind::Timeout => {
            "Try again; if it stays so, see whether the disk it is on still answers.".to_owned()
        }
        StoreFaultKind::Exhausted => "Close other programs, or raise the limit with `ulimit -n`.".to_owned(),
        StoreFaultKind::Superseded => "Run the command again: it uses that session.".to_owned(),
        StoreFaultKind::NoLogin => "Sign in to the site again.".to_owned(),
        StoreFaultKind::NoHome => "Set HOME, or both TILED_CACHE_DIR and AUTHCTL_STATE_DIR.".to_owned(),
        _ => format!("See what is wrong there, or {ELSEWHERE}."),
    }
}

/// An address as a word of a shell's command line.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%+@,=".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
#[path = "tests/report.rs"]
mod tests;
