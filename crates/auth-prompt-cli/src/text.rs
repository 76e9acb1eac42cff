//! Everything that is said at a terminal, in one place. No escape sequences: it reads the same everywhere.

use core::time::Duration;

use auth_core::{Foreign, Notice};

#[cfg(unix)]
pub(crate) use questions::*;

/// What stands before each line that is the server's own.
const SERVER: &str = "Server: ";

/// The lines of a notice.
pub(crate) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::PlainHttp(origin) => {
            format!(
                "Warning: {origin} is not encrypted. Anyone on the way can read what is sent, passwords too.\n"
            )
        }
        Notice::Waiting(holder) => {
            let waiting = format!("Waiting for the sign-in in {holder} ...\n");
            match holder.continued_by() {
                Some(command) => {
                    format!("{waiting}To continue it, type `fg` in its terminal or run `{command}`.\n")
                }
                None => waiting,
            }
        }
        Notice::Saving { location: Some(location) } => {
            format!("Saving the session in {location}. The disk is slow; waiting up to a minute ...\n")
        }
        Notice::Saving { location: None } => {
            "Saving the session takes long; waiting up to a minute ...\n".to_owned()
        }
        Notice::NotRevoked { origin, why } => {
            format!(
                "Warning: the unused session at {origin} was not revoked: {why}. It lasts there until it expires.\n"
            )
        }
        Notice::Confirmation(message) => {
            // Each line for itself: the server could write one that looks like ours.
            message.lines().flat_map(|line| [SERVER.to_owned(), line.to_string(), "\n".to_owned()]).collect()
        }
        Notice::Ended { origin, username } => {
            format!("The session of {} at {origin} has ended.\n", name(username))
        }
        Notice::Page { page, origin } => {
            let mut text = String::new();
            if page.origin() != origin {
                text = format!("The next page does not belong to {origin}, but to {}\n", page.origin());
            }
            // Whole, as whoever opens it elsewhere needs it; and no address has characters that move the cursor.
            text + "Sign in on this page:\n" + &page.to_request() + "\n"
        }
        Notice::Approval { left } => approval(*left) + "\n",
        // A notice that has no words here is dropped, as one that cannot be told.
        _ => String::new(),
    }
}

/// How long an approval is waited for, without a line end.
pub(crate) fn approval(left: Duration) -> String {
    let left = left.as_secs();
    format!("Waiting for the approval in the browser ({}:{:02} left) ...", left / 60, left % 60)
}

/// How much of a name is shown: less than a line, so that no name looks like a line of its own.
const NAME: usize = 60;

fn name(name: &Foreign) -> String {
    let shown = name.to_string();
    match shown.char_indices().nth(NAME) {
        None => shown,
        Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default()),
    }
}

#[cfg(unix)]
mod questions {
    use auth_core::shotgun::SignInMethod;
    use auth_core::site::{Origin, Scheme};
    use auth_core::{
        BrowserQuestion, CodeQuestion, Foreign, KeyQuestion, MethodQuestion, PageQuestion, PasswordQuestion,
        ProviderQuestion, SiteQuestion,
    };

    use super::name;

    use crate::line::{LONGEST, Unfit};

    pub(crate) const USERNAME: &str = "Username: ";
    pub(crate) const PASSWORD: &str = "Password: ";
    pub(crate) const NOT_HIDDEN: &str = "Warning: there is no terminal. What is typed here can be seen.\n";
    pub(crate) const CHOICE: &str = "Choose an authentication provider (or press Enter to cancel): ";
    pub(crate) const CODE: &str = "Code (or press Enter to cancel): ";
    pub(crate) const KEY: &str = "Key (or press Enter to cancel): ";
    pub(crate) const PROCEED: &str = "Press Enter to go on, or Ctrl-C to cancel: ";
    pub(crate) const BAD_SITE: &str = "That is no address: it has characters that cannot be shown.\n";
    pub(crate) const BAD_CODE: &str = "That is no code: it has characters that cannot be shown.\n";
    pub(crate) const BAD_USERNAME: &str = "That is not a name: it has characters that cannot be shown.\n";

    /// What stands before a name and a password are asked for.
    pub(crate) fn before_password(question: &PasswordQuestion) -> String {
        if question.refused {
            let left = attempts(question.left);
            return format!(
                "Username or password not recognized. Retry, or press Enter to cancel. ({left})\n"
            );
        }
        let PasswordQuestion { origin, provider, username, .. } = question;
        let mut text = if provider.is_empty() {
            format!("Signing in to {origin}\n")
        } else {
            let provider = name(provider).replace('"', "\\\"");
            format!("Signing in to {origin} (provider \"{provider}\")\n")
        };
        text.push_str(&in_clear(origin, "password"));
        if let Some(username) = username {
            text.push_str(&typed_username(username));
        }
        text
    }

    /// A name that is not asked for.
    pub(crate) fn typed_username(username: &Foreign) -> String {
        [USERNAME, &name(username), "\n"].concat()
    }

    fn attempts(left: u8) -> String {
        match left {
            1 => "1 attempt left".to_owned(),
            left => format!("{left} attempts left"),
        }
    }

    fn in_clear(origin: &Origin, what: &str) -> String {
        if origin.scheme() == Scheme::Http && !origin.is_loopback() {
            format!("Warning: this server is not encrypted. Anyone on the way can read the {what}.\n")
        } else {
            String::new()
        }
    }

    fn with_suggestion(what: &str, suggested: Option<&Foreign>) -> String {
        suggested.map_or(format!("{what}: "), |suggested| format!("{what} [{}]: ", name(suggested)))
    }

    /// The prompt for a name.
    pub(crate) fn username(question: &PasswordQuestion) -> String {
        with_suggestion("Username", question.suggested.as_ref())
    }

    /// What stands before a site is asked for.
    pub(crate) fn before_site(question: &SiteQuestion) -> String {
        if let Some(why) = question.refused {
            return format!("That cannot be used: {why}.\n");
        }
        let mut text = String::new();
        if question.recent.len() > 1 {
            text.push_str("Recent sites:\n");
            for site in &question.recent {
                text.extend(["  ", &name(site), "\n"]);
            }
        }
        text
    }

    /// The prompt for a site.
    pub(crate) fn site(question: &SiteQuestion) -> String {
        with_suggestion("Site", question.suggested.as_ref())
    }

    /// The menu of ways to sign in.
    pub(crate) fn methods(question: &MethodQuestion) -> String {
        let mut text = format!("Signing in to {}\nWays to sign in:\n", question.origin);
        for (number, method) in (1_usize..).zip(&question.methods) {
            let method = match method {
                SignInMethod::Password => "username and password",
                SignInMethod::Web => "a browser window of this program",
                SignInMethod::AppSession => "your browser",
            };
            text.extend([&number.to_string(), " - ", method, "\n"]);
        }
        text
    }

    /// The prompt for a choice of them.
    pub(crate) fn method(question: &MethodQuestion) -> String {
        if question.suggested < question.methods.len() {
            format!("Method [{}]: ", question.suggested + 1)
        } else {
            "Method (or press Enter to cancel): ".to_owned()
        }
    }

    /// What stands before a code is asked for.
    pub(crate) fn before_code(question: &CodeQuestion) -> String {
        let CodeQuestion { origin, username, refused, left } = question;
        if *refused {
            return format!("Code not recognized. Retry, or press Enter to cancel. ({})\n", attempts(*left));
        }
        let warning = in_clear(origin, "code");
        let username = name(username);
        format!(
            "{origin} asks for the code of {username}: of an authenticator app, or a backup code.\n{warning}"
        )
    }

    /// What stands before a key is asked for.
    pub(crate) fn before_key(question: &KeyQuestion) -> String {
        let KeyQuestion { origin, name: whose } = question;
        format!("{origin} asks for the key of {}.\n{}", name(whose), in_clear(origin, "key"))
    }

    /// What stands before a browser is used.
    pub(crate) fn before_browser(question: &BrowserQuestion) -> String {
        let mut text = format!("Signing in to {}", question.origin);
        if let Some(username) = &question.username {
            text.extend([" as ", &name(username)]);
        }
        text + "\nThis goes on in a browser, on a page of that site: it opens, or its address is shown.\n"
    }

    /// What stands before a page of another origin is opened.
    pub(crate) fn before_page(question: &PageQuestion) -> String {
        let PageQuestion { origin, page } = question;
        let stranger = page.origin();
        let page = page.to_request();
        format!(
            "{origin} sends you to a page of {stranger}:\n{page}\nGo there only if you know that address.\n"
        )
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

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/words.rs"]
mod words;
