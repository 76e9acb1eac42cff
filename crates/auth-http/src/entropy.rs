//! Chance.

use std::fmt;

use auth_core::Seed;

/// The machine's random source gives nothing, so nothing that must not be guessed can be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the machine's random source gives nothing")
    }
}

impl std::error::Error for NoEntropy {}

/// Fresh chance for one flow, from the machine's random source.
pub fn seed() -> Result<Seed, NoEntropy> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| NoEntropy)?;
    Ok(Seed::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_seeds_are_the_same() {
        let seeds: Vec<_> = (0..100).map(|_| seed().unwrap()).collect();
        for (i, seed) in seeds.iter().enumerate() {
            assert!(!seeds[..i].contains(seed));
            assert_ne!(*seed, Seed::new([0; 32]));
        }
    }
}
