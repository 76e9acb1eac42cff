//! One of many that change the list of sites, or that read it meanwhile, for `cargo xtask bench store`.
//!
//! `bench_store write FOLDER SITE ME FROM TO` says `ready`, waits for a line, and saves the entry of a site once for each
//! number, as `ME-NUMBER` in the place of the user; the number is said when it is saved. Before each it looks whether
//! what it saved last is there, or what somebody saved later: `lost` if not. `refused` is a save that failed and is tried
//! again. ME is said by one process only.
//!
//! `bench_store read FOLDER` says `ready` and reads until it is told a line; then it prints how often, and how often the
//! list was not whole: unreadable, or shorter than before. `bench_store show FOLDER` prints the list as JSON.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::stdin;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use auth_core::Foreign;
use auth_core::ports::{Change, Key, SiteEntry, Store as _};
use auth_store::TiledDirectory;

const USAGE: &str = "usage: bench_store write FOLDER SITE ME FROM TO | read FOLDER | show FOLDER";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or(USAGE);
    let (way, folder) = (next()?, next()?);
    let folder = Path::new(&folder);
    let store = TiledDirectory::new(folder.join("cache"), folder.join("state"));
    match way.as_str() {
        "write" => write(&store, &next()?, &next()?, next()?.parse()?, next()?.parse()?),
        "read" => {
            read(&store, folder);
            Ok(())
        }
        "show" => {
            let user = |entry: &SiteEntry| entry.user.as_ref().map(|user| user.raw().to_owned());
            let sites = store.sites()?;
            let sites: BTreeMap<_, _> = sites.iter().map(|entry| (&entry.key.site, user(entry))).collect();
            println!("{}", serde_json::to_string(&sites)?);
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn write(store: &TiledDirectory, site: &str, me: &str, from: u32, to: u32) -> Result<(), Box<dyn Error>> {
    println!("ready");
    stdin().read_line(&mut String::new())?;
    let key = Key { site: site.to_owned(), slot: String::new() };
    // The last number of each who saves it, as it was before our own last save.
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for number in from..=to {
        let found = store.sites()?.into_iter().find(|entry| entry.key == key).and_then(|entry| entry.user);
        let found = found.as_ref().and_then(|user| user.raw().rsplit_once('-'));
        let found = found.and_then(|(who, number)| Some((who.to_owned(), number.parse().ok()?)));
        if from < number && is_lost(&seen, me, found.as_ref()) {
            println!("lost");
        }
        seen.extend(found);
        let user = Some(Foreign::new(format!("{me}-{number}")));
        let change = Change::Prefer(SiteEntry {
            key: key.clone(),
            user,
            allow_http: false,
            method: None,
            pages: None,
        });
        while store.apply(&change).is_err() {
            println!("refused");
        }
        seen.insert(me.to_owned(), number);
        println!("{number}");
    }
    Ok(())
}

/// True if what is there was there before we saved.
fn is_lost(seen: &BTreeMap<String, u32>, me: &str, found: Option<&(String, u32)>) -> bool {
    found.is_none_or(|(who, number)| {
        let last = seen.get(who).copied().unwrap_or_default();
        if who == me { *number < last } else { *number <= last }
    })
}

fn read(store: &TiledDirectory, folder: &Path) {
    println!("ready");
    let over = AtomicBool::new(false);
    let (mut reads, mut torn, mut before) = (0_u32, 0_u32, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _nothing = stdin().read_line(&mut String::new());
            over.store(true, Ordering::SeqCst);
        });
        while !over.load(Ordering::SeqCst) {
            reads += 1;
            // The file itself too: the store makes the best of one that it cannot read.
            let raw = std::fs::read(folder.join("state/tiled/index.json")).unwrap_or_default();
            let is_json = serde_json::from_slice::<serde_json::Value>(&raw).is_ok();
            let count = store.sites().map_or(0, |sites| sites.len());
            torn += u32::from(!is_json || count < before);
            before = count;
        }
    });
    println!("{reads} {torn}");
}
