//! Which folders, and what things are called in them.

use std::env;
use std::path::{Path, PathBuf};

use auth_core::Digest;
use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::Key;
use directories::{BaseDirs, ProjectDirs};

use crate::fault::{fault, other};
use crate::os;

/// The folder of the Python client's caches, used as it is (spec: Tiled, section 9).
const CACHE: &str = "TILED_CACHE_DIR";
/// The folder of what we keep beside it, used as it is.
const STATE: &str = "AUTHCTL_STATE_DIR";
/// What the Python client names as author of its folder; only Windows shows it.
const AUTHOR: &str = if cfg!(windows) { "tiled" } else { "" };

/// The folders that the environment names.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    pub(crate) cache: PathBuf,
    pub(crate) state: PathBuf,
}

impl Roots {
    pub(crate) fn new(cache: PathBuf, state: PathBuf) -> Self {
        // A program may change its working directory; what it meant is where it was. Only an empty path has no
        // absolute form, and that names nothing in either.
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Self { cache: absolute(cache), state: absolute(state) }
    }

    pub(crate) fn from_env() -> Result<Self, StoreFault> {
        let cache = match given(CACHE) {
            Some(path) => path,
            None => own(ProjectDirs::from("", AUTHOR, "tiled").map(|dirs| dirs.cache_dir().to_owned()))?,
        };
        let state = match given(STATE) {
            Some(path) => path,
            None => own(ProjectDirs::from("", "", "auth-native")
                .map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned()))?,
        };
        Ok(Self::new(cache, state))
    }

    /// The same for all who mean this folder, whatever they call it: two folders share neither facts nor locks.
    fn cache_name(&self) -> String {
        // What is not there yet holds no links, so its name stays the same once it is.
        let found = self.cache.ancestors().find_map(|known| Some((known, known.canonicalize().ok()?)));
        let path = match found {
            Some((known, mut path)) => {
                path.extend(self.cache.strip_prefix(known).unwrap_or(Path::new("")));
                path
            }
            None => self.cache.clone(),
        };
        path.to_string_lossy().into_owned()
    }

    /// What something of ours about a session is called.
    pub(crate) fn name_of(&self, what: &str, key: &Key) -> Digest {
        let [name] = self.names_of([what], key);
        name
    }

    /// Like [`name_of`](Self::name_of), for several names. It resolves the cache folder only once.
    pub(crate) fn names_of<const N: usize>(&self, what: [&str; N], key: &Key) -> [Digest; N] {
        let cache = self.cache_name();
        what.map(|what| Digest::of_parts(&[Some(what), Some(&cache), Some(&key.site), Some(&key.slot)]))
    }
}

fn given(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// A folder that follows from the home directory, which must be there and ours, unless the folder is elsewhere.
fn own(path: Option<PathBuf>) -> Result<PathBuf, StoreFault> {
    let nowhere = || fault(StoreFaultKind::NoHome, Path::new(""));
    let (path, home) = (path.ok_or_else(nowhere)?, BaseDirs::new().ok_or_else(nowhere)?);
    let home = home.home_dir();
    if !path.is_absolute() {
        return Err(nowhere());
    }
    if path.starts_with(home) {
        os::check_home(home)?;
    }
    Ok(path)
}

/// The name of a site's token directory: Python's `quote_plus` of its API address (spec: Tiled, section 9).
pub(crate) fn directory_name(site: &str, within: &Path) -> Result<String, StoreFault> {
    let name = quote_plus(site);
    // No address is quoted to one of these; any other name stays inside the folder.
    if matches!(name.as_str(), "" | "." | "..") {
        return Err(other("not the address of a site", &within.join(name)));
    }
    Ok(name)
}

fn quote_plus(text: &str) -> String {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let mut out = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
                out.extend(['%', char::from(high), char::from(low)]);
            }
        }
    }
    out
}

#[cfg(test)]
#[path = "tests/roots.rs"]
mod tests;
