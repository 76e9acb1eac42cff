//! Who has an account, and which sessions are open.

use core::fmt;

use auth_core::Digest;
use auth_core::time::Timestamp;

/// A version 4 UUID (RFC 9562).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Uuid([u8; 16]);

impl Uuid {
    /// From random bytes.
    pub(super) fn new(random: [u8; 32]) -> Self {
        let mut bytes = [0; 16];
        for (slot, byte) in bytes.iter_mut().zip(random) {
            *slot = byte;
        }
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// With dashes or without.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// Without dashes, as tokens name it.
    pub(super) fn hex(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

/// With dashes, as whoami names it.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// One account: an identity at a provider.
#[derive(Clone, Debug)]
pub(super) struct Principal {
    pub(super) uuid: Uuid,
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) latest_login: Timestamp,
    pub(super) latest_activity: Timestamp,
}

/// What began with a sign-in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) uuid: Uuid,
    pub(super) principal: Uuid,
    pub(super) expires: Timestamp,
    pub(super) revoked: bool,
    /// The refresh token issued last.
    pub(super) newest: Digest,
}

/// The site's database.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    principals: Vec<Principal>,
    sessions: Vec<Session>,
}

impl Accounts {
    pub(super) fn principal(&self, uuid: Uuid) -> Option<&Principal> {
        self.principals.iter().find(|principal| principal.uuid == uuid)
    }

    pub(super) fn principal_mut(&mut self, uuid: Uuid) -> Option<&mut Principal> {
        self.principals.iter_mut().find(|principal| principal.uuid == uuid)
    }

    /// The account of an identity, made if it is new, signed in to now.
    pub(super) fn sign_in(&mut self, id: &str, provider: &str, fresh: Uuid, now: Timestamp) -> Principal {
        let known = self.principals.iter_mut().find(|p| p.id == id && p.provider == provider);
        if let Some(principal) = known {
            principal.latest_login = now;
            principal.latest_activity = now;
            return principal.clone();
        }
        let principal = Principal {
            uuid: fresh,
            id: id.to_owned(),
            provider: provider.to_owned(),
            latest_login: now,
            latest_activity: now,
        };
        self.principals.push(principal.clone());
        principal
    }

    /// Removes every account of a name, and its sessions.
    pub(super) fn forget(&mut self, id: &str) {
        let Self { principals, sessions } = self;
        principals.retain(|principal| principal.id != id);
        sessions.retain(|session| principals.iter().any(|principal| principal.uuid == session.principal));
    }

    pub(super) fn open(&mut self, session: Session) {
        self.sessions.push(session);
    }

    /// A session that is not past its end; it may be revoked.
    pub(super) fn session_mut(&mut self, uuid: Uuid, now: Timestamp) -> Option<&mut Session> {
        self.purge(now);
        self.sessions.iter_mut().find(|session| session.uuid == uuid)
    }

    /// The sessions of an account that are not past their end, the oldest first.
    pub(super) fn sessions_of(&mut self, principal: Uuid, now: Timestamp) -> Vec<&Session> {
        self.purge(now);
        self.sessions.iter().filter(|session| session.principal == principal).collect()
    }

    fn purge(&mut self, now: Timestamp) {
        self.sessions.retain(|session| session.expires >= now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_with_and_without_dashes_and_read_both_ways() {
        let uuid = Uuid::new([0xff; 32]);
        assert_eq!(uuid.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid.hex(), "ffffffffffff4fffbfffffffffffffff");
        assert_eq!((Uuid::parse(&uuid.to_string()), Uuid::parse(&uuid.hex())), (Some(uuid), Some(uuid)));
        for wrong in ["", "xx", "ffffffffffff4fffbffffffffffffff", "+fffffffffff4fffbfffffffffffffff", "é"] {
            assert_eq!(Uuid::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_identity_is_one_account_per_provider() {
        let mut accounts = Accounts::default();
        let mut at = 0;
        let mut uuid_of = |id: &str, provider: &str| {
            at += 1;
            accounts.sign_in(id, provider, Uuid::new([at; 32]), Timestamp(0)).uuid
        };
        let first = uuid_of("alice", "a");
        assert_eq!(uuid_of("alice", "a"), first);
        assert_ne!(uuid_of("alice", "b"), first);
        assert_ne!(uuid_of("bob", "a"), first);
    }
}
