//! Looking for secrets in files.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Found, Search};

/// A secret in a file, or in its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leak {
    /// Where; if the name is what leaks, the folder.
    pub path: PathBuf,
    /// What: of the name, of where a link leads, or of the content.
    pub of: &'static str,
    /// Which secret.
    pub found: Found,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.of, self.path.display(), self.found)
    }
}

/// Searches a file, or a folder and everything below it, but for what is `allowed` to hold secrets: names, where links
/// lead, contents. Sockets and devices have names only.
pub fn sweep(path: &Path, search: &Search, allowed: &dyn Fn(&Path) -> bool) -> io::Result<Vec<Leak>> {
    let mut leaks = Vec::new();
    let mut rest = vec![path.to_owned()];
    while let Some(path) = rest.pop() {
        let meta = match fs::symlink_metadata(&path) {
            // Whoever is still there may remove what they made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        if let (Some(name), Some(folder)) = (path.file_name(), path.parent()) {
            let found = search.search(name.as_encoded_bytes());
            leaks.extend(found.into_iter().map(|found| Leak {
                path: folder.to_owned(),
                of: "a name in",
                found,
            }));
        }
        if meta.is_symlink() {
            let found = search.search(fs::read_link(&path)?.as_os_str().as_encoded_bytes());
            leaks.extend(found.into_iter().map(|found| Leak { path: path.clone(), of: "the link", found }));
        } else if meta.is_dir() {
            for entry in fs::read_dir(&path)? {
                rest.push(entry?.path());
            }
        } else if meta.is_file() && !allowed(&path) {
            let found = search.search(&fs::read(&path)?);
            leaks.extend(found.into_iter().map(|found| Leak { path: path.clone(), of: "the file", found }));
        }
    }
    leaks.sort_by(|a, b| (&a.path, a.of, &a.found).cmp(&(&b.path, b.of, &b.found)));
    Ok(leaks)
}
