use core::time::Duration;

/// How often a session that is being written is read again: 3.1 s in all, and a writer has 2 s.
const LOOKS: u8 = 5;
/// How long until the first of these reads; each later pause is twice the one before.
const PAUSE: Duration = Duration::from_millis(100);

/// The reads of a session that another program is writing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Looks(u8);

impl Looks {
    /// How long to wait for the writer before the next read; `None` after the last one.
    pub(super) fn next(&mut self) -> Option<Duration> {
        let pause = (self.0 < LOOKS).then(|| PAUSE * (1 << self.0))?;
        self.0 += 1;
        Some(pause)
    }

    /// Takes every read that is left; whether there was one.
    pub(super) fn take_rest(&mut self) -> bool {
        core::mem::replace(&mut self.0, LOOKS) < LOOKS
    }

    #[cfg(test)]
    pub(super) fn one_left() -> Self {
        Self(LOOKS - 1)
    }
}
