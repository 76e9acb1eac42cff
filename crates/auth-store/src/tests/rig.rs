//! A token directory in a folder of its own, and hands that write into it as others do.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use auth_core::ports::Key;

use crate::TiledDirectory;
use crate::index::Site;
use crate::samples::key;

/// Long enough ago for a file to count as written.
pub(crate) const SETTLED: Duration = Duration::from_secs(3);

pub(crate) struct Rig {
    temporary: tempfile::TempDir,
    pub(crate) store: TiledDirectory,
}

impl Rig {
    pub(crate) fn new() -> Self {
        // In memory where that can be had: these tests make thousands of changes durable.
        let temporary = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let store = TiledDirectory::new(temporary.path().join("cache"), temporary.path().join("state"));
        Self { temporary, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// The directory of the one site.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.store.token_directory(&key()).unwrap()
    }

    pub(crate) fn token(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.tokens().join(name)).ok()
    }

    /// Writes as the Python client does: parents by umask 022, the file 0600 at its first touch, in place, no newline.
    pub(crate) fn python_writes(&self, name: &str, token: &str, age: Duration) {
        DirBuilder::new().recursive(true).mode(0o755).create(self.tokens()).unwrap();
        let path = self.tokens().join(name);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(token.as_bytes()).unwrap();
        drop(file);
        make_older(&path, age);
        make_older(&self.tokens(), age);
    }

    pub(crate) fn sidecar(&self) -> PathBuf {
        let mut sidecars: Vec<_> = self
            .files()
            .into_iter()
            .filter(|path| path.starts_with("state/tiled") && path.extension().is_some_and(|e| e == "json"))
            .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("tiled")))
            .filter(|path| !path.ends_with("index.json"))
            .collect();
        assert_eq!(sidecars.len(), 1, "{sidecars:?}");
        self.temporary.path().join(sidecars.remove(0))
    }

    /// The file that a site is listed in.
    pub(crate) fn site(&self, key: &Key) -> PathBuf {
        self.path("state/tiled/sites").join(format!("{}.json", Site::name(key)))
    }

    /// Every file below, relative, in order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.temporary.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push(entry.path().strip_prefix(self.temporary.path()).unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }

    /// The contents of what was set aside, by name.
    pub(crate) fn set_aside(&self) -> Vec<(String, Vec<u8>)> {
        let kept = self.files().into_iter().filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let content = fs::read(self.temporary.path().join(&path)).unwrap();
            name.contains(".damaged-").then_some((name, content))
        });
        kept.collect()
    }
}

pub(crate) fn make_older(path: &Path, age: Duration) {
    File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}
