//! Standard streams that are not what one would wish.

use std::fs::File;
use std::process::Stdio;

use crate::rig::{Home, Rig, collect, end};

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    for args in [&["--help"][..], &["token"], &["status", "--json"], &["sites"], &["whoami"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = rig.home.command(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        assert_eq!(collect(child).is(0).err, "", "{args:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let child = rig.home.command(&["token"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    collect(child).is(1).says(&["the output could not be written", "Look at where the output goes."]);
}

#[test]
fn a_password_is_one_line_of_standard_input() {
    let rig = Rig::new();
    let login =
        |input: &str| rig.home.run_with(input, &["login", &rig.url, "--user", "demo", "--password-stdin"]);
    for input in [format!("{}\r\n", rig.password), rig.password.clone(), format!("{}\nmore\n", rig.password)]
    {
        login(&input).is(0);
    }
    login("").is(2).says(&["no password on standard input"]);
    login(&"x".repeat(5_000)).is(2).says(&["longer than 4096 bytes"]);
    login(&format!(" {}\n", rig.password)).is(4);
}

#[test]
fn standard_input_that_is_closed_has_no_password() {
    let home = Home::new();
    let args = ["login", "http://127.0.0.1:1", "--user", "a", "--password-stdin"];
    let mut command = home.command(&args);
    command.stdin(Stdio::null());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    collect(child).is(2).says(&["no password on standard input"]);
    end(home.command(&args), "\n").is(2);
}
