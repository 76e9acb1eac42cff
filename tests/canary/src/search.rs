//! Looking for secrets in bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::{Encoding, PIECE, planted};

/// A secret that was found. It is named, never repeated.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Found {
    /// How many bytes into what was searched.
    pub at: usize,
    /// Its name.
    pub secret: String,
    /// In which form.
    pub encoding: Encoding,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {}, at byte {}", self.secret, self.encoding, self.at)
    }
}

/// So many bytes of a stretch are looked up, ...
const MARK: usize = 8;
/// ... from here on: in a form with long units the first bytes say little.
const MARK_AT: usize = 4;
/// How many places the filter before the table has; a power of two.
const PLACES: usize = 1 << 20;

/// A search for some secrets, ready to be used on any text.
///
/// One pass: at every byte the eight next ones are looked up among those that stretches of secrets have there.
pub struct Search {
    secrets: Vec<(String, String)>,
    /// Every secret in every form.
    forms: Vec<Form>,
    /// Where the stretches with these eight bytes stand: which form, and how many bytes into it.
    marks: HashMap<u64, Vec<(u32, u32)>>,
    /// False where nothing that falls here is in the table.
    filter: Vec<bool>,
}

/// A secret in one form.
struct Form {
    secret: usize,
    encoding: Encoding,
    text: Vec<u8>,
    /// How long a stretch of it is.
    stretch: usize,
}

fn mark(stretch: &[u8]) -> Option<u64> {
    let bytes = stretch.get(MARK_AT..MARK_AT + MARK)?;
    Some(bytes.iter().fold(0, |mark, byte| mark << 8 | u64::from(*byte)))
}

fn place(mark: u64) -> usize {
    // Fibonacci hashing: the high bits of the product depend on all bits of the mark.
    let high = mark.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    usize::try_from(high).unwrap_or_default() % PLACES
}

impl Search {
    /// For these: names and secrets.
    pub fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut seen = BTreeSet::new();
        let secrets: Vec<_> = secrets
            .into_iter()
            .filter(|(_, secret)| secret.len() >= PIECE && seen.insert(secret.clone()))
            .collect();
        let mut search =
            Self { secrets, forms: Vec::new(), marks: HashMap::new(), filter: vec![false; PLACES] };
        for at in 0..search.secrets.len() {
            search.add(at);
        }
        search
    }

    /// For all that this process planted so far.
    pub fn of_planted() -> Self {
        Self::new(planted())
    }

    fn add(&mut self, at: usize) {
        let Some((_, secret)) = self.secrets.get(at) else { return };
        let forms: Vec<_> = Encoding::ALL
            .into_iter()
            .flat_map(|encoding| encoding.forms(secret).into_iter().map(move |text| (encoding, text)))
            .collect();
        for (encoding, text) in forms {
            let (unit, stretch) = encoding.stretch();
            // There are never that many.
            let form = u32::try_from(self.forms.len()).unwrap_or(u32::MAX);
            let text = text.into_bytes();
            for (from, window) in text.windows(stretch).enumerate().step_by(unit) {
                let (Some(mark), Ok(from)) = (mark(window), u32::try_from(from)) else { continue };
                if let Some(place) = self.filter.get_mut(place(mark)) {
                    *place = true;
                }
                self.marks.entry(mark).or_default().push((form, from));
            }
            self.forms.push(Form { secret: at, encoding, text, stretch });
        }
    }

    /// How many secrets are looked for.
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// True if there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// What is found: each secret in each form once, where it stands first. A secret that is there as a whole is not
    /// reported in pieces too.
    pub fn search(&self, bytes: &[u8]) -> Vec<Found> {
        let mut found = self.search_once(bytes);
        // What was escaped was perhaps escaped again: by `Debug`, by a list of arguments.
        let doubled = bytes.windows(2).any(|pair| pair == b"\\\\");
        if doubled {
            let text = String::from_utf8_lossy(bytes).replace("\\\\", "\\");
            let more = self.search_once(text.as_bytes());
            let known = |one: &Found| {
                found.iter().any(|two| (&one.secret, one.encoding) == (&two.secret, two.encoding))
            };
            let new: Vec<_> = more.into_iter().filter(|one| !known(one)).collect();
            found.extend(new);
        }
        found
    }

    fn search_once(&self, bytes: &[u8]) -> Vec<Found> {
        let mut first: BTreeMap<(usize, Encoding), usize> = BTreeMap::new();
        let mut next = bytes.iter().take(MARK - 1).fold(0, |mark: u64, byte| mark << 8 | u64::from(*byte));
        for (at, byte) in bytes.iter().enumerate().skip(MARK - 1) {
            next = next << 8 | u64::from(*byte);
            if self.filter.get(place(next)) != Some(&true) {
                continue;
            }
            let Some(start) = (at + 1).checked_sub(MARK_AT + MARK) else { continue };
            let rest = bytes.get(start..).unwrap_or_default();
            for (form, from) in self.marks.get(&next).into_iter().flatten() {
                let form = usize::try_from(*form).ok().and_then(|form| self.forms.get(form));
                let (Some(form), Ok(from)) = (form, usize::try_from(*from)) else { continue };
                let stretch = form.text.get(from..from + form.stretch);
                if stretch.is_some_and(|stretch| rest.starts_with(stretch)) {
                    first.entry((form.secret, form.encoding)).or_insert(start);
                }
            }
        }
        let mut found: Vec<Found> = first
            .into_iter()
            .filter_map(|((secret, encoding), at)| {
                let (name, secret) = self.secrets.get(secret)?;
                let whole = encoding == Encoding::Piece
                    && bytes.get(at..).is_some_and(|rest| rest.starts_with(secret.as_bytes()));
                Some(Found {
                    at,
                    secret: name.clone(),
                    encoding: if whole { Encoding::Raw } else { encoding },
                })
            })
            .collect();
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "q8Zk_Vw2-LmX0dRt5YbHc7NsEuJf1PgAoQi";

    fn search() -> Search {
        Search::new([("s".to_owned(), SECRET.to_owned())])
    }

    #[test]
    fn every_form_is_found_wherever_it_stands() {
        for encoding in Encoding::ALL {
            for (before, after) in
                [("", ""), ("{\"a\": \"", "\"}"), ("x", "y"), ("xx", "zz"), ("token=", "&b=c")]
            {
                let text = format!("{before}{}{after}", encoding.apply(SECRET));
                let found = search().search(text.as_bytes());
                assert_eq!(found.len(), 1, "{encoding} in {text}: {found:?}");
                assert_eq!((found[0].secret.as_str(), found[0].encoding), ("s", encoding), "{text}");
            }
        }
    }

    #[test]
    fn base64_is_found_at_every_offset_in_either_alphabet() {
        use base64::Engine as _;
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        for before in ["", "a", "ab", "abc", "abcd"] {
            for after in ["", "a", "ab"] {
                let bytes = format!("{before}{SECRET}{after}");
                for text in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
                    let found = search().search(text.as_bytes());
                    let offset = u8::try_from(before.len() % 3).unwrap();
                    assert!(
                        found.iter().any(|found| found.encoding == Encoding::Base64(offset)),
                        "{bytes}: {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_twelve_characters_are_found_and_eleven_are_not() {
        for from in 0..=SECRET.len() - PIECE {
            let piece = &SECRET[from..from + PIECE];
            let found = search().search(format!("<{piece}>").as_bytes());
            assert_eq!(
                found.iter().map(|found| found.encoding).collect::<Vec<_>>(),
                [Encoding::Piece],
                "{piece}"
            );
            assert!(search().search(&piece.as_bytes()[1..]).is_empty());
            let hex = Encoding::Hex.apply(piece).to_uppercase();
            assert_eq!(search().search(hex.as_bytes())[0].encoding, Encoding::Hex);
        }
    }

    #[test]
    fn what_is_found_is_named_and_not_repeated() {
        let found = search().search(SECRET.as_bytes());
        let shown = format!("{found:?} {}", found[0]);
        assert!(shown.contains("raw") && !shown.contains(&SECRET[..PIECE]), "{shown}");
    }

    #[test]
    fn short_secrets_are_not_looked_for() {
        assert!(Search::new([("x".to_owned(), "secret1".to_owned())]).is_empty());
        assert!(Search::new([]).search(b"anything").is_empty());
    }
}
