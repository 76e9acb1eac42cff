//! The scripts, in real shells.

use crate::{authctl, command, is_here, printed};

/// What bash offers for a line whose last word is being typed.
const OFFERED: &str = r#"
source <(authctl completions bash)
complete -p authctl > /dev/null || exit 1
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_authctl "$1" "${@: -1}" "${@: -2:1}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

#[test]
fn bash_completes_commands_options_and_choices() {
    let home = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 6] = [
        (&["authctl", "log"], &["login", "logout"]),
        (&["authctl", "completions", "b"], &["bash"]),
        (&["authctl", "login", "--pa"], &["--password-stdin"]),
        (&["authctl", "login", "--method", "pass"], &["password"]),
        (&["authctl", "status", "--a"], &["--all"]),
        (&["authctl", "man", "--d"], &["--dir"]),
    ];
    for (words, offered) in cases {
        let mut bash = command("bash", home.path());
        bash.args(["--norc", "--noprofile", "-c", OFFERED, "bash"]).args(words);
        let out = printed(bash.output().unwrap());
        assert_eq!(out.lines().collect::<Vec<_>>(), offered, "{words:?}");
    }
}

#[test]
fn other_shells_that_are_here_take_their_scripts() {
    let home = tempfile::tempdir().unwrap();
    for (shell, program, check) in [
        ("zsh", "zsh", &["-f", "-n"][..]),
        ("fish", "fish", &["--no-config", "--no-execute"]),
        ("elvish", "elvish", &["-compileonly"]),
    ] {
        let script = authctl(home.path(), &["completions", shell]);
        assert!(script.contains("login") && script.contains("password-stdin"), "{script}");
        if is_here(program) {
            let file = home.path().join(format!("authctl.{shell}"));
            std::fs::write(&file, script).unwrap();
            printed(command(program, home.path()).args(check).arg(file).output().unwrap());
        }
    }
}
