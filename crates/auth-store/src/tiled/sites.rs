//! The list of sites, a file for each: whoever signs in to one site waits for nobody who signs in to another.

use std::ffi::OsString;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::error::StoreFault;
use auth_core::ports::{Key, SiteEntry};

use super::{ABOUT, TiledDirectory, made_below};
use crate::atomic;
use crate::document::{self, Read};
use crate::fault::from_io;
use crate::index::{Index, Site, in_order};
use crate::os::{Dir, Entry};

/// Below the folder of sidecars.
const SITES: &str = "sites";
/// The one file for all sites, which earlier versions kept. Its sites are moved once, by whoever changes the list next.
const OLD_LIST: &str = "index.json";
const OLD_LIST_LOCK: &str = "index";
const ENDING: &str = ".json";

impl TiledDirectory {
    pub(super) fn listed(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        let Some(about) = self.folder(ABOUT)? else { return Ok(Vec::new()) };
        // The old list first: a site that is being moved is then in one of them.
        let old: Index = self.peek_in(&about, OLD_LIST, OLD_LIST_LOCK)?;
        let mut sites = self.own_files(&about)?;
        for site in old.sites() {
            let key = |site: &Site| site.entry.as_ref().map(|entry| entry.key.clone());
            if !sites.iter().any(|known| key(known) == key(site)) {
                sites.push(site.clone());
            }
        }
        Ok(in_order(sites))
    }

    /// Puts a site first.
    pub(super) fn prefer(&self, entry: &SiteEntry) -> Result<(), StoreFault> {
        let state = self.made_state()?;
        self.move_old_list(&state)?;
        let name = Site::name(&entry.key);
        let guard = self.change(&state, &name)?;
        let dir = made_below(&made_below(&state, ABOUT)?, SITES)?;
        let mut site: Site = document::take(&dir, &file_name(&name))?;
        let listed = entries(&dir)?;
        let (newest, now) = (newest(&dir, &listed)?.max(site.preferred), SystemTime::now());
        let is_new = site.entry.is_none();
        site.prefer(entry, newest, now);
        guard.check()?;
        // After a crash the list may be as it was before: that is no harm, and so the folder is not waited for.
        document::write_soon(&dir, &file_name(&name), &site, &listed)?;
        let preferred = UNIX_EPOCH + Duration::from_micros(site.preferred);
        if preferred > now
            && let Some(spot) = dir.spot(&file_name(&name), false)?
        {
            // The clock was set back. Whoever is next looks at this time, and not into every file.
            let file = spot.open_in_place()?;
            drop(file.map(|file| file.set_modified(preferred)));
        }
        if is_new { synced(&dir) } else { Ok(()) }
    }

    /// Strikes a site off.
    pub(super) fn forget(&self, key: &Key) -> Result<(), StoreFault> {
        let Some(state) = self.state(false)? else { return Ok(()) };
        self.move_old_list(&state)?;
        let Some(dir) = state.below(&[ABOUT, SITES], false)? else { return Ok(()) };
        let name = Site::name(key);
        let guard = self.change(&state, &name)?;
        let Some(spot) = dir.spot(&file_name(&name), false)? else { return Ok(()) };
        // What nobody can read is kept aside.
        let _site: Site = document::take(&dir, &file_name(&name))?;
        guard.check()?;
        atomic::remove(&spot)
    }

    /// Gives every site of the old list a file of its own, and removes the list. Where this is cut short, the next one
    /// goes on. Nobody changes the list before this is done, so that nothing is brought back or put in a wrong order.
    fn move_old_list(&self, state: &Dir) -> Result<(), StoreFault> {
        let Some(about) = state.below(&[ABOUT], false)? else { return Ok(()) };
        match document::read::<Index>(&about, OLD_LIST)? {
            Read::Missing => return Ok(()),
            Read::Whole(old) if old.sites().is_empty() => return Ok(()),
            Read::Whole(_) | Read::Broken => {}
        }
        let guard = self.change(state, OLD_LIST_LOCK)?;
        let old: Index = document::take(&about, OLD_LIST)?;
        if old.sites().is_empty() {
            return Ok(());
        }
        let dir = made_below(&about, SITES)?;
        let listed = entries(&dir)?;
        for site in old.sites() {
            let Some(entry) = &site.entry else { continue };
            let name = file_name(&Site::name(&entry.key));
            if matches!(document::read::<Site>(&dir, &name)?, Read::Missing) {
                guard.check()?;
                document::write_soon(&dir, &name, site, &listed)?;
            }
        }
        synced(&dir)?;
        guard.check()?;
        match (old.rest(), about.spot(OLD_LIST, false)?) {
            (Some(rest), _) => document::write(&about, OLD_LIST, &rest),
            (None, Some(spot)) => atomic::remove(&spot),
            (None, None) => Ok(()),
        }
    }

    /// The sites that have a file. One that is broken is set aside if nobody is changing it.
    fn own_files(&self, about: &Dir) -> Result<Vec<Site>, StoreFault> {
        let Some(dir) = about.below(&[SITES], false)? else { return Ok(Vec::new()) };
        let mut sites = Vec::new();
        for entry in entries(&dir)? {
            let Some(name) = stem(&entry.name) else { continue };
            let site: Site = self.mended(&dir, &file_name(name), name, document::read_entry(&dir, &entry)?);
            // A copy under another name is not what is changed.
            if site.entry.as_ref().is_some_and(|entry| Site::name(&entry.key) == name) {
                sites.push(site);
            }
        }
        Ok(sites)
    }
}

fn entries(dir: &Dir) -> Result<Vec<Entry>, StoreFault> {
    dir.entries().map_err(|error| from_io(&error, dir.path()))
}

/// When a site was last preferred, in microseconds since 1970, as far as the times of the files tell. With a clock that
/// is not set back, it does not matter.
fn newest(dir: &Dir, listed: &[Entry]) -> Result<u64, StoreFault> {
    let mut newest = 0;
    for entry in listed.iter().filter(|entry| stem(&entry.name).is_some()) {
        let modified = dir.stamp_of(entry)?.and_then(|stamp| stamp.modified.duration_since(UNIX_EPOCH).ok());
        let micros = modified.and_then(|modified| u64::try_from(modified.as_micros()).ok());
        newest = newest.max(micros.unwrap_or_default());
    }
    Ok(newest)
}

fn synced(dir: &Dir) -> Result<(), StoreFault> {
    dir.sync().map_err(|error| from_io(&error, dir.path()))
}

fn file_name(name: &str) -> String {
    format!("{name}{ENDING}")
}

/// The name of a site whose file this may be.
fn stem(name: &OsString) -> Option<&str> {
    let stem = name.to_str()?.strip_suffix(ENDING)?;
    (stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(stem)
}

#[cfg(test)]
#[cfg(unix)]
#[path = "../tests/sites.rs"]
mod tests;
