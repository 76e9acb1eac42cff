//! The manual pages, as files and as they are read.

use std::collections::BTreeSet;
use std::fs;

use crate::{authctl, command, is_here, printed};

/// The commands and options that the help of a command lists: the first words of the lines of a section.
fn listed(help: &str, section: &str) -> BTreeSet<String> {
    let (_, rest) = help.split_once(section).unwrap();
    let lines = rest.lines().skip(1).take_while(|line| line.is_empty() || line.starts_with("  "));
    let word = |line: &str| {
        line.split_whitespace()
            .find(|word| !word.starts_with('-') || word.starts_with("--"))
            .map(str::to_owned)
    };
    let starts = |line: &&str| line.starts_with("  ") && !line.starts_with("          ");
    lines.filter(starts).filter_map(word).collect()
}

#[test]
fn every_command_has_a_page_and_every_page_is_read_without_a_complaint() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("share/man/man1");
    assert_eq!(authctl(home.path(), &["man", "--dir", "share/man/man1"]), "");
    let commands = listed(&authctl(home.path(), &["--help"]), "Commands:");
    let mut expected: BTreeSet<_> = commands.iter().map(|name| format!("authctl-{name}.1")).collect();
    expected.insert("authctl.1".to_owned());
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.collect::<BTreeSet<_>>(), expected);
    assert!(commands.len() >= 8, "{commands:?}");

    for name in &expected {
        let page = fs::read_to_string(folder.join(name)).unwrap();
        let command_name = name.strip_suffix(".1").unwrap().strip_prefix("authctl-");
        let args: Vec<_> = ["man"].into_iter().chain(command_name).collect();
        assert_eq!(authctl(home.path(), &args), page, "printed and written are the same");
        if !is_here("groff") {
            continue;
        }
        let mut groff = command("groff", home.path());
        groff.args(["-man", "-Tutf8", "-ww", "-P-c"]).arg(folder.join(name));
        let read = printed(groff.output().unwrap());
        let plain = without_overstrikes(&read);
        let args: Vec<_> = command_name.into_iter().chain(["--help"]).collect();
        for option in listed(&authctl(home.path(), &args), "Options:") {
            let option = option.trim_end_matches(',');
            assert!(plain.contains(option), "{name}: {option}: {plain}");
        }
        if command_name.is_some() {
            assert!(plain.contains("\nEXAMPLES\n       authctl "), "{plain}");
        }
    }
}

/// A letter, a backspace and the letter again is a bold one.
fn without_overstrikes(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            out.pop();
        } else {
            out.push(c);
        }
    }
    out.replace(['−', '‐'], "-")
}

#[test]
fn man_finds_the_pages_by_name_where_they_were_written() {
    let home = tempfile::tempdir().unwrap();
    authctl(home.path(), &["man", "--dir", "man/man1"]);
    if !is_here("man") || !is_here("groff") {
        return;
    }
    let mut man = command("man", home.path());
    man.env("MANPATH", home.path().join("man")).env("MANPAGER", "cat").env("MANWIDTH", "100");
    let page = without_overstrikes(&printed(man.arg("authctl-token").output().unwrap()));
    assert!(page.contains("--min-validity"), "{page}");
}

#[test]
fn a_page_that_cannot_be_written_is_said_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let output = command(crate::AUTHCTL, home.path()).args(["man", "--dir", "file/man1"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("file/man1") && said.contains("authctl: the output could not be written"),
        "{said}"
    );
}
