//! The table in the documents: what is found when an operation is killed or disturbed at each of its steps.

use std::fmt::Write as _;
use std::path::Path;

use crate::errors::{self, Came, ERRORS};
use crate::killed::{self, Killed};
use crate::operation::Operation;
use crate::trace::{Call, needs_strace};

const FILE: &str = "../docs/src/crash-table.md";
/// Set to `write` by `cargo xtask crash-table`.
const WRITE: &str = "AUTH_CRASH_TABLE";

const BEGINNING: &str = "\
# What a crash leaves

Each operation on a token directory was run once for each of its system calls and killed there (`kill -9`), and
once for each error that a call can answer with. Afterwards another process looked at what was there, took the
locks and saved a session. These tables are what it found. They are made by `cargo xtask crash-table`, and
`cargo xtask test` fails if they are no longer true.

The steps are the calls that change something, in their order; a process killed at any other call leaves what the
step before it left. `new NAME` is the file beside `NAME` that is renamed over it; nobody ever reads one. A
process that is killed may leave one behind, which the next change of `NAME` removes; a step that fails leaves none.

- **killed before**, **killed after**: what is there if the process ends just before the step, or after it and
  before the next one.
- **fails**: the step answers with `ENOSPC`, `EIO`, `EDQUOT`, `ESTALE`, `EROFS` or `EACCES`. *Error* means that the
  operation says so, and what is there then; *done*, that it does without this step. A second try then succeeded.
  After `EINTR` every step was made again.

What is there:

- *old*, *new*: all that belongs to the session before, or to the one that was to be saved; *nothing*: neither.
- *new refresh token, old access token*: of the same session, which can be used and renewed.
- *old refresh token*, *new refresh token*: without an access token, which renewing the session brings.

Nothing else was ever found: no tokens of two people, no access token newer than its refresh token, no token cut
short, no lock that stayed, and with umask 000 no file with a mode other than 0600. This is about processes that end; that a file is
on the disk before it is renamed, and the folder after it, is the order of the steps.
";

/// All of it.
fn text() -> String {
    let mut text = BEGINNING.to_owned();
    for killed in killed::all() {
        section(&mut text, killed);
    }
    text
}

fn section(text: &mut String, Killed { operation, calls, stages }: &Killed) {
    let errors = errors::changes(operation, calls);
    let name = |stage: usize| operation.stages[stage];
    let steps = calls.iter().zip(stages.iter().zip(&stages[1..]));
    // Where nothing is changed there is nothing to see.
    for (call, (before, after)) in steps.clone() {
        assert!(call.change.is_some() || before == after, "{}: {call:?} changes something", operation.name);
    }
    let steps = steps.filter_map(|(call, stages)| Some((call.change.as_ref()?, stages)));
    let mut rows = vec![["step", "killed before", "killed after", "fails"].map(str::to_owned)];
    for ((change, (before, after)), came) in steps.zip(&errors) {
        rows.push([
            change.clone(),
            name(*before).to_owned(),
            name(*after).to_owned(),
            fails(operation, came),
        ]);
    }
    write!(text, "\n## {}\n\n{}", operation.name, table(&rows)).unwrap();
}

/// What came of all errors but `EINTR`, in few words.
fn fails(operation: &Operation, came: &[Came]) -> String {
    let mut seen: Vec<(String, Vec<&str>)> = Vec::new();
    for (came, errno) in came.iter().zip(ERRORS).filter(|(_, errno)| *errno != "EINTR") {
        let words = match came {
            Came::Done => "done".to_owned(),
            Came::Failed(stage) => format!("error; {}", operation.stages[*stage]),
        };
        match seen.iter_mut().find(|(known, _)| *known == words) {
            Some((_, errors)) => errors.push(errno),
            None => seen.push((words, vec![errno])),
        }
    }
    match &seen[..] {
        [(words, _)] => words.clone(),
        several => {
            let words = several.iter().map(|(words, errors)| format!("{words} ({})", errors.join(", ")));
            words.collect::<Vec<_>>().join("; ")
        }
    }
}

fn table(rows: &[[String; 4]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap();
    let widths = [0, 1, 2, 3].map(width);
    let mut lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:width$} "));
        format!("|{}|\n", cells.collect::<Vec<_>>().join("|"))
    });
    let head = lines.next().unwrap();
    let rule = widths.map(|width| "-".repeat(width + 2)).join("|");
    format!("{head}|{rule}|\n{}", lines.collect::<String>())
}

/// The steps of an operation, for tests that look for them.
fn changes(calls: &[Call]) -> Vec<&str> {
    calls.iter().filter_map(|call| call.change.as_deref()).collect()
}

#[test]
fn the_table_in_the_documents_is_what_happens_f4_f5_f7() {
    needs_strace();
    let text = text();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os(WRITE).is_some_and(|what| what == "write") {
        std::fs::write(file, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    let differing = text.lines().zip(committed.lines()).find(|(now, then)| now != then);
    assert!(
        text == committed,
        "docs/src/crash-table.md is not what happens, first at {differing:?}: look at why, then run \
         `cargo xtask crash-table`"
    );
}

#[test]
fn every_file_is_made_durable_before_it_is_renamed_and_its_folder_after_f1_f5() {
    needs_strace();
    for Killed { operation, calls, .. } in killed::all() {
        let changes = changes(calls);
        for (at, change) in changes.iter().enumerate() {
            let Some(name) = change.strip_prefix("rename to ").filter(|name| !name.contains("damaged"))
            else {
                continue;
            };
            assert_eq!(changes[at - 1], format!("fsync new {name}"), "{}: {changes:?}", operation.name);
            // That a site is listed once more may be forgotten in a crash.
            let is_listed_already = name == "site" && operation.name.ends_with("again");
            // The last of the sites that are moved is followed by the folder, for all of them.
            let folders = ["folder", "sidecars", "sites"];
            let is_durable = folders.iter().any(|folder| changes[at + 1].ends_with(folder));
            assert_ne!(is_durable, is_listed_already, "{}: {changes:?}", operation.name);
        }
        assert_eq!(changes.last().unwrap().split(' ').next(), Some("unlock"), "{changes:?}");
    }
}
