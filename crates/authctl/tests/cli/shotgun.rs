//! Shotgun sites: finding out that it is one, signing in, calling.

use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use auth_native::{Seed, Timestamp};
use auth_sandbox::{
    Fault, Faults, Person, Script, Server, ShotgunConfig, ShotgunSite, SiteClock, TiledSite, Which,
};
use canary::plant;

use crate::rig::{DEADLINE, Home, Ran, collect, end, until};
use crate::terminal::Terminal;

pub(crate) struct Studio {
    pub(crate) home: Home,
    server: Server<ShotgunSite>,
    pub(crate) url: String,
}

impl Studio {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(set_up: impl FnOnce(&mut ShotgunSite)) -> Self {
        // Sites of one seed give the same tokens, and one test's would be found among another's.
        static SEEDS: AtomicU8 = AtomicU8::new(7);
        let config = ShotgunConfig {
            people: vec![
                Person::new("ada", plant("ada's password")),
                Person::new("bob", plant("bob's password")),
            ],
            scripts: vec![Script::new("robot", plant("a script's key"))],
            ..ShotgunConfig::default()
        };
        let mut site = ShotgunSite::new(config, Seed::new([SEEDS.fetch_add(1, Ordering::Relaxed); 32]));
        set_up(&mut site);
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let url = server.url().to_string().trim_end_matches('/').to_owned();
        Self { home: Home::new(), server, url }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.home.run(args)
    }

    fn sign_in(&self, login: &str) -> Ran {
        let password = plant(&format!("{login}'s password"));
        let args = ["login", &self.url, "--user", login, "--password-stdin", "--method", "password"];
        self.home.run_with(&format!("{password}\n"), &args)
    }

    fn logins(&self) -> u64 {
        self.server.site().lock().unwrap().counters().logins
    }
}

const READ: &str = r#"{"type":"HumanUser","return_fields":["login"],"filters":{"logical_operator":"and",
    "conditions":[]},"paging":{"entities_per_page":1,"current_page":1}}"#;

#[test]
fn a_site_is_found_out_and_used_from_sign_in_to_sign_out() {
    let studio = Studio::new();
    let url = &studio.url;
    assert_eq!(studio.sign_in("ada").is(0).out, format!("Signed in to {url} as ada.\n"));
    assert_eq!(studio.run(&["whoami"]).is(0).out, format!("ada at {url}\n"));
    let json = studio.run(&["whoami", url, "--json"]).is(0).json();
    assert_eq!((&json["user"], &json["type"], &json["id"]), (&"ada".into(), &"HumanUser".into(), &1.into()));
    studio.run(&["status"]).is(0).says(&[url, "signed in", "ada", "good until the site refuses it"]);
    let json = studio.run(&["status", "--check", "--json"]).is(0).json();
    assert_eq!(
        (&json["state"], &json["checked"], &json["user"]),
        (&"good".into(), &"valid".into(), &"ada".into())
    );
    studio.run(&["sites"]).is(0).says(&[url, "ada"]);
    let token = studio.run(&["token"]);
    assert_eq!((token.is(0).out.trim_end().len(), token.err.as_str()), (32, ""));
    let json = studio.run(&["token", "--json"]).is(0).json();
    assert_eq!(
        (&json["access_token"], &json["token_type"]),
        (&token.out.trim_end().into(), &"session".into())
    );
    assert!(json["expires_at"].is_null() && json["site"] == **url && json["user"] == "ada", "{json}");
    studio.run(&["token", "--min-validity", "1h"]).is(0).says(&["--min-validity is ignored"]);
    let result = studio.run(&["call", url, "read", READ]).is(0).json();
    assert_eq!(result["entities"][0]["login"], "ada");
    studio.run(&["sessions"]).is(2).says(&["does not list the sessions"]);
    studio.run(&["exec", "--", env!("CARGO_BIN_EXE_authctl"), "whoami"]).is(0).says(&["ada at "]);
    studio.run(&["logout"]).is(0).says(&["Signed out of", "ada", "ends the session by itself"]);
    studio.run(&["status"]).is(3).says(&["not signed in", "was      ada"]);
    for command in ["token", "whoami", "logout"] {
        studio.run(&[command]).is(3).says(&["not signed in to", "Run `authctl login"]);
    }
    assert_eq!(studio.logins(), 1);
}

#[test]
fn several_people_are_signed_in_and_one_leaves() {
    let studio = Studio::new();
    studio.sign_in("ada").is(0);
    studio.sign_in("bob").is(0);
    studio.run(&["whoami"]).is(0).says(&["bob at "]);
    studio.run(&["logout"]).is(0).says(&["as bob"]);
    studio.run(&["whoami"]).is(3);
    studio.sign_in("bob").is(0);
    let all = studio.run(&["logout", "--all", "--forget"]);
    all.is(0).says(&["as ada", "as bob"]);
    studio.run(&["sites"]).is(0).says(&["Nobody has signed in"]);
}

#[test]
fn who_is_forgotten_is_who_is_signed_out() {
    let studio = Studio::new();
    studio.sign_in("ada").is(0);
    studio.sign_in("bob").is(0);
    studio.run(&["logout", &studio.url, "--forget"]).is(0).says(&["as bob"]);
    let sites = studio.run(&["sites"]);
    assert!(!sites.is(0).out.contains("bob"), "{sites:?}");
    sites.says(&["ada"]);
    studio.run(&["whoami"]).is(0).says(&["ada at "]);
    studio.run(&["logout", "--forget"]).is(0).says(&["as ada"]);
    studio.run(&["sites"]).is(0).says(&["Nobody has signed in"]);
}

#[test]
fn a_code_is_not_asked_for_where_the_password_came_from_a_pipe() {
    let studio = Studio::with(|site| {
        let ada = Person::new("ada", plant("ada's password")).with_code(plant("a code"));
        site.config.people = vec![ada];
    });
    studio.sign_in("ada").is(8).says(&["a code besides the password", "leave --password-stdin out"]);
    assert_eq!(studio.logins(), 0);
}

#[test]
fn the_end_of_a_session_is_said_and_nobody_is_asked() {
    let studio = Studio::new();
    studio.sign_in("ada").is(0);
    studio.server.clock().advance(Duration::from_hours(24 * 365));
    let over = studio.run(&["status", "--check", "--json"]);
    let out: serde_json::Value = serde_json::from_str(over.is(3).out.lines().next().unwrap()).unwrap();
    assert_eq!((&out["state"], &out["checked"]), (&"good".into(), &"expired".into()));
    over.says(&["the session has ended", "authctl login"]);
    for command in [&["whoami"][..], &["call", &studio.url, "read", READ, "--never-ask"]] {
        studio.run(command).is(3).says(&["the session has ended", "authctl login"]);
    }
    // Without a terminal as well.
    studio.run(&["call", &studio.url, "read", READ]).is(3).says(&["the session has ended"]);
    let Studio { home, server, .. } = studio;
    drop(server);
    let unknown = home.run(&["status", "--check"]);
    unknown.is(6).says(&[
        "the server could not be asked",
        "no connection could be made",
        "The stored session is kept.",
    ]);
}

#[test]
fn a_scripts_key_comes_from_a_file_a_descriptor_the_environment_or_a_question_s3() {
    let studio = Studio::new();
    let (url, key) = (&studio.url, plant("a script's key"));
    // Outside of the home, which is searched for secrets.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, format!("{key}\n")).unwrap();
    let call = ["call", url, "read", READ, "--script-name", "robot", "--never-ask"];
    let file = path.display().to_string();
    studio.run(&[&call[..], &["--script-key-file", &file]].concat()).is(0).json();
    studio.run(&[&call[..], &["--script-key-file", &file, "--sudo-as", "ada"]].concat()).is(0);
    let by = studio.home.run_with(&format!("{key}\n"), &[&call[..], &["--script-key-fd", "0"]].concat());
    by.is(0);
    let mut command = studio.home.command(&call);
    command
        .env("AUTHCTL_SCRIPT_KEY", &key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    collect(command.spawn().unwrap()).is(0);
    for (typed, exit) in [(format!("{key}\n"), 0), ("\n".to_owned(), 5)] {
        let mut asked = studio.home.command(&call[..call.len() - 1]);
        asked.env("TILED_FORCE_PROMPT", "1");
        end(asked, &typed).is(exit).says(&[&format!("{url} asks for the key of robot.")]);
    }
    studio.run(&call).is(2).says(&["given nowhere", "--script-key-file", "AUTHCTL_SCRIPT_KEY"]);
    let open = fs::File::open(&path).unwrap();
    let missing = (open.as_raw_fd() + 40).to_string();
    studio
        .run(&[&call[..], &["--script-key-fd", &missing]].concat())
        .is(2)
        .says(&["could not be read: descriptor "]);
    let gone = [&call[..], &["--script-key-file", "gone"]].concat();
    studio.run(&gone).is(2).says(&["could not be read: \"gone\": "]);
    let mut wrong = studio.home.command(&call);
    wrong.env("AUTHCTL_SCRIPT_KEY", plant("a wrong key")).stdin(Stdio::null());
    let wrong = collect(wrong.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    wrong.is(4).says(&["the server refused", "Check the script's name and its key."]);
    assert_eq!(studio.logins(), 0);
}

#[test]
fn a_key_that_is_typed_is_refused_and_not_echoed_s3() {
    let home = Home::new();
    let key = plant("a typed key");
    for words in [vec!["--script-key".to_owned(), key.clone()], vec![format!("--script-key={key}")]] {
        let mut args = vec!["call".to_owned(), "studio.example".into(), "read".into()];
        args.extend(words);
        let ran = home.run(&args);
        ran.is(2).says(&["there is no option for a script's key", "--script-key-fd N", "AUTHCTL_SCRIPT_KEY"]);
        assert_eq!(ran.out, "");
        args.push("--json".to_owned());
        let error = &home.run(&args).is(2).json()["error"];
        assert_eq!((&error["kind"], &error["exit"]), (&"usage".into(), &2.into()));
        assert_eq!(
            error["message"],
            "there is no option for a script's key: what is typed can be read by others on the machine"
        );
        assert!(error["remedy"].as_str().unwrap().contains("AUTHCTL_SCRIPT_KEY"), "{error}");
    }
}

#[test]
fn arguments_are_json_from_the_command_line_or_standard_input() {
    let studio = Studio::new();
    studio.sign_in("ada").is(0);
    let read = |input: &str, arguments: &str| {
        studio.home.run_with(input, &["call", &studio.url, "read", arguments, "--json"])
    };
    assert_eq!(read(READ, "-").is(0).json()["entities"][0]["login"], "ada");
    assert_eq!(read("", "{not json").is(2).json()["error"]["kind"], "usage");
    read("", "-").is(2).says(&["the arguments are not JSON"]);
    let fault = studio.run(&["call", &studio.url, "frobnicate", "{}", "--json"]);
    assert_eq!(fault.is(6).json()["error"]["kind"], "peer");
    fault.says(&["Check the method and its arguments"]);
}

#[test]
fn what_is_neither_is_said_to_be_neither_and_an_outage_to_be_one() {
    let page = |site: &mut ShotgunSite| site.faults = Faults::none().always(Which::any(), Fault::Page);
    let portal = Studio::with(page);
    portal.sign_in("ada").is(6).says(&[
        "this is not a Tiled server",
        "not a Shotgun site",
        "Check the address",
    ]);
    let busy = |site: &mut ShotgunSite| {
        let status = Fault::Status { status: 503, retry_after: None };
        site.faults = Faults::none().always(Which::any(), status);
    };
    let outage = Studio::with(busy).sign_in("ada");
    assert!(!outage.is(6).err.contains("Check the address"), "{outage:?}");
    outage.says(&["503"]);
    // What it is not is known by then, and not what it is.
    let half = |site: &mut ShotgunSite| {
        let status = Fault::Status { status: 503, retry_after: None };
        site.faults = Faults::none().always(Which::calling("info"), status);
    };
    let studio = Studio::with(half);
    let password = format!("{}\n", plant("ada's password"));
    let unsure =
        studio.home.run_with(&password, &["login", &studio.url, "--user", "ada", "--password-stdin"]);
    unsure.is(6).says(&["503", "Try again later"]);
    assert!(!unsure.err.contains("not a Tiled server"), "{unsure:?}");
}

#[test]
fn what_one_kind_of_site_has_and_the_other_has_not_is_said() {
    let studio = Studio::new();
    studio.sign_in("ada").is(0);
    studio.run(&["login", &studio.url, "--provider", "x"]).is(2).says(&["no providers"]);
    let unseen = Studio::new();
    unseen.run(&["login", &unseen.url, "--provider", "x"]).is(2).says(&["no providers"]);
    let site = TiledSite::demo([99; 32]);
    let server = Server::start(site, SiteClock::running()).unwrap();
    let tiled = server.url().to_string();
    studio.run(&["login", &tiled, "--method", "app-session"]).is(6).says(&["this is not a Shotgun site"]);
    let args = ["login", &tiled, "--user", "demo", "--password-stdin"];
    studio.home.run_with(&format!("{}\n", plant("nobody's password")), &args).is(4);
}

/// The number may be one that this program takes for a descriptor of its own.
#[cfg(target_os = "linux")]
#[test]
fn descriptor_that_the_caller_did_not_open_is_none_s3() {
    let studio = Studio::new();
    let script = "exec \"$@\" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
    for number in 3..=9 {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_authctl"), "call", &studio.url, "read", READ]);
        command.args(["--script-name", "robot", "--never-ask", "--script-key-fd", &number.to_string()]);
        command.env_clear().env("HOME", studio.home.0.path());
        let said = format!("could not be read: descriptor {number}: Bad file descriptor");
        end(command, "").is(2).says(&[&said]);
    }
}

#[test]
fn a_command_is_run_for_whoever_signs_in_to_a_site_that_nobody_has_seen() {
    let studio = Studio::new();
    let run = ["exec", &studio.url, "--", env!("CARGO_BIN_EXE_authctl"), "whoami"];
    let nobody = studio.run(&run);
    nobody.is(8).says(&["authctl login"]);
    assert!(!nobody.err.contains("Tiled server"), "{nobody:?}");
    let mut command = studio.home.command(&run);
    command.env("TILED_FORCE_PROMPT", "1");
    end(command, &format!("2\nada\n{}\n", plant("ada's password"))).is(0).says(&["ada at "]);
    let mut alone = studio.home.command(&["exec", &studio.url, "--no-remember", "--", "true"]);
    alone.env("TILED_FORCE_PROMPT", "1");
    let ran = end(alone, &format!("2\nbob\n{}\n", plant("bob's password")));
    assert!(!ran.is(0).err.contains("could not be ended"), "{ran:?}");
    studio.run(&["whoami"]).is(0).says(&["ada at "]);
}

#[test]
fn who_cannot_sign_in_to_a_site_is_told_what_helps_there() {
    let studio = Studio::new();
    let nobody = studio.run(&["login", &studio.url]);
    nobody.is(8).says(&["--user NAME --password-stdin", "at a terminal"]);
    let args = ["login", &studio.url, "--user", "ada", "--password-stdin"];
    let wrong = studio.home.run_with("wrong\n", &args);
    wrong.is(4).says(&["Check the login and the password."]);
    for ran in [nobody, wrong] {
        assert!(!ran.err.contains("provider") && !ran.err.contains("Python"), "{ran:?}");
    }
}

#[test]
fn a_site_that_leaves_its_people_to_others_says_how_to_sign_in() {
    for kind in ["saml2", "oxygen"] {
        let set_up = |site: &mut ShotgunSite| site.config.info.authentication_method = Some(kind.to_owned());
        let studio = Studio::with(set_up);
        studio.sign_in("ada").is(4).says(&["app-session"]);
    }
}

#[test]
fn a_person_signs_in_with_a_code_at_the_terminal() {
    let studio = Studio::with(|site| {
        site.config.app_sessions = false;
        site.config.info.app_sessions = Some(false);
        site.config.people = vec![Person::new("ada", plant("ada's password")).with_code("271828")];
    });
    let mut terminal = Terminal::run_in(studio.home.0.path(), &["login", &studio.url]);
    terminal.when("Username: ", "ada\n").when("Password: ", &format!("{}\n", plant("ada's password")));
    terminal.when("to cancel): ", "000000\n").when("Code (or press Enter to cancel): ", "271828\n");
    terminal.end().is(0).says(&["Signed in to", "as ada."]);
    studio.run(&["whoami"]).is(0).says(&["ada at "]);
}

#[test]
fn a_person_approves_in_a_browser_whose_address_is_shown_without_one() {
    let studio = Studio::new();
    let mut terminal =
        Terminal::run_in(studio.home.0.path(), &["login", &studio.url, "--method", "app-session"]);
    terminal.when("cancel: ", "\n");
    let site = studio.server.site();
    let waiting = until(DEADLINE, || site.lock().unwrap().pending().first().cloned()).unwrap();
    assert_eq!(waiting.app_name, "authctl");
    assert!(site.lock().unwrap().approve(&waiting.id, "ada"));
    terminal.end().is(0).says(&["Signed in to", "as ada.", "Sign in on this page", &studio.url]);
    studio.run(&["whoami"]).is(0).says(&["ada at "]);
}

#[test]
fn where_there_is_no_terminal_the_questions_are_answered_on_standard_input_if_somebody_insists() {
    let studio = Studio::with(|site| {
        site.config.people = vec![Person::new("ada", plant("ada's password")).with_code("271828")];
    });
    let answers = |answers: &[&str]| {
        let mut command = studio.home.command(&["login", &studio.url]);
        command.env("TILED_FORCE_PROMPT", "1");
        end(command, &(answers.join("\n") + "\n"))
    };
    let password = plant("ada's password");
    for cancelled in [&[][..], &["3"], &["2"], &["2", ""], &["2", "ada", ""], &["2", "ada", &password, ""]] {
        let ran = answers(cancelled);
        ran.is(5).says(&["cancelled"]);
    }
    answers(&["2", "ada", &password, "271828"]).is(0).says(&["as ada."]);
    // The way taken last is suggested, and an empty line takes it.
    answers(&["", "ada", &password, "271828"]).is(0).says(&["Method [2]: ", "Username [ada]: "]);
    answers(&["", "", &password, "271828"]).is(0).says(&["as ada."]);
}

#[test]
fn the_page_is_given_to_the_browser_as_one_word_and_shown_if_that_refuses_t3_t4() {
    let folder = tempfile::tempdir().unwrap();
    let (opener, noted) = (folder.path().join("opener"), folder.path().join("noted"));
    fs::write(
        &opener,
        format!("#!/bin/sh\nprintf '%s|' \"$@\" > {0}.new && mv {0}.new {0}\n", noted.display()),
    )
    .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o700)).unwrap();
    for (browser, opens) in [(opener.display().to_string(), true), ("false".to_owned(), false)] {
        let studio = Studio::new();
        let mut command = studio.home.command(&["login", &studio.url, "--method", "app-session"]);
        command.env("TILED_FORCE_PROMPT", "1").env("BROWSER", browser);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        let site = studio.server.site();
        let waiting = until(DEADLINE, || site.lock().unwrap().pending().first().cloned()).unwrap();
        if opens {
            let page = until(DEADLINE, || fs::read_to_string(&noted).ok()).unwrap();
            let words: Vec<_> = page.trim_end_matches('|').split('|').collect();
            assert!(matches!(words[..], [word] if word.starts_with(&studio.url)), "{words:?}");
        }
        assert!(site.lock().unwrap().approve(&waiting.id, "ada"));
        collect(child).is(0).says(&["Sign in on this page", &studio.url, "as ada."]);
    }
}
