//! Whether the tokens in a directory belong to the site that the directory is named after.
//!
//! A token says nothing of its site. Who can rename directories can put the tokens of one site where those of another
//! are looked for. The sidecars say to which site each token belongs that one of us saved.

use std::path::{Path, PathBuf};

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::Key;
use auth_core::{Digest, Foreign};

use crate::atomic;
use crate::document::{self, Read};
use crate::fault::fault;
use crate::os::Dir;
use crate::roots::Roots;
use crate::sidecar::Sidecar;
use crate::tokens::Snapshot;

const ENDING: &str = ".json";

/// Refuses tokens that the sidecar of another site lists. Where another user could have put a folder in the place of
/// one of ours, it also refuses tokens that this site's sidecar does not list.
///
/// `about` opens the folder of the sidecars. It is called only if this site's sidecar does not list all tokens.
pub(crate) fn check(
    roots: &Roots,
    key: &Key,
    there: &Snapshot,
    (sidecar, name): (&Sidecar, &str),
    about: impl FnOnce() -> Result<Option<Dir>, StoreFault>,
) -> Result<(), StoreFault> {
    let unlisted = there.unlisted(sidecar);
    if unlisted.is_empty() {
        return Ok(());
    }
    let about = about()?;
    if let Some(about) = &about {
        check_others(about, key, &unlisted)?;
    }
    let exposed = match there.exposed() {
        Some(path) => Some(path.to_owned()),
        None => exposed_parent(roots)?,
    };
    match exposed {
        Some(_) if about.is_some_and(|about| is_staged(&about, key, name, &unlisted)) => Ok(()),
        Some(path) => Err(fault(StoreFaultKind::Unbound, &path)),
        None => Ok(()),
    }
}

/// True if a sidecar lists these tokens whose writer died before it put it in its place.
fn is_staged(about: &Dir, key: &Key, name: &str, unlisted: &[(Digest, PathBuf)]) -> bool {
    let staged = atomic::staged(about, name).into_iter().filter_map(|staged| {
        match document::read::<Sidecar>(about, &staged) {
            Ok(Read::Whole(sidecar)) => Some(sidecar.of(key)),
            _ => None,
        }
    });
    staged.into_iter().any(|sidecar| unlisted.iter().all(|(digest, _)| sidecar.knows(*digest)))
}

/// The first folder above ours in which another user could put another folder in the place of ours.
pub(crate) fn exposed_parent(roots: &Roots) -> Result<Option<PathBuf>, StoreFault> {
    Ok(match Dir::exposed_above(&roots.cache)? {
        Some(path) => Some(path),
        None => Dir::exposed_above(&roots.state)?,
    })
}

fn check_others(about: &Dir, key: &Key, unlisted: &[(Digest, PathBuf)]) -> Result<(), StoreFault> {
    let names = about.names().map_err(|error| crate::fault::from_io(&error, about.path()))?;
    for name in names.iter().filter_map(|name| name.to_str()).filter(|name| is_sidecar(name)) {
        let Read::Whole(sidecar) = document::read::<Sidecar>(about, name)? else { continue };
        let Some(site) = sidecar.site().filter(|site| *site != key.site) else { continue };
        if let Some((_, path)) = unlisted.iter().find(|(digest, _)| lists(&sidecar, *digest)) {
            return Err(of_another(site, path));
        }
    }
    Ok(())
}

fn is_sidecar(name: &str) -> bool {
    name.strip_suffix(ENDING).is_some_and(|name| Digest::from_hex(name).is_some())
}

fn lists(sidecar: &Sidecar, digest: Digest) -> bool {
    sidecar.knew(digest) || sidecar.intent == Some(digest)
}

fn of_another(site: &str, path: &Path) -> StoreFault {
    fault(StoreFaultKind::OtherSite(Foreign::new(site)), path)
}
