//! The far end: a store in another process, which does what it is told line by line.

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use auth_core::error::StoreFault;
use auth_core::ports::{Change, Loaded, LockKind, Locking, Store};

use super::sample;
use super::trial::LONG;

/// What every line of an answer begins with, so that it is found between lines of others.
pub(super) const ANSWER: &str = "contract: ";
/// How long a series of saves goes on if nobody ends it.
const LONGEST_SERIES: Duration = Duration::from_mins(1);

/// One order, a line each. What is saved follows from the numbers, so no token is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Load {
        key: u64,
    },
    Save {
        key: u64,
        number: u64,
    },
    /// Saves so many sessions, each with the next number, and answers `begun` after the first.
    Series {
        key: u64,
        first: u64,
        count: u64,
    },
    Intend {
        key: u64,
        number: u64,
    },
    /// Puts so many sites first, one after the other.
    Prefer {
        first: u64,
        count: u64,
    },
    /// Takes the renewal lock so often, and each time saves the session after the one that is there.
    Count {
        key: u64,
        times: u64,
    },
    Lock {
        kind: LockKind,
        key: u64,
        millis: u64,
    },
    Unlock,
}

impl Order {
    pub(super) fn line(self) -> String {
        match self {
            Self::Load { key } => format!("load {key}"),
            Self::Save { key, number } => format!("save {key} {number}"),
            Self::Series { key, first, count } => format!("series {key} {first} {count}"),
            Self::Intend { key, number } => format!("intend {key} {number}"),
            Self::Prefer { first, count } => format!("prefer {first} {count}"),
            Self::Count { key, times } => format!("count {key} {times}"),
            Self::Lock { kind: LockKind::Renewal, key, millis } => format!("renewal {key} {millis}"),
            Self::Lock { kind: LockKind::Prompt, key, millis } => format!("prompt {key} {millis}"),
            Self::Unlock => "unlock".to_owned(),
        }
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let name = words.next()?;
        let numbers = words.map(|word| word.parse().ok()).collect::<Option<Vec<u64>>>()?;
        Some(match (name, numbers.as_slice()) {
            ("load", &[key]) => Self::Load { key },
            ("save", &[key, number]) => Self::Save { key, number },
            ("series", &[key, first, count]) => Self::Series { key, first, count },
            ("intend", &[key, number]) => Self::Intend { key, number },
            ("prefer", &[first, count]) => Self::Prefer { first, count },
            ("count", &[key, times]) => Self::Count { key, times },
            ("renewal", &[key, millis]) => Self::Lock { kind: LockKind::Renewal, key, millis },
            ("prompt", &[key, millis]) => Self::Lock { kind: LockKind::Prompt, key, millis },
            ("unlock", []) => Self::Unlock,
            _ => return None,
        })
    }
}

/// Does with a store what a suite in another process wants done, until `input` ends; answers on `output`.
///
/// What else is printed there does no harm. Fails if the streams do, or if what comes is not from a suite of the same
/// version.
pub fn obey(store: &dyn Store, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut held: Vec<Box<dyn Send>> = Vec::new();
    // A test's harness may have begun a line.
    say(&mut output, "\n", "ready")?;
    for line in input.lines() {
        let order =
            Order::read(&line?).ok_or_else(|| io::Error::other("not an order of this contract suite"))?;
        match carry_out(store, order, &mut held, &mut output) {
            Ok(answer) => say(&mut output, "", &answer)?,
            Err(Trouble::Store(fault)) => {
                let fault = fault.to_string().replace('\n', " ");
                say(&mut output, "", &format!("fault {fault}"))?;
            }
            Err(Trouble::Stream(error)) => return Err(error),
        }
    }
    Ok(())
}

fn say(output: &mut impl Write, before: &str, answer: &str) -> io::Result<()> {
    output.write_all(format!("{before}{ANSWER}{answer}\n").as_bytes())?;
    output.flush()
}

enum Trouble {
    Store(StoreFault),
    Stream(io::Error),
}

impl From<StoreFault> for Trouble {
    fn from(fault: StoreFault) -> Self {
        Self::Store(fault)
    }
}

fn carry_out(
    store: &dyn Store,
    order: Order,
    held: &mut Vec<Box<dyn Send>>,
    output: &mut impl Write,
) -> Result<String, Trouble> {
    match order {
        Order::Load { key } => return Ok(shown(&store.load(&sample::key(key))?)),
        Order::Save { key, number } => drop(store.apply(&save(key, number))?),
        Order::Series { key, first, count } => {
            let started = Instant::now();
            for number in
                (first..first.saturating_add(count)).take_while(|_| started.elapsed() < LONGEST_SERIES)
            {
                store.apply(&save(key, number))?;
                if number == first {
                    say(output, "", "begun").map_err(Trouble::Stream)?;
                }
            }
        }
        Order::Intend { key, number } => {
            store.apply(&sample::intent(&sample::key(key), sample::redeeming(number)))?;
        }
        Order::Prefer { first, count } => {
            for number in first..first.saturating_add(count) {
                store.apply(&Change::Prefer(sample::entry(sample::key(number), sample::ALICE, false)))?;
            }
        }
        Order::Count { key, times } => {
            for turn in 0..times {
                if let Err(why) = count_on(store, key)? {
                    return Ok(format!("stopped at turn {turn}: {why}"));
                }
            }
        }
        Order::Lock { kind, key, millis } => {
            return Ok(match store.lock(kind, &sample::key(key), Duration::from_millis(millis))? {
                Locking::Held(guard) => {
                    held.push(guard);
                    "held".to_owned()
                }
                Locking::Busy(holder) => format!("busy {}", pid(holder.pid)),
            });
        }
        Order::Unlock => held.clear(),
    }
    Ok("done".to_owned())
}

fn save(key: u64, number: u64) -> Change {
    sample::save(&sample::key(key), &sample::session(number))
}

fn pid(pid: Option<u32>) -> String {
    pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
}

/// Takes the renewal lock, and saves the session after the one that is there.
pub(super) fn count_on(store: &dyn Store, key: u64) -> Result<Result<(), String>, StoreFault> {
    let Locking::Held(_guard) = store.lock(LockKind::Renewal, &sample::key(key), LONG)? else {
        return Ok(Err("the lock was not to be had".to_owned()));
    };
    let loaded = store.load(&sample::key(key))?;
    let Loaded::Found(stored) = &loaded else { return Ok(Err(format!("found {}", shown(&loaded)))) };
    let Some((_, number)) = sample::origin(stored.session.tokens.refresh.as_ref()) else {
        return Ok(Err("found a session that nobody saved".to_owned()));
    };
    store.apply(&save(key, number + 1))?;
    Ok(Ok(()))
}

/// What was loaded, so that the other process can compare it with what it expects.
pub(super) fn shown(loaded: &Loaded) -> String {
    match loaded {
        Loaded::None => "none".to_owned(),
        Loaded::Torn => "torn".to_owned(),
        Loaded::Found(stored) => {
            let intent = stored.intent.map_or_else(|| "none".to_owned(), |intent| intent.to_string());
            format!("found {} intent {intent}", sample::fingerprint(&stored.session))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    fn answers(orders: &[Order]) -> Vec<String> {
        let input: String = orders.iter().map(|order| order.line() + "\n").collect();
        let mut output = Vec::new();
        obey(&MemoryStore::new(), input.as_bytes(), &mut output).unwrap();
        let output = String::from_utf8(output).unwrap();
        assert!(!output.contains(sample::MARK), "no token is printed: {output}");
        output.lines().filter_map(|line| line.strip_prefix(ANSWER)).map(str::to_owned).collect()
    }

    #[test]
    fn every_order_is_written_read_and_carried_out_s1() {
        let (key, millis) = (3, 0);
        let [renewal, prompt] =
            [LockKind::Renewal, LockKind::Prompt].map(|kind| Order::Lock { kind, key, millis });
        let session = sample::fingerprint(&sample::session(8));
        let intent = sample::redeeming(8);
        let cases = [
            (Order::Load { key }, vec!["none".to_owned()]),
            (Order::Save { key, number: 1 }, vec!["done".to_owned()]),
            (Order::Series { key, first: 4, count: 3 }, vec!["begun".to_owned(), "done".to_owned()]),
            (Order::Count { key, times: 2 }, vec!["done".to_owned()]),
            (Order::Intend { key, number: 8 }, vec!["done".to_owned()]),
            (Order::Load { key }, vec![format!("found {session} intent {intent}")]),
            (Order::Prefer { first: 1, count: 2 }, vec!["done".to_owned()]),
            (renewal, vec!["held".to_owned()]),
            (prompt, vec!["held".to_owned()]),
            (renewal, vec![format!("busy {}", std::process::id())]),
            (Order::Unlock, vec!["done".to_owned()]),
            (renewal, vec!["held".to_owned()]),
        ];
        for (order, _) in &cases {
            assert_eq!(Order::read(&order.line()), Some(*order));
        }
        let orders: Vec<_> = cases.iter().map(|(order, _)| *order).collect();
        let expected = cases.iter().flat_map(|(_, answers)| answers.clone());
        let expected: Vec<_> = std::iter::once("ready".to_owned()).chain(expected).collect();
        assert_eq!(answers(&orders), expected);
    }

    #[test]
    fn what_is_no_order_ends_it_p9() {
        for line in ["", "x", "load", "load -1", "load 1 2", "save 1 99999999999999999999", "lo\u{0}ad 1"] {
            let error = obey(&MemoryStore::new(), format!("{line}\n").as_bytes(), Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Other, "{line}");
        }
        assert!(obey(&MemoryStore::new(), &b"\xff\n"[..], Vec::new()).is_err());
    }
}
