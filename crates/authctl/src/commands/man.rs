//! Manual pages, made from the definition of the command line.

use std::fs;
use std::io;
use std::path::Path;

use auth_native::Foreign;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::Cli;
use crate::exit::Exit;
use crate::output;
use crate::plan::Pages;
use crate::report::Failure;

pub(crate) fn run(pages: Pages) -> Result<Exit, Failure> {
    match pages {
        Pages::One(name) => output::text(&one(name.as_deref())?)?,
        Pages::All(folder) => all(&folder)?,
    }
    Ok(Exit::OK)
}

fn one(name: Option<&str>) -> Result<String, Failure> {
    let command = commands().into_iter().find(|command| match name {
        None => command.get_name() == ROOT,
        Some(name) => command.get_display_name().and_then(|full| full.strip_prefix(PREFIX)) == Some(name),
    });
    let command = command.ok_or_else(|| {
        let name = Foreign::from(name.unwrap_or_default());
        Failure::usage(&format!("there is no command {name:?}"), "`authctl --help` lists them.")
    })?;
    page(command).map_err(|error| Failure::output(&error))
}

fn all(folder: &Path) -> Result<(), Failure> {
    let failed = |path: &Path| {
        let path = Foreign::new(path.display().to_string());
        move |error: io::Error| Failure::output(&io::Error::new(error.kind(), format!("{path}: {error}")))
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    for command in commands() {
        let path = folder.join(format!("{}.1", command.get_display_name().unwrap_or(ROOT)));
        page(command).and_then(|page| fs::write(&path, page)).map_err(failed(&path))?;
    }
    Ok(())
}

const ROOT: &str = "authctl";
const PREFIX: &str = "authctl-";

/// The whole, and every command, with all that clap derives filled in.
fn commands() -> Vec<Command> {
    let mut root = Cli::command();
    root.build();
    let subcommands: Vec<_> = root.get_subcommands().cloned().collect();
    [vec![root], subcommands].concat()
}

fn page(command: Command) -> io::Result<String> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let others = related(&command);
    let man = Man::new(command).source(concat!("authctl ", env!("CARGO_PKG_VERSION"))).manual("authctl");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::default();
    sections(&mut roff, &after);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(others)]);
    roff.to_writer(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn related(command: &Command) -> String {
    if command.get_name() != ROOT {
        return "authctl(1)".to_owned();
    }
    let names = command.get_subcommands().map(|sub| format!("{PREFIX}{}(1)", sub.get_name()));
    names.collect::<Vec<_>>().join(", ")
}

/// What stands at the end of a help, line for line: a line that ends with a colon is the heading of what is indented
/// below it.
fn sections(roff: &mut Roff, text: &str) {
    for paragraph in text.split("\n\n") {
        let (heading, lines) = match paragraph.split_once(":\n") {
            Some((heading, lines)) if lines.starts_with("  ") => (heading.to_uppercase(), lines),
            _ => ("NOTES".to_owned(), paragraph),
        };
        if lines.is_empty() {
            continue;
        }
        let heading = if heading == "EXIT CODES" { "EXIT STATUS" } else { &heading };
        roff.control("SH", [heading]);
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Vec<(Command, String)> {
        commands().into_iter().map(|command| (command.clone(), page(command).unwrap())).collect()
    }

    #[test]
    fn a_page_has_every_option_and_example() {
        for (command, page) in pages() {
            for option in command.get_arguments().filter_map(clap::Arg::get_long) {
                let written = format!("\\-\\-{}", option.replace('-', "\\-"));
                assert!(page.contains(&written), "{} --{option}: {page}", command.get_name());
            }
            let title = format!(".TH {} 1 ", command.get_display_name().unwrap_or(ROOT));
            assert!(page.contains(&title), "{page}");
            let example = if command.get_name() == ROOT {
                ".SH \"EXIT STATUS\""
            } else {
                ".SH EXAMPLES\n.nf\nauthctl "
            };
            assert!(page.contains(example), "{page}");
        }
    }

    #[test]
    fn the_page_of_the_whole_names_every_command() {
        let root = one(None).unwrap();
        for command in Cli::command().get_subcommands() {
            let named = format!("authctl\\-{}(1)", command.get_name());
            assert_eq!(root.matches(&named).count(), 2, "{named}: {root}");
        }
    }

    #[test]
    fn no_page_offers_to_take_a_secret_s3() {
        for (command, page) in pages() {
            for line in page.lines().filter(|line| line.starts_with("\\fB\\-")) {
                let takes_value = line.contains("\\fI<");
                let tells = ["password", "token", "secret", "key"].iter().any(|word| line.contains(word));
                let says_where = line.contains("key\\-file") || line.contains("key\\-fd");
                assert!(!(takes_value && tells) || says_where, "{}: {line}", command.get_name());
            }
        }
    }

    #[test]
    fn a_command_that_does_not_exist_is_said_not_to() {
        for name in ["logn", "", "authctl", "a\u{1b}[2J"] {
            let failure = one(Some(name)).unwrap_err();
            assert_eq!((failure.exit, failure.kind), (Exit::USAGE, "usage"));
            assert!(
                failure.message.starts_with("there is no command ") && !failure.message.contains('\u{1b}')
            );
        }
    }
}
