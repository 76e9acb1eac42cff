//! Does one thing to a token directory, for tests that watch, kill or disturb it meanwhile.
//!
//! `store_probe OPERATION CACHE STATE`; on standard input a line each: access token, refresh token, ID token (empty
//! for none) and whose they are. What was made of it is printed; after a fault another line, whatever it is, has it tried
//! once more. The calls of the operation come between those that look for `/probe-begins` and `/probe-ends`.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::io::stdin;

use auth_core::ports::{Applied, Change, Key, Replaces, SiteEntry, Store as _};
use auth_core::session::{Facts, Session, Tokens};
use auth_core::time::Timestamp;
use auth_core::{Digest, Foreign, Secret};
use auth_store::TiledDirectory;
use rustix::fs::Mode;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: store_probe OPERATION CACHE STATE");
    let (operation, cache, state) = (next()?, next()?, next()?);
    let session = session()?;
    let change = change(&operation, session).ok_or("no such operation")?;
    // What is made must be private all the same.
    rustix::process::umask(Mode::empty());
    let store = TiledDirectory::new(cache, state);
    println!("ready");

    let _nothing = std::fs::metadata("/probe-begins");
    let first = store.apply(&change);
    let _nothing = std::fs::metadata("/probe-ends");

    let failed = first.is_err();
    say(first);
    if failed && stdin().read_line(&mut String::new())? > 0 {
        say(store.apply(&change));
    }
    Ok(())
}

fn session() -> Result<Session, Box<dyn Error>> {
    let line = || {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|_| {
            line.truncate(line.trim_end_matches('\n').len());
            Secret::from(line)
        })
    };
    let token = || line().map(|token| Some(token).filter(|token| !token.is_empty()));
    let tokens = Tokens { access: token()?, refresh: token()?, id: token()?, ..Tokens::default() };
    let facts = Facts {
        received: Some(Timestamp(1_800_000_000)),
        expires: Some(Timestamp(1_800_000_900)),
        principal: Some(Foreign::new(line()?.expose())),
        ..Facts::default()
    };
    Ok(Session { tokens, facts, ..Session::default() })
}

fn change(operation: &str, session: Session) -> Option<Change> {
    let key = Key { site: "http://h/api/v1/".to_owned(), slot: String::new() };
    Some(match operation {
        "save" => Change::Save { key, session: Box::new(session), replaces: Replaces::Anything },
        "clear" => Change::ClearIf { key, generation: session.tokens.generation() },
        "intend" => Change::Intent { key, redeeming: Digest::of(&session.tokens.refresh?) },
        "prefer" => Change::Prefer(SiteEntry {
            key,
            user: session.facts.principal,
            allow_http: false,
            method: None,
            pages: None,
        }),
        _ => return None,
    })
}

fn say(result: Result<Applied, auth_core::error::StoreFault>) {
    match result {
        Ok(Applied::Done) => println!("done"),
        Ok(Applied::Conflict(_)) => println!("conflict"),
        Err(fault) => println!("fault: {fault}"),
    }
}
