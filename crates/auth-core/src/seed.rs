//! Chance, as an argument.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::time::Duration;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Thirty-two bytes from the machine's random source, handed to a flow when it is made.
///
/// A flow derives from it whatever must not be guessed or must differ between processes, so that the same seed gives
/// the same conversation again.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// Takes fresh random bytes. Bytes used before make `state`, `nonce` and verifiers guessable.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Thirty-two bytes that differ for every use and attempt, and tell nothing of each other.
    pub fn derive(&self, usage: &str, attempt: u32) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(*self.0);
        hash.update(attempt.to_be_bytes());
        hash.update(usage.as_bytes());
        hash.finalize().into()
    }

    /// A length below `bound`, to keep processes from acting in step.
    pub fn jitter(&self, usage: &str, attempt: u32, bound: Duration) -> Duration {
        let [a, b, c, d, ..] = self.derive(usage, attempt);
        let millis = (u128::from(u32::from_be_bytes([a, b, c, d])) * bound.as_millis()) >> 32;
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

impl Hash for Seed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_slice().hash(state);
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_and_attempts_do_not_repeat_and_the_same_ones_do() {
        let seed = Seed::new([7; 32]);
        assert_eq!(seed.derive("state", 1), seed.derive("state", 1));
        let all = [seed.derive("state", 1), seed.derive("state", 2), seed.derive("nonce", 1)];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
        assert_ne!(seed.derive("state", 1), Seed::new([8; 32]).derive("state", 1));
    }

    #[test]
    fn jitter_stays_below_its_bound() {
        let seed = Seed::new([7; 32]);
        for attempt in 0..1_000 {
            assert!(seed.jitter("x", attempt, Duration::from_millis(10)) < Duration::from_millis(10));
        }
        assert_eq!(seed.jitter("x", 0, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_seed_is_not_printed() {
        assert_eq!(format!("{:?}", Seed::new([1; 32])), "Seed(***)");
    }
}
