//! The profiles of Tiled's Python client: names for servers, in files that people write (spec: Tiled, section 18).

mod bounds;
mod content;
mod file;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use auth_core::Foreign;
use directories::BaseDirs;

pub use content::Profile;

/// What replaces the folders of the machine.
const SITE: &str = "TILED_SITE_PROFILES";
/// What replaces the folders of the user.
const USER: &str = "TILED_PROFILES";

/// The folders that profiles are looked for in.
///
/// The folder of a Python installation, which that client looks into as well, is not among them: there is none here.
///
/// ```
/// use auth_store::Profiles;
/// let folder = std::env::temp_dir().join("auth-store-profiles-example");
/// std::fs::create_dir_all(&folder)?;
/// std::fs::write(folder.join("lab.yml"), "lab: {uri: 'https://tiled.example.org', timeout: {read: 60}}")?;
/// let found = Profiles::new([folder]).load();
/// let profile = found.get("lab")?;
/// assert_eq!(profile.uri.expose(), "https://tiled.example.org");
/// assert_eq!(profile.ignored, ["timeout".into()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profiles {
    search: Vec<PathBuf>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct ProfileList {
    /// By name; of two folders the later one counts.
    pub profiles: BTreeMap<String, Profile>,
    /// What was left out, and why, a line each.
    pub warnings: Vec<Foreign>,
}

impl ProfileList {
    /// The profile of a name.
    pub fn get(&self, name: &str) -> Result<&Profile, ProfileError> {
        match self.profiles.get(name) {
            Some(profile) if profile.is_direct => Err(ProfileError::Direct(Foreign::from(name))),
            Some(profile) => Ok(profile),
            None => Err(ProfileError::Unknown {
                name: Foreign::from(name),
                known_names: self.profiles.keys().cloned().map(Foreign::new).collect(),
            }),
        }
    }
}

/// Why there is no such profile.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// No file defines it.
    #[error("there is no profile {name:?}{}", known(known_names))]
    Unknown {
        /// What was asked for.
        name: Foreign,
        /// What there is.
        known_names: Vec<Foreign>,
    },
    /// It names something inside a Python process, and no server.
    #[error("the profile {0:?} is for a tree inside a Python program, and names no server")]
    Direct(Foreign),
}

fn known(names: &[Foreign]) -> String {
    if names.is_empty() {
        return "; there are none".to_owned();
    }
    format!("; there are: {}", names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

impl Profiles {
    /// The folders that the environment names, as the Python client finds them: the machine's, then the user's.
    pub fn from_env() -> Self {
        let given = |name| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let site = given(SITE).map_or_else(site_folders, |folder| vec![folder]);
        let user = given(USER).map_or_else(user_folders, |folder| vec![folder]);
        Self::new(site.into_iter().chain(user))
    }

    /// These folders; of two profiles of one name the one in the later folder counts.
    pub fn new(search: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in search {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Self { search: folders }
    }

    /// Reads all there are. A file that cannot be read is left out, with a warning.
    pub fn load(&self) -> ProfileList {
        let mut list = ProfileList::default();
        for folder in &self.search {
            let found = Self::load_folder(folder, &mut list.warnings);
            list.profiles.extend(found);
        }
        list
    }

    fn load_folder(folder: &Path, warnings: &mut Vec<Foreign>) -> BTreeMap<String, Profile> {
        let mut found: BTreeMap<String, Profile> = BTreeMap::new();
        let mut twice = Vec::new();
        for file in files(folder) {
            let of_file = match read(&file) {
                Ok(profiles) => profiles,
                Err(why) => {
                    warnings.push(Foreign::new(format!("{} is left out: {why}", file.display())));
                    continue;
                }
            };
            for (name, profile) in of_file {
                if found.insert(name.clone(), profile).is_some() {
                    twice.push(name);
                }
            }
        }
        for name in twice {
            if found.remove(&name).is_some() {
                let place = folder.display();
                warnings
                    .push(Foreign::new(format!("the profile {name:?} is in {place} twice, and left out")));
            }
        }
        found
    }

    /// The name of the profile that is meant where none is named, if somebody has chosen one.
    pub fn default_name(&self) -> Option<String> {
        let file = self.search.last()?.parent()?.join("default_profile");
        let name = file::read(&file).ok()?;
        // The Python client would not find a name with a line end.
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }
}

fn site_folders() -> Vec<PathBuf> {
    let first = env::var("XDG_CONFIG_DIRS").ok().and_then(|list| list.split(':').next().map(str::to_owned));
    let shared = first.filter(|folder| !folder.is_empty()).unwrap_or_else(|| "/etc/xdg".to_owned());
    vec!["/etc/tiled/profiles".into(), Path::new(&shared).join("tiled/profiles")]
}

fn user_folders() -> Vec<PathBuf> {
    let Some(dirs) = BaseDirs::new() else { return Vec::new() };
    vec![dirs.home_dir().join(".config/tiled/profiles"), dirs.config_dir().join("tiled/profiles")]
}

/// The files of a folder that may hold profiles, by name. A folder that is not there has none.
fn files(folder: &Path) -> Vec<PathBuf> {
    let is_profile = |path: &PathBuf| {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        !is_hidden && path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml")
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> = entries.filter(is_profile).collect();
    files.sort();
    files
}

fn read(file: &Path) -> Result<BTreeMap<String, Profile>, String> {
    content::read(&file::read(file)?)
}

#[cfg(test)]
#[path = "tests/profiles.rs"]
mod tests;
