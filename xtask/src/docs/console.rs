//! Blocks of commands: run, and compared with what they print.

use std::fs;

use super::compare::{matches, without_times};
use super::fences::{Fence, Page};
use super::shell::Shell;
use super::{Findings, built};
use crate::{sys, workspace};

/// A command, and what a page says of it.
#[derive(Debug, Default, PartialEq)]
struct Typed {
    line: usize,
    command: String,
    expected: Vec<String>,
    exit: i32,
}

pub(super) fn check(pages: &[Page], found: &mut Findings) -> Result<(), String> {
    if sys::find("bash").is_none() {
        let why = "console: there is no bash to run the commands with".to_owned();
        if sys::in_ci() {
            found.problems.push(why);
        } else {
            found.notes.push(format!("left out: {why}"));
        }
        return Ok(());
    }
    let built = built::everything()?;
    let authctl = built.program("authctl")?;
    let (mut run, mut compared) = (0, 0);
    for page in pages {
        let mut shell = None;
        for fence in page.fences.iter().filter(|fence| fence.language == "console") {
            let at = page.at(fence.line);
            if let Some(why) = fence.attribute("norun") {
                found.notes.push(format!("console: not run: {at}: {why}"));
            } else if let Some(name) = fence.attribute("capture") {
                found.problems.extend(differs(fence, name).map(|what| format!("console: {at}: {what}")));
                compared += 1;
            } else {
                let shell = match &mut shell {
                    Some(shell) => shell,
                    none => none.insert(Shell::start(authctl)?),
                };
                for typed in commands(fence) {
                    run += 1;
                    if let Some(what) = different(shell, &typed)? {
                        found.problems.push(format!("console: {}: {what}", page.at(typed.line)));
                    }
                }
            }
        }
    }
    found.notes.push(format!("console: {run} commands run, {compared} blocks compared with captures"));
    Ok(())
}

/// A command and what is said of it, with the lines of a command that ends in a backslash joined.
fn commands(fence: &Fence) -> Vec<Typed> {
    let mut typed: Vec<Typed> = Vec::new();
    let mut goes_on = false;
    for (text, line) in fence.body.iter().zip(fence.line + 1..) {
        match (text.strip_prefix("$ "), typed.last_mut()) {
            (Some(command), _) if !goes_on => {
                typed.push(Typed { line, command: command.to_owned(), ..Typed::default() });
            }
            (_, Some(last)) if goes_on => last.command.extend(["\n", text]),
            (_, Some(last)) => match exit(text) {
                Some(code) => last.exit = code,
                None => last.expected.push(text.clone()),
            },
            (_, None) => {}
        }
        goes_on = typed.last().is_some_and(|last| last.expected.is_empty() && last.command.ends_with('\\'));
    }
    typed
}

fn exit(line: &str) -> Option<i32> {
    line.strip_prefix("[exit ")?.strip_suffix(']')?.parse().ok()
}

/// How what a command does differs from what is said of it.
fn different(shell: &Shell, typed: &Typed) -> Result<Option<String>, String> {
    let (printed, code) = shell.run(&typed.command)?;
    if code == typed.exit && matches(&typed.expected, &printed) {
        return Ok(None);
    }
    let Typed { command, expected, exit, .. } = typed;
    let indented = |lines: &[String]| lines.iter().flat_map(|line| ["\n    ", line]).collect::<String>();
    Ok(Some(format!(
        "$ {command}\n  is said to print, with exit code {exit}:{}\n  and printed, with exit code {code}:{}",
        indented(expected),
        indented(&printed)
    )))
}

/// How a block differs from the capture it shows.
fn differs(fence: &Fence, name: &str) -> Option<String> {
    let path = workspace::root().join("docs/src/captures").join(format!("{name}.txt"));
    let captured = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return Some(format!("cannot read {}: {error}", path.display())),
    };
    let captured: Vec<_> = captured.lines().map(without_times).collect();
    let shown: Vec<_> = fence.body.iter().map(|line| without_times(line)).collect();
    // What stands for a time also stands for itself.
    (!matches(&shown, &captured)).then(|| format!("differs from {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn commands_are_told_from_what_they_print() {
        let text = "```console\n$ a \\\n  b\nout\n$ c\n[exit 3]\n$ d\n```\n";
        let page = Page::new(Path::new("a.md"), text).unwrap();
        let typed = |line, command: &str, expected: &[&str], exit| Typed {
            line,
            command: command.to_owned(),
            expected: expected.iter().map(ToString::to_string).collect(),
            exit,
        };
        let expected = [typed(2, "a \\\n  b", &["out"], 0), typed(5, "c", &[], 3), typed(7, "d", &[], 0)];
        assert_eq!(page.fences.iter().flat_map(commands).collect::<Vec<_>>(), expected);
    }
}
