//! One of many that change the list of sites, or that read it meanwhile, for `cargo xtask bench store`.
//!
//! `bench_store KIND write FOLDER SITE ME FROM TO` says `ready`, waits for a line, and saves the entry of a site once for
//! each number, as `ME-NUMBER` in the place of the user; when it is saved it says the number, and how many microseconds
//! it took, refusals included. Before each it looks whether what it saved last is there, or what somebody saved later:
//! `lost` if not. `refused` is a save that failed and is tried again. ME is said by one process only.
//!
//! `bench_store KIND read FOLDER` says `ready` and reads until it is told a line; then it prints how often, and how often
//! the list was not whole: unreadable, or shorter than before. `bench_store KIND show FOLDER` prints the list as JSON.
//!
//! KIND is `ours`, or `one-file` for the list as it was kept before: in one file for all, replaced whole under one
//! lock, with the file and its folder made durable each time. `bare` writes what `ours` writes, a durable file for each
//! site under a blocking lock, and checks nothing: no store that keeps these promises is faster.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _, stdin};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use auth_core::Foreign;
use auth_core::ports::{Change, Key, SiteEntry, Store as _};
use auth_store::TiledDirectory;

const USAGE: &str =
    "usage: bench_store ours|one-file|bare (write FOLDER SITE ME FROM TO | read FOLDER | show FOLDER)";

/// The user of each site.
type Users = BTreeMap<String, String>;

/// Where the list is kept.
trait Kept: Sync {
    fn save(&self, site: &str, user: String) -> bool;

    fn users(&self) -> Users;

    /// Whether each file can be understood.
    fn is_whole(&self) -> bool;
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or(USAGE);
    let (kind, way, folder) = (next()?, next()?, PathBuf::from(next()?));
    let kept: Box<dyn Kept> = match kind.as_str() {
        "ours" => Box::new(Ours::new(&folder)),
        "one-file" => Box::new(OneFile::new(&folder)),
        "bare" => Box::new(Bare(folder)),
        _ => return Err(USAGE.into()),
    };
    match way.as_str() {
        "write" => write(&*kept, &next()?, &next()?, next()?.parse()?, next()?.parse()?),
        "read" => {
            read(&*kept);
            Ok(())
        }
        "show" => {
            println!("{}", serde_json::to_string(&kept.users())?);
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn write(kept: &dyn Kept, site: &str, me: &str, from: u32, to: u32) -> Result<(), Box<dyn Error>> {
    println!("ready");
    stdin().read_line(&mut String::new())?;
    // The last number of each who saves it, as it was before our own last save.
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for number in from..=to {
        let found = kept.users().remove(site);
        let found = found.as_ref().and_then(|user| user.rsplit_once('-'));
        let found = found.and_then(|(who, number)| Some((who.to_owned(), number.parse().ok()?)));
        if from < number && is_lost(&seen, me, found.as_ref()) {
            println!("lost");
        }
        seen.extend(found);
        let started = Instant::now();
        while !kept.save(site, format!("{me}-{number}")) {
            println!("refused");
        }
        seen.insert(me.to_owned(), number);
        println!("{number} {}", started.elapsed().as_micros());
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

fn read(kept: &dyn Kept) {
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
            // The files themselves too: the store makes the best of one that it cannot read.
            let is_whole = kept.is_whole();
            let count = kept.users().len();
            torn += u32::from(!is_whole || count < before);
            before = count;
        }
    });
    println!("{reads} {torn}");
}

fn is_json(path: &Path) -> bool {
    // What was renamed away since it was listed is not there.
    fs::read(path).map_or(true, |raw| serde_json::from_slice::<serde_json::Value>(&raw).is_ok())
}

/// The JSON files in a folder.
fn documents(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "json"))
}

struct Ours {
    store: TiledDirectory,
    sites: PathBuf,
}

impl Ours {
    fn new(folder: &Path) -> Self {
        let store = TiledDirectory::new(folder.join("cache"), folder.join("state"));
        Self { store, sites: folder.join("state/tiled/sites") }
    }
}

impl Kept for Ours {
    fn save(&self, site: &str, user: String) -> bool {
        let key = Key { site: site.to_owned(), slot: String::new() };
        let user = Some(Foreign::new(user));
        let entry = SiteEntry { key, user, allow_http: false, method: None, pages: None };
        self.store.apply(&Change::Prefer(entry)).is_ok()
    }

    fn users(&self) -> Users {
        let user = |entry: SiteEntry| Some((entry.key.site, entry.user?.raw().to_owned()));
        self.store.sites().unwrap_or_default().into_iter().filter_map(user).collect()
    }

    fn is_whole(&self) -> bool {
        documents(&self.sites).all(|path| is_json(&path))
    }
}

struct OneFile {
    folder: PathBuf,
    path: PathBuf,
}

impl OneFile {
    fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), path: folder.join("list.json") }
    }

    fn try_save(&self, site: &str, user: String) -> io::Result<()> {
        let lock = File::options().create(true).append(true).open(self.folder.join("list.lock"))?;
        lock.lock()?;
        let mut users = self.users();
        users.insert(site.to_owned(), user);
        let new = self.folder.join("list.new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(&users)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Kept for OneFile {
    fn save(&self, site: &str, user: String) -> bool {
        self.try_save(site, user).is_ok()
    }

    fn users(&self) -> Users {
        let raw = fs::read(&self.path).unwrap_or_default();
        serde_json::from_slice(&raw).unwrap_or_default()
    }

    fn is_whole(&self) -> bool {
        is_json(&self.path)
    }
}

struct Bare(PathBuf);

impl Bare {
    fn try_save(&self, site: &str, user: String) -> io::Result<()> {
        let name = site.replace('/', "_");
        let lock = File::options().create(true).append(true).open(self.0.join(format!("{name}.lock")))?;
        lock.lock()?;
        let new = self.0.join(format!("{name}.new"));
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(&Users::from([(site.to_owned(), user)]))?)?;
        file.sync_all()?;
        fs::rename(&new, self.0.join(format!("{name}.json")))
    }
}

impl Kept for Bare {
    fn save(&self, site: &str, user: String) -> bool {
        self.try_save(site, user).is_ok()
    }

    fn users(&self) -> Users {
        let read = |path: PathBuf| serde_json::from_slice::<Users>(&fs::read(path).ok()?).ok();
        documents(&self.0).filter_map(read).flatten().collect()
    }

    fn is_whole(&self) -> bool {
        documents(&self.0).all(|path| is_json(&path))
    }
}
