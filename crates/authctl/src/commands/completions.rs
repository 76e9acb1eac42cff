//! The scripts that let shells complete this command, made from its definition.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::args::Cli;
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

pub(crate) fn run(shell: Shell) -> Result<Exit, Failure> {
    output::text(&script(shell))?;
    Ok(Exit::OK)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "authctl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_script_knows_every_command_and_option() {
        let command = Cli::command();
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for sub in command.get_subcommands() {
                assert!(script.contains(sub.get_name()), "{shell}: {}", sub.get_name());
                for option in sub.get_arguments().filter_map(clap::Arg::get_long) {
                    assert!(script.contains(option), "{shell}: {} --{option}", sub.get_name());
                }
            }
        }
    }

    #[test]
    fn the_help_says_where_the_script_of_every_shell_goes() {
        let command = Cli::command();
        let help = command.find_subcommand("completions").unwrap().get_after_help().unwrap().to_string();
        for shell in Shell::value_variants() {
            assert!(help.contains(&format!("  authctl completions {shell} > ~/")), "{shell}: {help}");
        }
    }
}
