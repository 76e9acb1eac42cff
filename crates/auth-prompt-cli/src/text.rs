//! Everything that is said at a terminal, in one place. No escape sequences: it reads the same everywhere.

use auth_core::Notice;

#[cfg(unix)]
pub(crate) use questions::*;

/// The lines of a notice.
pub(crate) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::PlainHttp(origin) => {
            format!(
                "Warning: {origin} is not encrypted. Anyone on the way can read what is sent, passwords too.\n"
            )
        }
        Notice::Waiting(holder) => format!("Waiting for the sign-in in {holder} ...\n"),
        Notice::Confirmation(message) => {
            message.lines().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect()
        }
        // A notice that has no words here is dropped, as one that cannot be told.
        _ => String::new(),
    }
}

#[cfg(unix)]
mod questions {
    use auth_core::site::Scheme;
    use auth_core::{Foreign, PasswordQuestion, ProviderQuestion};

    use crate::line::{LONGEST, Unfit};

    pub(crate) const USERNAME: &str = "Username: ";
    pub(crate) const PASSWORD: &str = "Password: ";
    pub(crate) const NOT_HIDDEN: &str =
        "Warning: there is no terminal. A password that is typed here can be seen.\n";
    pub(crate) const CHOICE: &str = "Choose an authentication provider (or press Enter to cancel): ";
    pub(crate) const BAD_USERNAME: &str = "That is not a name: it has characters that cannot be shown.\n";

    /// How much of a name is shown: less than a line, so that no name looks like a line of its own.
    const NAME: usize = 60;

    fn name(name: &Foreign) -> String {
        let shown = name.to_string();
        match shown.char_indices().nth(NAME) {
            None => shown,
            Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default()),
        }
    }

    /// What stands before a name and a password are asked for.
    pub(crate) fn before_password(question: &PasswordQuestion) -> String {
        if question.refused {
            let left = match question.left {
                1 => "1 attempt left".to_owned(),
                left => format!("{left} attempts left"),
            };
            return format!(
                "Username or password not recognized. Retry, or press Enter to cancel. ({left})\n"
            );
        }
        let PasswordQuestion { origin, provider, username, .. } = question;
        let provider = name(provider).replace('"', "\\\"");
        let mut text = format!("Signing in to {origin} (provider \"{provider}\")\n");
        if origin.scheme() == Scheme::Http && !origin.is_loopback() {
            text.push_str(
                "Warning: this server is not encrypted. Anyone on the way can read the password.\n",
            );
        }
        if let Some(username) = username {
            text.extend([USERNAME, &name(username), "\n"]);
        }
        text
    }

    /// The menu.
    pub(crate) fn providers(question: &ProviderQuestion) -> String {
        let mut text = format!("Signing in to {}\nAuthentication providers:\n", question.origin);
        for (number, provider) in (1_usize..).zip(&question.providers) {
            text.extend([&number.to_string(), " - ", &name(provider), "\n"]);
        }
        text
    }

    /// After an answer that is none of `count` choices.
    pub(crate) fn bad_choice(count: usize) -> String {
        format!("Choice must be a number 1 through {count}.\n")
    }

    /// After a line that is no password.
    pub(crate) fn unfit(unfit: Unfit) -> String {
        match unfit {
            Unfit::TooLong => format!("That is longer than {LONGEST} bytes. Try again, or press Enter to cancel.\n"),
            Unfit::NotText => {
                "That is not UTF-8, which this terminal should be set to. Try again, or press Enter to cancel.\n".to_owned()
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/text.rs"]
mod tests;
