//! Names for servers, and keys for them.

use std::fs;

use auth_sandbox::Config;
use canary::plant;

use crate::rig::{Ran, Rig, end};

fn profile(rig: &Rig, file: &str, text: &str) {
    let folder = rig.home.0.path().join(".config/tiled/profiles");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(file), text).unwrap();
}

#[test]
fn a_profile_names_a_server_and_who_signs_in() {
    let rig = Rig::new();
    profile(&rig, "lab.yml", &format!("lab: {{uri: '{}', username: demo, verify: false}}\n", rig.url));
    let told = format!("{}\n", rig.password);
    let signed_in = rig.home.run_with(&told, &["login", "--profile", "lab", "--password-stdin"]);
    signed_in.is(0).says(&["the profile \"lab\" says more than is of use here, which is ignored: verify"]);
    assert!(rig.run(&["whoami", "--profile", "lab"]).is(0).out.starts_with("demo "));
    rig.run(&["status", "--profile", "lab"]).is(0);
    rig.run(&["token", "--profile", "none"]).is(2).says(&["there is no profile \"none\"; there are: lab"]);
    rig.run(&["logout", "--profile", "lab"]).is(0);
    profile(&rig, "other.yml", &format!("other: {{uri: '{}'}}\n", rig.url));
    let nobody = rig.home.run_with(&told, &["login", "--profile", "other", "--password-stdin"]);
    nobody.is(2).says(&["--password-stdin needs to know whose password it is"]);
}

#[test]
fn what_is_wrong_with_a_profile_is_said_to_be_wrong_with_it() {
    let rig = Rig::new();
    let text = "bad: {uri: 'tiled.example'}\nlab: {uri: 'URL', username: demo, auth_provider: ldap}\n";
    profile(&rig, "lab.yml", &text.replace("URL", &rig.url));
    let bad = rig.run(&["status", "--profile", "bad"]);
    bad.is(2).says(&["the profile \"bad\": ", "Correct the profile"]);
    let login = ["login", "--profile", "lab", "--password-stdin"];
    let told = format!("{}\n", rig.password);
    let unknown = rig.home.run_with(&told, &login);
    unknown.is(2).says(&["the profile \"lab\": ", "no sign-in provider is called \"ldap\""]);
    let chosen = rig.home.run_with(&told, &[&login[..], &["--provider", "nis"]].concat());
    chosen.is(2).says(&["no sign-in provider is called \"nis\"", "Name one of those with --provider."]);
}

#[test]
fn the_default_profile_is_meant_where_nothing_else_is() {
    let rig = Rig::new();
    rig.run(&["login"]).is(2).says(&["no site is named, and no default profile"]);
    profile(&rig, "lab.yml", &format!("lab: {{uri: '{}'}}\n", rig.url));
    fs::write(rig.home.0.path().join(".config/tiled/default_profile"), "lab\n").unwrap();
    rig.run(&["token"]).is(3).says(&["not signed in"]);
    rig.home.run_with(&format!("{}\n", rig.password), &["login", "--user", "demo", "--password-stdin"]).is(0);
    rig.run(&["whoami"]).is(0);
}

#[test]
fn the_environments_key_goes_to_the_site_that_is_named_and_nowhere_else() {
    let key = plant("an API key");
    let rig = Rig::with(|site| {
        site.config = Config {
            single_user_key: Some(key.as_str().into()),
            providers: Vec::new(),
            ..site.config.clone()
        };
    });
    let asked = |args: &[&str], value: &str| -> Ran {
        let mut command = rig.home.command(args);
        command.env("TILED_API_KEY", value);
        end(command, "")
    };
    // The server takes the key, and knows no users to name.
    asked(&["whoami", &rig.url], &key).is(4).says(&["it takes an API key only"]);
    for (args, code) in
        [(&["token", &rig.url][..], 3), (&["status", "--all"], 0), (&["whoami"], 3), (&["sites"], 0)]
    {
        asked(args, &key).is(code);
    }
    asked(&["whoami", &rig.url], "").is(3);
    let log = rig.server.site().lock().unwrap().log();
    let asked_for: Vec<_> = log.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(asked_for, ["/api/v1/", "/api/v1/auth/whoami"]);
}

#[test]
fn a_blank_user_name_in_a_profile_is_an_error() {
    let rig = Rig::new();
    profile(&rig, "lab.yml", &format!("lab: {{uri: '{}', username: ' '}}\n", rig.url));
    rig.run(&["login", "--profile", "lab"]).is(2).says(&["lab", "the name of the user or script is empty"]);
    assert_eq!(rig.counters().token_requests, 0);
}

#[test]
fn a_key_in_a_profile_is_shown_to_nobody_s1() {
    let rig = Rig::new();
    let key = plant("a key in a profile");
    profile(&rig, "lab.yml", &format!("lab: {{uri: '{}?api_key={key}'}}\n", rig.url));
    for args in
        [&["token", "--profile", "lab"][..], &["login", "--profile", "lab"], &["status", "--profile", "lab"]]
    {
        rig.run(args).is(2).says(&["the address carries an API key"]);
    }
    // One that the server does not know.
    rig.run(&["whoami", "--profile", "lab"])
        .is(4)
        .says(&["Invalid API key", "Check the key, in TILED_API_KEY"]);
    fs::remove_dir_all(rig.home.0.path().join(".config")).unwrap();
}

#[test]
fn the_accounts_sessions_are_listed_and_ended() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let listed = rig.run(&["sessions", "--json"]).is(0).json();
    let name = listed["sessions"][0]["uuid"].as_str().unwrap().to_owned();
    assert!(rig.run(&["sessions"]).is(0).out.starts_with(&name));
    rig.run(&["sessions", "--revoke", "x"]).is(2).says(&["this is not the name of a session"]);
    rig.run(&["sessions", "--revoke", &name]).is(0).says(&[]);
    assert_eq!(rig.run(&["sessions", "--json"]).json()["sessions"][0]["revoked"], true);
}

#[test]
fn what_a_profile_says_moves_no_cursor_t1() {
    let rig = Rig::new();
    let text = format!(r#"lab: {{uri: '{}', "\e]52;c;ZXZpbA==\a\e[31mheaders": 1}}"#, rig.url);
    profile(&rig, "lab.yml", &text);
    let ran = rig.run(&["status", "--profile", "lab"]);
    assert!(ran.err.contains("headers") && !ran.err.contains(['\u{1b}', '\u{7}']), "{ran:?}");
}

#[test]
fn authorities_that_cannot_be_read_are_named() {
    let rig = Rig::new();
    let mut command = rig.home.command(&["login", &rig.url, "--user", "demo", "--password-stdin"]);
    command.env("SSL_CERT_FILE", "/nowhere/ca.pem");
    let ran = end(command, "x\n");
    ran.is(2).says(&["the file of certificate authorities /nowhere/ca.pem cannot be used"]);
}
