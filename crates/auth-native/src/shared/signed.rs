use auth_core::flow::{LoginOptions, Outcome, SignedIn};
use auth_core::session::Session;

use super::Shared;
use crate::Error;

/// What came of a sign-in that callers share.
#[derive(Clone)]
pub(super) struct Signed<E> {
    /// How it was wanted.
    pub(super) options: LoginOptions,
    /// The session, and where it is kept.
    pub(super) result: Result<(Shared<E>, Outcome<SignedIn>), Error>,
}

impl<E> Signed<E> {
    /// Whether this is what a caller would have got who wants to sign in like this, in place of a session that is over.
    ///
    /// An explicit sign-in takes only what was wanted in the same way. Any other takes the session of the user whom it
    /// names. What a user has just given serves all who want it, even where it is the token that was refused before.
    pub(super) fn serves(&self, wanted: &LoginOptions, over: Option<&Session>) -> bool {
        let is_same = self.options == *wanted;
        let Ok((_, Outcome { value: SignedIn { session, reused, .. }, .. })) = &self.result else {
            return is_same;
        };
        let is_refused = *reused && over.is_some_and(|over| over.tokens.access == session.tokens.access);
        !is_refused
            && (is_same || (wanted.reuse && !session.tokens.is_empty() && self.is_of(session, wanted)))
    }

    fn is_of(&self, session: &Session, wanted: &LoginOptions) -> bool {
        let identity = session.facts.identity.as_ref();
        let user = identity.map(|identity| &identity.id).or(self.options.username.as_ref());
        let provider = identity.map(|identity| &identity.provider).or(self.options.provider.as_ref());
        let is_theirs = |wanted: Option<&_>, got| wanted.is_none() || wanted == got;
        is_theirs(wanted.username.as_ref(), user) && is_theirs(wanted.provider.as_ref(), provider)
    }
}
