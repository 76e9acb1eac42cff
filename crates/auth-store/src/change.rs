//! Changing the files of one session, under their lock and only where nobody else has changed them meanwhile.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use auth_core::error::{StoreFault, StoreFaultKind};
use auth_core::ports::{Applied, Key, Replaces, Stored};
use auth_core::session::{Facts, Generation, Session, Tokens};
use auth_core::{Digest, Secret};

use crate::atomic::{self, Placed, Ready};
use crate::binding;
use crate::document;
use crate::fault::fault;
use crate::order::{self, Put};
use crate::os::{Dir, Spot};
use crate::roots::Roots;
use crate::sidecar::{Digests, Sidecar};
use crate::tokens::{Name, Snapshot};

/// How long a change waits for a program that writes in place, and how often it looks: longer than such a file counts as
/// being written.
const SETTLE_WAIT: Duration = Duration::from_millis(2_500);
const SETTLE_PAUSE: Duration = Duration::from_millis(50);
/// How often a change begins anew because another program wrote in the middle of it.
const ROUNDS: u32 = 4;
/// How many bytes must be free for a session to be saved: a few blocks.
const ROOM: u64 = 16 * 1024;

/// The files of one session, whose lock for changes is held.
pub(crate) struct Files<'a> {
    pub(crate) roots: &'a Roots,
    pub(crate) key: &'a Key,
    pub(crate) tokens: Dir,
    pub(crate) about: Dir,
    /// What the sidecar is called.
    pub(crate) name: String,
    /// Fails once the files may not be changed any more, because a lock was taken over.
    pub(crate) ready: Ready<'a>,
}

impl Files<'_> {
    /// Stores a session, if what is there may be replaced.
    ///
    /// The refresh token is durable first: from then on nothing is lost. Then comes what is known of the tokens, with the
    /// end of the intent, and the access token last.
    pub(crate) fn save(&self, session: &Session, replaces: Replaces) -> Result<Applied, StoreFault> {
        let new = &session.tokens;
        for round in 0..ROUNDS {
            let mut sidecar = document::take::<Sidecar>(&self.about, &self.name)?.of(self.key);
            let there = self.settled(&sidecar, |there| replaces.admits(there, new))?;
            let tokens = there.tokens();
            if !replaces.admits(some(&tokens), new) && !is_remains(&there, &sidecar, replaces) {
                return self.conflict(&there, &sidecar);
            }
            // Redeeming a refresh token changes nobody's identity, whether or not it is known.
            let same = matches!(replaces, Replaces::Redeemed(_))
                || is_same_person(&sidecar.facts(&tokens), &session.facts);
            sidecar.list(self.key, session, Digests::of(&tokens));
            sidecar.intent = None;
            // What cannot be written is refused before anything is changed.
            let facts = document::stage(&self.about, &self.name, &sidecar)?;
            self.keep_damaged(&there, false)?;
            let plan = order::of(new, !self.key.slot.is_empty(), same);
            let first = plan.iter().position(order::is_after_facts).unwrap_or(plan.len());
            let (before, after) = plan.split_at(first);
            // One that is explicit is done in the end, whoever writes at the same time.
            let insists = matches!(replaces, Replaces::Anything) && round + 1 == ROUNDS;
            let mut expected = Expected { tokens, insists };
            if self.put_all(before, &mut expected, atomic::clear)? {
                facts.replace_when(self.ready)?;
                if self.put_all(after, &mut expected, atomic::clear)? && self.is_as_expected(&expected)? {
                    return Ok(Applied::Done);
                }
                self.take_back(new)?;
            }
        }
        Err(fault(StoreFaultKind::Superseded, self.tokens.path()))
    }

    /// Removes a session if it is still this one.
    pub(crate) fn clear_if(&self, generation: Generation) -> Result<Applied, StoreFault> {
        let mut sidecar = document::take::<Sidecar>(&self.about, &self.name)?.of(self.key);
        let is_meant = |there: Option<&Tokens>| {
            there.is_some_and(|there| sidecar.matched(there.clone()).generation() == generation)
        };
        let there = self.settled(&sidecar, is_meant)?;
        let tokens = there.tokens();
        if !is_meant(some(&tokens)) {
            return self.conflict_if_any(&there, &sidecar);
        }
        self.keep_damaged(&there, true)?;
        let nothing = Tokens::default();
        let plan = order::of(&nothing, !self.key.slot.is_empty(), true);
        let mut expected = Expected { tokens, insists: false };
        if !self.put_all(&plan, &mut expected, atomic::remove)? {
            // What was removed so far is gone; what was written meanwhile is another program's.
            return self.conflict_if_any(&self.settled(&sidecar, |_| false)?, &sidecar);
        }
        atomic::sweep_all(&self.about, self.name.trim_end_matches("json"));
        if sidecar.clear() {
            document::write_when(&self.about, &self.name, &sidecar, self.ready)?;
        }
        Ok(Applied::Done)
    }

    /// Notes that a refresh token is about to be redeemed, if it is the one that is there. Fails where its successor could
    /// not be saved: a token that is not redeemed is not lost.
    pub(crate) fn intend(&self, redeeming: Digest) -> Result<Applied, StoreFault> {
        let mut sidecar = document::take::<Sidecar>(&self.about, &self.name)?.of(self.key);
        let is_meant = |there: Option<&Tokens>| {
            there.and_then(|there| there.refresh.as_ref()).is_some_and(|token| Digest::of(token) == redeeming)
        };
        let there = self.settled(&sidecar, is_meant)?;
        if !is_meant(some(&there.tokens())) {
            return self.conflict(&there, &sidecar);
        }
        if there.behind_links().is_empty() {
            self.tokens.check_room(ROOM)?;
        }
        sidecar.intent = Some(redeeming);
        document::write_when(&self.about, &self.name, &sidecar, self.ready)?;
        Ok(Applied::Done)
    }

    /// What is there once nobody who writes in place seems to be at it, or it is what is meant already.
    fn settled(
        &self,
        sidecar: &Sidecar,
        is_meant: impl Fn(Option<&Tokens>) -> bool,
    ) -> Result<Snapshot, StoreFault> {
        let started = Instant::now();
        loop {
            let there = Snapshot::read(&self.tokens, Name::all(self.key))?;
            let is_whole = is_meant(some(&there.tokens())) || there.is_settled(sidecar, SystemTime::now());
            if (is_whole && there.is_unchanged()?) || started.elapsed() >= SETTLE_WAIT {
                return Ok(there);
            }
            thread::sleep(SETTLE_PAUSE);
        }
    }

    /// What is there instead, if it belongs to this site.
    fn conflict(&self, there: &Snapshot, sidecar: &Sidecar) -> Result<Applied, StoreFault> {
        let about = || Ok(Some(self.about.clone()));
        binding::check(self.roots, self.key, there, (sidecar, &self.name), about)?;
        Ok(Applied::Conflict(stored(there.tokens(), sidecar).map(Box::new)))
    }

    /// The same for a removal, which is done where nothing is.
    fn conflict_if_any(&self, there: &Snapshot, sidecar: &Sidecar) -> Result<Applied, StoreFault> {
        let conflict = self.conflict(there, sidecar)?;
        Ok(if conflict == Applied::Conflict(None) { Applied::Done } else { conflict })
    }

    /// Makes changes one after the other; false if another program wrote meanwhile, and the rest was not made. `take_away`
    /// is what becomes of a file that is to hold no token.
    fn put_all(
        &self,
        puts: &[Put<'_>],
        expected: &mut Expected,
        take_away: impl Fn(&Spot) -> Result<(), StoreFault>,
    ) -> Result<bool, StoreFault> {
        for (name, token) in puts {
            let Some(spot) = self.tokens.spot(name.as_str(), token.is_some())? else { continue };
            let check = || self.is_as_expected(expected);
            let placed = match token {
                Some(token) => atomic::replace_if(&spot, token.expose().as_bytes(), check)?,
                None if check()? => {
                    take_away(&spot)?;
                    Placed::Done
                }
                None => Placed::Forestalled,
            };
            if placed == Placed::Forestalled {
                return Ok(false);
            }
            *slot_of(&mut expected.tokens, *name) = token.cloned();
        }
        Ok(true)
    }

    /// Removes an access token of ours that came to lie beside another program's refresh token, or beside none.
    fn take_back(&self, new: &Tokens) -> Result<(), StoreFault> {
        let there = Snapshot::read(&self.tokens, Name::all(self.key))?.tokens();
        let is_stray = there.access.is_some() && there.access == new.access && there.refresh != new.refresh;
        match self.tokens.spot(Name::Access.as_str(), false)? {
            Some(spot) if is_stray => atomic::clear(&spot),
            _ => Ok(()),
        }
    }

    /// Looked at just before each change of a file. What another program writes between this and the change is lost.
    fn is_as_expected(&self, expected: &Expected) -> Result<bool, StoreFault> {
        (self.ready)()?;
        if expected.insists {
            return Ok(true);
        }
        Ok(Snapshot::read(&self.tokens, Name::all(self.key))?.tokens() == expected.tokens)
    }

    /// Sets aside what nobody can read, so that it is not lost. What is behind a link is refused, or left where it is if
    /// it `stays`.
    fn keep_damaged(&self, there: &Snapshot, stays: bool) -> Result<(), StoreFault> {
        let site = self.name.trim_end_matches(".json");
        for (spot, name) in there.damaged().filter(|(spot, _)| !(stays && spot.is_behind_link())) {
            atomic::set_aside(spot, &self.about, &format!("{site}.{}", name.as_str()))?;
        }
        Ok(())
    }
}

/// What the files hold, unless another program writes.
struct Expected {
    tokens: Tokens,
    /// True if it does not matter.
    insists: bool,
}

fn slot_of(tokens: &mut Tokens, name: Name) -> &mut Option<Secret> {
    match name {
        Name::Access => &mut tokens.access,
        Name::Refresh => &mut tokens.refresh,
        Name::Id => &mut tokens.id,
        Name::Metadata => &mut tokens.metadata,
    }
}

/// True if this is what a program that died while it wrote in place left of the session that was redeemed: an empty
/// refresh token, beside the access token of that session or none. A sign-out removes the files.
fn is_remains(there: &Snapshot, sidecar: &Sidecar, replaces: Replaces) -> bool {
    let Replaces::Redeemed(redeemed) = replaces else { return false };
    let access = there.tokens().access;
    there.is_emptied(Name::Refresh)
        && access.is_none_or(|access| sidecar.pairs(redeemed, Digest::of(&access)))
}

fn some(tokens: &Tokens) -> Option<&Tokens> {
    (!tokens.is_empty()).then_some(tokens)
}

/// Tokens with what is known of them.
pub(crate) fn stored(tokens: Tokens, sidecar: &Sidecar) -> Option<Stored> {
    if tokens.is_empty() {
        return None;
    }
    let tokens = sidecar.matched(tokens);
    let session = Session { facts: sidecar.facts(&tokens), links: sidecar.links.clone(), tokens };
    // A peer may have replaced the token without knowing of the intent, which is over then.
    let refresh = session.tokens.refresh.as_ref().map(Digest::of);
    Some(Stored { session, intent: sidecar.intent.filter(|intent| refresh == Some(*intent)) })
}

/// True only if both are known and agree.
fn is_same_person(one: &Facts, other: &Facts) -> bool {
    match (&one.principal, &other.principal) {
        (Some(one), Some(other)) => one == other,
        _ => one.identity.is_some() && one.identity == other.identity,
    }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "tests/change.rs"]
mod tests;
