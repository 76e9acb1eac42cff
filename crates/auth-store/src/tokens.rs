//! The token files of the Python client (spec: Tiled, section 9): the bare text of a token each, written in place by
//! others, so that a reader may find one cut.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use auth_core::error::StoreFault;
use auth_core::ports::Key;
use auth_core::session::Tokens;
use auth_core::tiled::is_whole;
use auth_core::{Digest, Secret};

use crate::atomic::is_older;
use crate::os::{Dir, Spot, Stamp};
use crate::sidecar::{Digests, Sidecar};

/// Longer is no token.
const LONGEST: u64 = 64 * 1024;
/// A file that nobody has touched for so long is not being written.
const SETTLED: Duration = Duration::from_secs(2);

/// One of the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    Access,
    Refresh,
    Id,
    /// In slots only: that client has nothing of the kind.
    Metadata,
}

impl Name {
    /// Those of a session, those of the Python client in the order in which it writes them.
    pub(crate) fn all(key: &Key) -> &'static [Self] {
        const ALL: [Name; 4] = [Name::Refresh, Name::Access, Name::Id, Name::Metadata];
        let [shared @ .., _] = &ALL;
        if key.slot.is_empty() { shared } else { &ALL }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
            Self::Id => "id_token",
            Self::Metadata => "session_metadata",
        }
    }
}

/// What is in a file.
#[derive(Debug)]
enum Found {
    Missing,
    /// Nothing, or only white space.
    Empty,
    /// What no header can carry, or too much.
    Damaged,
    Token(Secret),
}

/// One file as it was read.
#[derive(Debug)]
struct TokenFile {
    name: Name,
    /// `None` if it is a link into a folder that is not there.
    spot: Option<Spot>,
    found: Found,
    stamp: Option<Stamp>,
}

impl TokenFile {
    fn read(dir: &Dir, name: Name) -> Result<Self, StoreFault> {
        let (spot, content) = dir.read(name.as_str(), LONGEST)?;
        let stamp = content.as_ref().map(|content| content.stamp);
        let found = content.map_or(Found::Missing, |content| understand(content.bytes));
        Ok(Self { name, spot, found, stamp })
    }

    fn is_unchanged(&self) -> Result<bool, StoreFault> {
        let now = self.spot.as_ref().map(Spot::stamp).transpose()?.flatten();
        Ok(now == self.stamp)
    }

    fn token(&self) -> Option<&Secret> {
        match &self.found {
            Found::Token(token) => Some(token),
            Found::Missing | Found::Empty | Found::Damaged => None,
        }
    }

    /// False if this may be half of what somebody is writing.
    fn is_whole(&self, sidecar: &Sidecar, now: SystemTime) -> bool {
        self.is_known(sidecar) || self.has_rested(now) || self.token().is_some_and(is_whole)
    }

    fn is_known(&self, sidecar: &Sidecar) -> bool {
        self.token().is_some_and(|token| sidecar.knows(Digest::of(token)))
    }

    fn has_rested(&self, now: SystemTime) -> bool {
        self.stamp.is_none_or(|stamp| is_older(stamp.modified, SETTLED, now))
    }
}

fn understand(bytes: Vec<u8>) -> Found {
    let too_long = u64::try_from(bytes.len()).map_or(true, |length| length > LONGEST);
    match Secret::from_utf8(bytes) {
        None => Found::Damaged,
        Some(_) if too_long => Found::Damaged,
        Some(text) => match text.expose().trim_ascii() {
            "" => Found::Empty,
            token if !is_sendable(token) => Found::Damaged,
            token if token.len() == text.len() => Found::Token(text),
            token => Found::Token(Secret::from(token)),
        },
    }
}

/// True if a file can keep it: it is read back as it is.
pub(crate) fn can_be_kept(token: &Secret) -> bool {
    let text = token.expose();
    let fits = u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST);
    fits && is_sendable(text) && text.trim_ascii() == text
}

fn is_sendable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The token directory at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    files: Vec<TokenFile>,
    /// When something was last made, renamed or removed in the directory.
    modified: SystemTime,
}

impl Snapshot {
    pub(crate) fn read(dir: &Dir, names: &[Name]) -> Result<Self, StoreFault> {
        let files = names.iter().map(|name| TokenFile::read(dir, *name)).collect::<Result<_, _>>()?;
        Ok(Self { files, modified: dir.modified()? })
    }

    /// True if nothing has changed since, so that all of it was there at the same time.
    pub(crate) fn is_unchanged(&self) -> Result<bool, StoreFault> {
        for file in &self.files {
            if !file.is_unchanged()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn tokens(&self) -> Tokens {
        let token = |name| self.files.iter().find(|file| file.name == name)?.token().cloned();
        Tokens {
            access: token(Name::Access),
            refresh: token(Name::Refresh),
            id: token(Name::Id),
            metadata: token(Name::Metadata),
        }
    }

    /// The tokens that go to a server and that this sidecar does not list, each with its file.
    pub(crate) fn unlisted(&self, sidecar: &Sidecar) -> Vec<(Digest, PathBuf)> {
        let sent = self.files.iter().filter(|file| matches!(file.name, Name::Access | Name::Refresh));
        let unlisted = sent.filter_map(|file| Some((Digest::of(file.token()?), file.spot.as_ref()?.path())));
        unlisted.filter(|(digest, _)| !sidecar.knows(*digest)).collect()
    }

    /// The first folder in which another user could put something else in the place of one of the files.
    pub(crate) fn exposed(&self) -> Option<&Path> {
        self.files.iter().find_map(|file| file.spot.as_ref()?.dir().exposed())
    }

    /// The files outside of the directory that its files are links to, those that are empty left out.
    pub(crate) fn behind_links(&self) -> Vec<PathBuf> {
        let held = self.files.iter().filter(|file| file.stamp.is_some_and(|stamp| stamp.size > 0));
        let spots = held.filter_map(|file| file.spot.as_ref());
        spots.filter(|spot| spot.is_behind_link()).map(Spot::path).collect()
    }

    /// False if somebody who writes in place seems to be at it.
    pub(crate) fn is_settled(&self, sidecar: &Sidecar, now: SystemTime) -> bool {
        let tokens = Digests::of(&self.tokens());
        // The Python client removes an access token that was refused, and then redeems the refresh token.
        let being_renewed = tokens.access.is_none()
            && tokens.refresh.is_some()
            && !sidecar.lists(tokens)
            && !is_older(self.modified, SETTLED, now);
        !being_renewed
            && !self.is_being_saved(sidecar, now)
            && !self.is_half_a_pair(sidecar, now)
            && self.files.iter().all(|file| file.is_whole(sidecar, now))
    }

    /// True if the refresh token is one that its redeemer has just written: what is known of it comes next, and then the
    /// access token.
    fn is_being_saved(&self, sidecar: &Sidecar, now: SystemTime) -> bool {
        let refresh = self.files.iter().find(|file| file.name == Name::Refresh);
        let is_successor = |file: &&TokenFile| {
            let digest = file.token().map(Digest::of);
            sidecar.intent.is_some() && digest.is_some() && digest != sidecar.intent
        };
        refresh.filter(is_successor).is_some_and(|file| !file.is_known(sidecar) && !file.has_rested(now))
    }

    /// True if a stranger has just written a refresh token, and the access token that comes with it is yet to follow.
    fn is_half_a_pair(&self, sidecar: &Sidecar, now: SystemTime) -> bool {
        let file = |name| self.files.iter().find(|file| file.name == name);
        let (Some(refresh), Some(access)) = (file(Name::Refresh), file(Name::Access)) else { return false };
        let follows = |stamp: Stamp| access.stamp.is_some_and(|access| access.modified >= stamp.modified);
        refresh.stamp.is_some_and(|stamp| !follows(stamp))
            && !refresh.is_known(sidecar)
            && !refresh.has_rested(now)
    }

    /// True if this file is there and holds nothing.
    pub(crate) fn is_emptied(&self, name: Name) -> bool {
        self.files.iter().any(|file| file.name == name && matches!(file.found, Found::Empty))
    }

    /// The files that nobody can read.
    pub(crate) fn damaged(&self) -> impl Iterator<Item = (&Spot, Name)> {
        let damaged = self.files.iter().filter(|file| matches!(file.found, Found::Damaged));
        damaged.filter_map(|file| Some((file.spot.as_ref()?, file.name)))
    }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/tokens.rs"]
mod tests;
