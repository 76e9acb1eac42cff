//! Listing the sites somebody signed in to.

use auth_native::Foreign;
use auth_native::ports::SiteEntry;
use serde::Serialize;

use crate::client::{Client, shown};
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

pub(crate) fn run(client: &Client, json: bool) -> Result<Exit, Failure> {
    let sites = client.known()?;
    output::answer(json, &Sites::new(&sites), || lines(&sites))?;
    Ok(Exit::OK)
}

/// What is said of an empty list.
pub(super) const NONE: &str = "Nobody has signed in to a site.\n";

fn lines(sites: &[SiteEntry]) -> String {
    if sites.is_empty() {
        return NONE.to_owned();
    }
    let names: Vec<_> = sites.iter().map(|entry| shown(&entry.key.site)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let line = |(at, (name, entry)): (usize, (&String, &SiteEntry))| {
        let user = entry.user.as_ref().map_or_else(|| "-".to_owned(), Foreign::to_string);
        let first = if at == 0 { "  (meant where no URL is given)" } else { "" };
        format!("{name:<width$}  {user}{first}\n")
    };
    names.iter().zip(sites).enumerate().map(line).collect()
}

/// The answer as JSON.
#[derive(Serialize)]
struct Sites<'a> {
    sites: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    site: &'a str,
    user: Option<&'a str>,
    allow_http: bool,
    default: bool,
}

impl<'a> Sites<'a> {
    fn new(sites: &'a [SiteEntry]) -> Self {
        let entry = |(at, entry): (usize, &'a SiteEntry)| Entry {
            site: &entry.key.site,
            user: entry.user.as_ref().map(Foreign::raw),
            allow_http: entry.allow_http,
            default: at == 0,
        };
        Self { sites: sites.iter().enumerate().map(entry).collect() }
    }
}

#[cfg(test)]
mod tests {
    use auth_native::address;
    use auth_native::ports::Key;

    use super::*;
    use crate::json::to_string;

    fn entries() -> Vec<SiteEntry> {
        let entry = |url: &str, user: Option<&str>, allow_http| SiteEntry {
            key: address(url).unwrap().key(),
            user: user.map(Foreign::from),
            allow_http,
            method: None,
            pages: None,
        };
        vec![
            entry("http://127.0.0.1:8000", Some("alice"), false),
            entry("http://tiled.example/sub", Some("b\u{1b}[2Job"), true),
            entry("https://other.example", None, false),
        ]
    }

    #[test]
    fn the_list_is_one_line_a_site() {
        assert_eq!(
            lines(&entries()),
            "http://127.0.0.1:8000     alice  (meant where no URL is given)\n\
             http://tiled.example/sub  b\\u{1b}[2Job\n\
             https://other.example     -\n"
        );
    }

    #[test]
    fn the_list_is_printed_as_json() {
        assert_eq!(
            to_string(&Sites::new(&entries()[..2])),
            r#"{"sites":[{"site":"http://127.0.0.1:8000/api/v1/","user":"alice","allow_http":false,"default":true},"#
                .to_owned()
                + r#"{"site":"http://tiled.example/sub/api/v1/","user":"b\u001b[2Job","allow_http":true,"default":false}]}"#
        );
        assert_eq!(to_string(&Sites::new(&[])), r#"{"sites":[]}"#);
    }

    #[test]
    fn a_key_that_is_no_address_is_shown_as_it_is() {
        let key = Key { site: "no\u{7}where".to_owned(), slot: String::new() };
        assert_eq!(
            lines(&[SiteEntry { key, user: None, allow_http: false, method: None, pages: None }]),
            "no\\u{7}where  -  (meant where no URL is given)\n"
        );
    }
}
