/// How often a request whose token was refused is made again with another one.
///
/// A token that was found may be as useless as the first one, so it is followed by one more. A token that was fetched for
/// this request is the last: a server that refuses everything costs one renewal and one question.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Refusals {
    others: u8,
    was_fetched: bool,
}

impl Refusals {
    /// Whether a refused request is made again with another token.
    pub fn allow_another(&self) -> bool {
        self.others < 2 && !self.was_fetched
    }

    /// The request is made again, with a token that was fetched for it, by a renewal or a sign-in, or else found.
    pub fn note(&mut self, is_fetched: bool) {
        self.others = self.others.saturating_add(1);
        self.was_fetched = is_fetched;
    }
}
