//! Every case in every cell, and the picture of it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use super::case::Case;
use super::cell::{Cell, Peer, Store, Transport};
use super::play::play;

/// How many cells are played at once: real servers are mostly waited for.
const AT_ONCE: usize = 4;

/// The addresses of real servers by their names; `None` if none is running.
pub type Addresses<'a> = Option<&'a (dyn Fn(&str) -> Option<String> + Sync)>;

/// Which cells are played.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only cases whose name holds this.
    pub case: Option<String>,
    /// Only this peer.
    pub peer: Option<Peer>,
    /// Only this transport.
    pub transport: Option<Transport>,
    /// Only this store.
    pub store: Option<Store>,
    /// Only what needs neither a socket nor a file.
    pub quick: bool,
}

impl Selection {
    /// True if nothing is left out.
    pub fn is_everything(&self) -> bool {
        !self.quick
            && self.case.is_none()
            && self.peer.is_none()
            && self.transport.is_none()
            && self.store.is_none()
    }

    fn wants(&self, cell: Cell) -> bool {
        let quick = cell.transport == Transport::Bare && cell.store == Store::Memory;
        self.peer.is_none_or(|peer| peer == cell.peer)
            && self.transport.is_none_or(|transport| transport == cell.transport)
            && self.store.is_none_or(|store| store == cell.store)
            && (!self.quick || quick)
    }
}

/// What became of a case in a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Became {
    /// As the case says.
    Passed,
    /// Otherwise; in words.
    Failed(String),
    /// Not played, for this reason.
    Skipped(String),
}

/// One case and what became of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The file below the folder of cases, without its ending.
    pub name: String,
    /// The ids it shows.
    pub tags: Vec<String>,
    /// In the order of the columns.
    pub cells: Vec<(Cell, Became)>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// One for each case, by name.
    pub rows: Vec<Row>,
}

/// The case files below a folder, in order.
pub fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Plays what is selected of the cases in a folder.
pub fn run(folder: &Path, selection: &Selection, tiled: Addresses<'_>) -> std::io::Result<Matrix> {
    let columns: Vec<Cell> = Cell::all().into_iter().filter(|cell| selection.wants(*cell)).collect();
    let mut cases = Vec::new();
    for path in files(folder)? {
        let name =
            path.strip_prefix(folder).unwrap_or(&path).with_extension("").to_string_lossy().into_owned();
        if selection.case.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            cases.push((name, Case::read(&fs::read_to_string(&path)?)));
        }
    }
    let servers: BTreeMap<&str, Mutex<()>> = cases
        .iter()
        .filter_map(|(_, case)| case.as_ref().ok()?.peer.server.as_deref())
        .map(|name| (name, Mutex::default()))
        .collect();
    let jobs: VecDeque<(usize, Cell)> =
        (0..cases.len()).flat_map(|at| columns.iter().map(move |cell| (at, *cell))).collect();
    let (jobs, done) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((at, cell)) = job else { return };
                    let Some((_, case)) = cases.get(at) else { return };
                    // A real server answers 500 when somebody signs in for the first time twice at once.
                    let server =
                        case.as_ref().ok().and_then(|case| servers.get(case.peer.server.as_deref()?));
                    let server = server.filter(|_| cell.peer == Peer::Tiled);
                    let turn = server.map(|server| server.lock().unwrap_or_else(PoisonError::into_inner));
                    let became = one(case, cell, tiled);
                    drop(turn);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, cell, became));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, cell, _)| (*at, *cell));
    let mut rows: Vec<Row> = cases
        .into_iter()
        .map(|(name, case)| Row {
            name,
            tags: case.map(|case| case.tags).unwrap_or_default(),
            cells: Vec::new(),
        })
        .collect();
    for (at, cell, became) in done {
        if let Some(row) = rows.get_mut(at) {
            row.cells.push((cell, became));
        }
    }
    Ok(Matrix { rows })
}

fn one(case: &Result<Case, super::case::Unreadable>, cell: Cell, tiled: Addresses<'_>) -> Became {
    let case = match case {
        Ok(case) => case,
        Err(why) => return Became::Failed(format!("the file is not a case: {why}")),
    };
    if let Some(reason) = cell.skips(case, tiled.is_some()) {
        return Became::Skipped(reason);
    }
    let at = |name: &str| tiled.and_then(|tiled| tiled(name));
    match catch_unwind(AssertUnwindSafe(|| play(case, cell, at))) {
        Ok(Ok(())) => Became::Passed,
        Ok(Err(failure)) => Became::Failed(failure.to_string()),
        Err(_) => Became::Failed("it panicked; what it said stands above".to_owned()),
    }
}

impl Matrix {
    /// How many cells passed, failed and were skipped.
    pub fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for (_, became) in self.rows.iter().flat_map(|row| &row.cells) {
            counts[match became {
                Became::Passed => 0,
                Became::Failed(_) => 1,
                Became::Skipped(_) => 2,
            }] += 1;
        }
        counts
    }

    /// Cases that were played in no cell at all: nothing was shown by them.
    pub fn idle(&self) -> Vec<&str> {
        let idle = |row: &&Row| row.cells.iter().all(|(_, became)| matches!(became, Became::Skipped(_)));
        self.rows.iter().filter(idle).map(|row| row.name.as_str()).collect()
    }

    /// The picture: a line for each case, a column for each cell, the reasons of skipped cells as footnotes, and what
    /// failed below.
    pub fn shown(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let mut text = String::new();
        let columns: Vec<Cell> = self
            .rows
            .first()
            .map(|row| row.cells.iter().map(|(cell, _)| *cell).collect())
            .unwrap_or_default();
        let parts: [fn(&Cell) -> String; 3] =
            [|cell| cell.peer.to_string(), |cell| cell.transport.to_string(), |cell| cell.store.to_string()];
        for part in parts {
            let names: Vec<_> = columns.iter().map(|cell| format!("{:<9}", part(cell))).collect();
            let _ = writeln!(text, "{:width$}  {}", "", names.join(" ").trim_end());
        }
        let mut reasons: Vec<&str> = Vec::new();
        for row in &self.rows {
            let mut cells = Vec::new();
            for (_, became) in &row.cells {
                cells.push(match became {
                    Became::Passed => format!("{:<9}", "ok"),
                    Became::Failed(_) => format!("{:<9}", "FAILED"),
                    Became::Skipped(reason) => {
                        let number = reasons.iter().position(|known| known == reason).unwrap_or_else(|| {
                            reasons.push(reason);
                            reasons.len() - 1
                        });
                        format!("{:<9}", format!("- ({})", number + 1))
                    }
                });
            }
            let _ = writeln!(text, "{:width$}  {}", row.name, cells.join(" ").trim_end());
        }
        for (at, reason) in reasons.iter().enumerate() {
            let _ = writeln!(text, "({}) {reason}", at + 1);
        }
        for row in &self.rows {
            for (cell, became) in &row.cells {
                if let Became::Failed(why) = became {
                    let _ = writeln!(text, "\n{} in {cell}: {why}", row.name);
                }
            }
        }
        text
    }

    /// The same for machines.
    pub fn json(&self) -> Value {
        let cell = |(cell, became): &(Cell, Became)| {
            let (result, why) = match became {
                Became::Passed => ("passed", None),
                Became::Failed(why) => ("failed", Some(why)),
                Became::Skipped(why) => ("skipped", Some(why)),
            };
            json!({
                "peer": cell.peer.to_string(), "transport": cell.transport.to_string(),
                "store": cell.store.to_string(), "result": result, "why": why,
            })
        };
        let row = |row: &Row| json!({ "case": row.name, "tags": row.tags, "cells": row.cells.iter().map(cell).collect::<Vec<_>>() });
        let [passed, failed, skipped] = self.counts();
        json!({
            "passed": passed, "failed": failed, "skipped": skipped,
            "cases": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
about: Nobody is asked about where nobody is signed in.
steps:
  - whoami: {}
    outcome: \"error NotSignedIn: not signed in\"
";

    fn play(text: &str) -> Matrix {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("group");
        fs::create_dir(&below).unwrap();
        fs::write(below.join("added.yml"), text).unwrap();
        run(folder.path(), &Selection::default(), None).unwrap()
    }

    #[test]
    fn a_case_that_is_added_is_played() {
        let matrix = play(GOOD);
        assert_eq!((matrix.rows[0].name.as_str(), matrix.counts()), ("group/added", [6, 0, 12]));
        assert!(matrix.idle().is_empty());
        assert!(matrix.shown().contains("(1) the case has its own answers"), "{}", matrix.shown());
    }

    #[test]
    fn a_wrong_expectation_fails_and_says_where() {
        let wrong = GOOD.replace("not signed in\"", "signed in\"");
        let login = "
about: One password.
peer: {server: plain}
steps:
  - login: {user: alice, password: secret1}
    person:
      - told: \"server: You have logged in as alice.\"
    exchanges:
      - request: |
          GET /api/v1/
          accept: application/json
        status: 200
      - request: |
          POST /api/v1/auth/provider/toy/token
          accept: application/json
          content-type: application/x-www-form-urlencoded

          grant_type=password&username=alice&password=secret1
        status: 200
    outcome: \"signed in: alice (toy), a token of 900 s\"
    stored: access {access-1}, refresh {refresh-1}
";
        assert_eq!(play(login).counts(), [6, 0, 12], "{}", play(login).shown());
        let cases = [
            (wrong.as_str(), "step 1 (whoami): the outcome differs, from line 1"),
            (&login.replace("secret1\n", "secret2\n"), "step 1 (login): request 2 differs, from line 5"),
            (&login.replacen("200", "201", 1), "step 1 (login): the status of answer 1 differs"),
            (
                &login.replace("told: \"server", "asked: \"server"),
                "what the person is asked and told differs",
            ),
            (&login.replace("{refresh-1}", "{refresh-2}"), "step 1 (login): what is stored differs"),
            (
                &login.replace("{user: alice, password: secret1}", "{user: alice, password: no}"),
                "request 2 differs",
            ),
            (&format!("{GOOD}    colour: red\n"), "unknown field `colour`"),
            (&login.replace("server: plain", "server: none"), "there is no server called \"none\""),
        ];
        for (text, expected) in cases {
            let matrix = play(text);
            let [passed, failed, _] = matrix.counts();
            assert!(passed == 0 && failed > 0, "{text}");
            assert!(matrix.shown().contains(expected), "{expected}: {}", matrix.shown());
        }
    }

    #[test]
    fn one_request_too_many_is_found() {
        let matrix = play("about: x\nsteps: [{login: {}, outcome: x}]\n");
        assert!(matrix.shown().contains("request 1 is one too many"), "{}", matrix.shown());
    }
}
