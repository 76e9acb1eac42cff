//! The book's pages of messages and exit codes, against what this program says. That every text of an error has a row
//! at all is checked by `cargo xtask docs`, from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use auth_native::error::{
    AuthError, Blame, CannotPrompt, Misuse, NotApproved, PageFault, Peer, Policy, SignsIn, StoreFault,
    StoreFaultKind, TransportFault, Trouble,
};
use auth_native::{Error, Foreign, ProfileError, address};
use clap::Parser as _;

use crate::args::Cli;
use crate::exit::{Exit, HELP};
use crate::plan::Plan;
use crate::report::{Doing, Failure};

const SITE: &str = "http://127.0.0.1:8000";

fn page(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src");
    fs::read_to_string(format!("{folder}/{name}.md")).unwrap()
}

fn cells(line: &str) -> Vec<&str> {
    let inside = line.strip_prefix("| ").and_then(|line| line.strip_suffix('|')).unwrap_or_default();
    inside.split(" | ").map(str::trim).collect()
}

/// Every error that a flow or the facade can end with, one of each kind.
fn errors() -> Vec<Error> {
    let origin = || address("http://tiled.example").unwrap().origin().clone();
    let fault = |kind| StoreFault { kind, path: "/home/a".into() };
    let (name, none) = (|| Foreign::from("x"), Foreign::default);
    let auth: Vec<AuthError> = vec![
        AuthError::NotSignedIn,
        AuthError::Removed,
        AuthError::Rejected("no".into()),
        AuthError::Expired(none()),
        AuthError::Revoked(none()),
        AuthError::Lost,
        AuthError::Cancelled,
        NotApproved::Denied.into(),
        NotApproved::Gone.into(),
        NotApproved::TimedOut.into(),
        Trouble::Unreachable(TransportFault::Resolve).into(),
        Trouble::Unreachable(TransportFault::Connect).into(),
        Trouble::Unreachable(TransportFault::Proxy).into(),
        Trouble::Unreachable(TransportFault::Tls).into(),
        Trouble::Unreachable(TransportFault::Timeout).into(),
        Trouble::Unreachable(TransportFault::Closed).into(),
        Trouble::Unreachable(TransportFault::TooLarge).into(),
        Trouble::Unreachable(TransportFault::NotHttp).into(),
        Trouble::Status { status: 503, detail: none(), retry_after: None }.into(),
        Trouble::Redirected { to: name() }.into(),
        Trouble::Unreadable.into(),
        Policy::PlainHttp(origin()).into(),
        Policy::BlankName.into(),
        Policy::NoSuchProvider { asked: name(), offered: vec![name()] }.into(),
        Policy::NoSuchMethod { asked: name() }.into(),
        Policy::NotSupported { provider: name() }.into(),
        Policy::NobodyToSignIn.into(),
        Policy::ApiKeyOnly.into(),
        Policy::AnotherUser.into(),
        Policy::SignedInAs { asked: name(), got: name() }.into(),
        Policy::NoPasswords { by: SignsIn::SingleSignOn }.into(),
        Policy::NoConsoleWay { by: SignsIn::SingleSignOn }.into(),
        Policy::NoWindow.into(),
        Policy::NoAppSession.into(),
        Policy::AnotherAccount { asked: name(), got: name() }.into(),
        Policy::TooOld { needs: "2.4.0" }.into(),
        Peer::NotShotgun { url: name(), status: 404, why: none() }.into(),
        Peer::Fault { message: name() }.into(),
        Peer::BadPage { why: PageFault::Exposed }.into(),
        Peer::NotTiled { url: name(), status: 404, why: none() }.into(),
        Peer::Elsewhere { from: origin(), to: name() }.into(),
        Peer::Circles.into(),
        Peer::UnknownMode { provider: name(), mode: name() }.into(),
        CannotPrompt::NoTerminal.into(),
        CannotPrompt::NotAllowed.into(),
        CannotPrompt::HungUp.into(),
        CannotPrompt::Unanswered.into(),
        fault(StoreFaultKind::Denied).into(),
        fault(StoreFaultKind::ReadOnly).into(),
        fault(StoreFaultKind::Full).into(),
        fault(StoreFaultKind::NotA("file")).into(),
        fault(StoreFaultKind::Untrusted("it is a file of another user's")).into(),
        fault(StoreFaultKind::Unbound).into(),
        fault(StoreFaultKind::OtherSite(name())).into(),
        fault(StoreFaultKind::Locked(auth_native::Holder::default())).into(),
        fault(StoreFaultKind::NoLocks).into(),
        fault(StoreFaultKind::Timeout).into(),
        fault(StoreFaultKind::Exhausted).into(),
        fault(StoreFaultKind::Superseded).into(),
        fault(StoreFaultKind::NoLogin).into(),
        fault(StoreFaultKind::NoHome).into(),
        Misuse::Unexpected.into(),
        Misuse::TooEarly.into(),
        Misuse::NotNow.into(),
        Misuse::Ended.into(),
        Misuse::BadAnswer.into(),
    ];
    let before = [
        address("nowhere").unwrap_err(),
        address("http://h/?api_key=a&api_key=b").unwrap_err(),
        address("http://h/%00").unwrap_err(),
        Error::ApiKey,
        Error::TwoKeys,
        Error::KeyAndName,
        Error::NoSession,
        Error::Authorities { file: name(), why: name() },
        Error::UserAgent,
        Error::NoEntropy,
    ];
    auth.into_iter().map(Error::from).chain(before).collect()
}

/// What this program says itself, with who can change it as the page has it.
fn failures() -> Vec<(Failure, Option<&'static str>)> {
    let whose = |error: &Error| match error.blame() {
        Blame::Person => "you",
        Blame::Server => "the server",
        Blame::Network => "the network",
        Blame::Machine => "this machine",
        Blame::Program => "what was asked",
    };
    let of = |error: &Error| (Failure::of(error, Some(SITE), Doing::Using), Some(whose(error)));
    let mut failures: Vec<_> = errors().iter().map(of).collect();
    failures.push((Failure::no_site(), Some("you")));
    let name = || Foreign::from("lab");
    for error in
        [ProfileError::Unknown { name: name(), known_names: vec![name()] }, ProfileError::Direct(name())]
    {
        failures.push((Failure::profile(&error), Some("you")));
    }
    failures.push((Failure::output(&std::io::Error::other("x")), Some("this machine")));
    let typed = [
        &["login", SITE, "--method", "web"][..],
        &["login", SITE, "--password-stdin"],
        &["login", SITE, "--no-remember"],
        #[cfg(feature = "sandbox")]
        &["sandbox", "--access-life", "0s"],
    ];
    for words in typed {
        let typed = Cli::try_parse_from([&["authctl"], words].concat()).unwrap();
        failures.push((Plan::new(typed).unwrap_err(), Some("you")));
    }
    failures
}

/// A row of the page of messages: the code of its section, the message, and who can change it.
struct Row {
    code: u8,
    message: String,
    whose: String,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut code = None;
    for line in page("troubleshooting").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let number = heading.split("(exit code ").nth(1).and_then(|rest| rest.strip_suffix(')'));
            code = number.map(|number| number.parse().unwrap());
        }
        if let (Some(code), &[message, _, whose, _]) = (code, &cells(line)[..])
            && message.starts_with('`')
        {
            rows.push(Row { code, message: message.trim_matches('`').to_owned(), whose: whose.to_owned() });
        }
    }
    rows
}

/// Whether a message is one of those that a row stands for, `…` being what varies.
fn is_of(message: &str, row: &Row) -> bool {
    let mut rest = message;
    row.message.split('…').map(str::trim).all(|part| {
        let part = part.trim_end_matches(':');
        match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        }
    })
}

#[test]
fn every_failure_has_a_row_under_its_exit_code_that_says_whose_it_is() {
    let rows = rows();
    assert!(rows.len() > 60, "{}", rows.len());
    for (failure, whose) in failures() {
        if failure.exit == Exit::CANCELLED {
            continue;
        }
        let row = rows.iter().filter(|row| is_of(&failure.message, row)).max_by_key(|row| row.message.len());
        let row = row.unwrap_or_else(|| panic!("no row is for {:?}", failure.message));
        assert_eq!(row.code, failure.exit.code(), "{}: {}", row.message, failure.message);
        assert_eq!(Some(row.whose.as_str()), whose, "{}: {}", row.message, failure.message);
    }
}

#[test]
fn the_page_of_exit_codes_says_what_the_help_says() {
    let mut help: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in HELP.lines().skip(1) {
        let (number, text) = line.trim_start().split_once(' ').unwrap();
        if number.parse::<u8>().is_ok() {
            number.clone_into(&mut last);
            help.insert(last.clone(), text.trim().to_owned());
        } else {
            help.get_mut(&last).unwrap().extend([" ", line.trim()]);
        }
    }
    let page = page("exit-codes");
    let rows = page.lines().map(cells).filter(|cells| cells.len() == 3);
    let rows: BTreeMap<String, String> = rows
        .filter(|cells| cells[0].parse::<u8>().is_ok())
        .map(|cells| (cells[0].to_owned(), cells[1].to_owned()))
        .collect();
    assert_eq!(rows, help);
}

#[test]
fn the_page_of_exit_codes_lists_every_kind_with_its_code() {
    let mut kinds: BTreeSet<_> =
        failures().iter().map(|(failure, _)| (failure.kind.to_owned(), failure.exit.code())).collect();
    // Of `sandbox`, which has to listen to say so.
    kinds.insert(("port".to_owned(), Exit::USAGE.code()));
    let page = page("exit-codes");
    let (_, table) = page.split_once("## Kinds").unwrap();
    let mut listed = BTreeSet::new();
    for cells in table.lines().map(cells).filter(|cells| cells.len() == 3 && cells[0].starts_with('`')) {
        for kind in cells[0].split(", ") {
            listed.insert((kind.trim_matches('`').to_owned(), cells[1].parse().unwrap()));
        }
    }
    assert_eq!(listed, kinds);
}
