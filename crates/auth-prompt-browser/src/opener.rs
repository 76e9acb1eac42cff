//! Which program opens a page, as the system and the person's environment have it.

use std::path::Path;

use auth_core::Foreign;
use auth_core::error::PageFault;
use auth_core::site::Url;

use crate::open::OpenFault;

/// What opening a page depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum System {
    /// Linux, and whoever else has the desktops of freedesktop.org.
    Freedesktop,
    MacOs,
    Windows,
}

impl System {
    pub(crate) const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Freedesktop
    };
}

/// The variables that are asked. One that is empty counts as unset.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    pub(crate) browser: Option<String>,
    pub(crate) has_display: bool,
}

impl Environment {
    pub(crate) fn read() -> Self {
        let filled = |value: &std::ffi::OsString| !value.is_empty();
        // A name that is not Unicode is none of a program's, and is named as it cannot be started.
        let browser = std::env::var_os("BROWSER").map(|value| value.to_string_lossy().into_owned());
        let has_display = std::env::var_os("DISPLAY").as_ref().is_some_and(filled)
            || std::env::var_os("WAYLAND_DISPLAY").as_ref().is_some_and(filled);
        Self { browser, has_display }
    }
}

/// The program and its arguments, of which the address is one, or part of one.
pub(crate) fn command(
    system: System,
    environment: &Environment,
    page: &Url,
) -> Result<Vec<String>, OpenFault> {
    let address = address(page)?;
    if let Some(entry) = environment.browser.as_deref().and_then(|list| first(system, list)) {
        return named(system, entry, &address);
    }
    let words: &[&str] = match system {
        System::Freedesktop if !environment.has_display => return Err(OpenFault::NoDesktop),
        // An address begins with its scheme, so that it is no option of theirs.
        System::Freedesktop => &["xdg-open"],
        System::MacOs => &["/usr/bin/open"],
        System::Windows => &["rundll32.exe", "url.dll,FileProtocolHandler"],
    };
    Ok(words.iter().map(|word| (*word).to_owned()).chain([address]).collect())
}

/// The address as a browser gets it, if it is one that may be opened (T3).
fn address(page: &Url) -> Result<String, PageFault> {
    if page.origin().is_exposed() {
        return Err(PageFault::Exposed);
    }
    // One that was put together of parts can have become longer, or other, than one that is read.
    Ok(page.to_request().parse::<Url>()?.to_request())
}

/// The first entry of the list.
fn first(system: System, list: &str) -> Option<&str> {
    let separator = if system == System::Windows { ';' } else { ':' };
    list.split(separator).map(str::trim).find(|entry| !entry.is_empty())
}

/// What an entry of `BROWSER` means.
fn named(system: System, entry: &str, address: &str) -> Result<Vec<String>, OpenFault> {
    let mut words: Vec<String> = if !entry.contains("%s") && Path::new(entry).is_file() {
        vec![entry.to_owned()]
    } else {
        entry.split_ascii_whitespace().map(str::to_owned).collect()
    };
    if let Some(program) = words.first().filter(|program| system == System::Windows && is_batch(program)) {
        // Windows has a shell read the arguments of those (T4).
        let why = Foreign::from("a shell would read the address");
        return Err(OpenFault::NotStarted { opener: Foreign::from(program.as_str()), why });
    }
    let mut is_placed = false;
    for word in words.iter_mut().skip(1).filter(|word| word.contains("%s")) {
        *word = word.replace("%s", address);
        is_placed = true;
    }
    if !is_placed {
        words.push(address.to_owned());
    }
    Ok(words)
}

fn is_batch(program: &str) -> bool {
    // The system leaves dots and blanks at the end of a name out.
    let name = program.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    [".bat", ".cmd"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
#[path = "tests/opener.rs"]
mod tests;
