//! The book's list of clauses is that of the code.

use std::fmt::Write as _;

use auth_store::contract::{Needs, clauses};

const CHAPTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/writing-a-store.md");
const BEGIN: &str = "<!-- the clauses, as they are in the code -->\n";
const END: &str = "<!-- the end of the clauses -->";

fn table() -> String {
    let mut table = "| clause | promise | needs |\n|---|---|---|\n".to_owned();
    for clause in clauses() {
        let needs = match clause.needs {
            Needs::Store => "",
            Needs::Processes => "`command`",
            Needs::Tearing => "`tear`",
            Needs::Litter => "`litter`",
            Needs::Unknown => "`add_unknown`",
            other => panic!("{other:?} has no word in the book"),
        };
        writeln!(table, "| `{}` | {} | {needs} |", clause.name, clause.promise).unwrap();
    }
    table
}

#[test]
fn the_chapter_lists_every_clause_as_it_is() {
    let chapter = std::fs::read_to_string(CHAPTER).unwrap();
    let begin = chapter.find(BEGIN).expect("the mark before the clauses") + BEGIN.len();
    let end = chapter.find(END).expect("the mark behind the clauses");
    let table = table();
    assert!(
        chapter[begin..end] == table,
        "put this between the two marks in docs/src/writing-a-store.md:\n{table}"
    );
}
