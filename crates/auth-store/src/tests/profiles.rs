use super::*;

struct Folders(tempfile::TempDir);

impl Folders {
    fn new(files: &[(&str, &str)]) -> Self {
        let folders = Self(tempfile::tempdir().unwrap());
        for (path, content) in files {
            let path = folders.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folders
    }

    fn profiles(&self) -> Profiles {
        Profiles::new(
            ["site/profiles", "user/profiles", "site/profiles"].map(|name| self.0.path().join(name)),
        )
    }
}

fn uri(profiles: &Profiles, name: &str) -> Result<String, ProfileError> {
    profiles.load().get(name).map(|profile| profile.uri.expose().to_owned())
}

#[test]
fn the_later_folder_counts_and_other_files_do_not() {
    let folders = Folders::new(&[
        ("site/profiles/all.yml", "a: {uri: 'http://site/a'}\nb: {uri: 'http://site/b'}\n"),
        ("user/profiles/mine.yaml", "b: {uri: 'http://user/b'}\n"),
        ("user/profiles/.hidden.yml", "c: {uri: 'http://hidden'}\n"),
        ("user/profiles/notes.txt", "c: {uri: 'http://notes'}\n"),
        ("user/profiles/empty.yml", ""),
    ]);
    let profiles = folders.profiles();
    assert_eq!(uri(&profiles, "a"), Ok("http://site/a".to_owned()));
    assert_eq!(uri(&profiles, "b"), Ok("http://user/b".to_owned()));
    let error = uri(&profiles, "c").unwrap_err();
    assert_eq!(error.to_string(), "there is no profile \"c\"; there are: a, b");
    let nowhere = Profiles::new([folders.0.path().join("nowhere")]);
    assert_eq!(uri(&nowhere, "a").unwrap_err().to_string(), "there is no profile \"a\"; there are none");
    assert!(profiles.load().warnings.is_empty());
}

#[test]
fn what_signing_in_needs_is_read_and_the_rest_named() {
    let folders = Folders::new(&[(
        "user/profiles/p.yml",
        "lab:\n  uri: https://lab\n  username: alice\n  auth_provider: ldap\n  verify: false\n  headers: {x: y}\n\
         tree:\n  direct: {trees: []}\n",
    )]);
    let profile = folders.profiles().load().get("lab").unwrap().clone();
    assert_eq!((profile.username, profile.provider), (Some("alice".into()), Some("ldap".into())));
    assert_eq!(profile.ignored, ["verify".into(), "headers".into()]);
    assert_eq!(folders.profiles().load().get("tree"), Err(ProfileError::Direct("tree".into())));
}

#[test]
fn a_bad_file_is_left_out_and_a_name_that_stands_twice_too() {
    let secret = canary::plant("a key in a profile");
    let broken = [
        format!("a: [{secret}"),
        format!("a: {{uri: 'http://h/?api_key={secret}', direct: {{}}}}"),
        "a: {headers: {}}".to_owned(),
        "a: 7".to_owned(),
        "- a".to_owned(),
        "7: {uri: x}".to_owned(),
        "a: {uri: [x]}".to_owned(),
    ];
    for text in &broken {
        let folders = Folders::new(&[
            ("user/profiles/bad.yml", text),
            ("user/profiles/good.yml", "good: {uri: 'http://good'}"),
        ]);
        let list = folders.profiles().load();
        assert_eq!(list.profiles.keys().collect::<Vec<_>>(), ["good"], "{text}");
        let warning = list.warnings[0].to_string();
        assert!(warning.contains("bad.yml is left out: "), "{warning}");
        canary::assert_silent(format!("{list:?} {warning}"));
    }
    let twice = Folders::new(&[
        ("site/profiles/p.yml", "a: {uri: 'http://site'}"),
        ("user/profiles/one.yml", "a: {uri: 'http://one'}\nb: {uri: 'http://b'}"),
        ("user/profiles/two.yml", "a: {uri: 'http://two'}"),
    ]);
    assert_eq!(uri(&twice.profiles(), "a"), Ok("http://site".to_owned()));
    assert_eq!(uri(&twice.profiles(), "b"), Ok("http://b".to_owned()));
    assert_eq!(twice.profiles().load().warnings.len(), 1);
}

#[test]
fn the_default_is_named_beside_the_last_folder() {
    for (content, name) in [("lab", Some("lab")), ("lab\n", Some("lab")), ("", None)] {
        let folders = Folders::new(&[("user/default_profile", content)]);
        assert_eq!(folders.profiles().default_name().as_deref(), name);
    }
    assert_eq!(Folders::new(&[]).profiles().default_name(), None);
}

/// A load that waits for ever fails the test, and ends with it.
#[cfg(unix)]
fn load_soon(profiles: Profiles) -> (ProfileList, Option<String>) {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send((profiles.load(), profiles.default_name())));
    told.recv_timeout(std::time::Duration::from_secs(30)).expect("loading profiles does not end")
}

#[cfg(unix)]
#[test]
fn fifo_among_the_profiles_keeps_nobody_waiting_p9() {
    use rustix::fs::{CWD, FileType, Mode};

    let folders = Folders::new(&[("user/profiles/good.yml", "good: {uri: 'http://good'}")]);
    for name in ["user/profiles/fifo.yml", "user/default_profile"] {
        let path = folders.0.path().join(name);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }
    fs::create_dir(folders.0.path().join("user/profiles/folder.yml")).unwrap();
    let (list, default) = load_soon(folders.profiles());
    assert_eq!(list.profiles.keys().collect::<Vec<_>>(), ["good"]);
    let warnings: Vec<_> = list.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2);
    for warning in warnings {
        assert!(warning.ends_with(".yml is left out: it is not a regular file"), "{warning}");
    }
    assert_eq!(default, None);
}

#[cfg(unix)]
#[test]
fn profiles_behind_links_are_read() {
    let folders = Folders::new(&[("shared/lab.yml", "lab: {uri: 'http://lab'}")]);
    let link = |to: &str, at: &str| {
        std::os::unix::fs::symlink(folders.0.path().join(to), folders.0.path().join(at)).unwrap();
    };
    fs::create_dir_all(folders.0.path().join("user")).unwrap();
    link("shared", "user/profiles");
    link("shared/lab.yml", "shared/other.yaml");
    let list = folders.profiles().load();
    // The same name twice in one folder.
    assert_eq!((list.profiles.len(), list.warnings.len()), (0, 1));
    fs::remove_file(folders.0.path().join("shared/other.yaml")).unwrap();
    assert_eq!(uri(&folders.profiles(), "lab"), Ok("http://lab".to_owned()));
}

#[test]
fn file_beyond_its_size_is_left_out_p9() {
    let text = |length: usize| format!("lab: {{uri: 'http://lab'}}\n#{}", "x".repeat(length - 26));
    for (length, warnings) in [(1024 * 1024, 0), (1024 * 1024 + 1, 1)] {
        let text = text(length);
        assert_eq!(text.len(), length);
        let list = Folders::new(&[("user/profiles/p.yml", &text)]).profiles().load();
        assert_eq!((list.profiles.len(), list.warnings.len()), (1 - warnings, warnings));
    }
}

#[test]
fn nesting_is_refused_before_the_parser_sees_it_p1() {
    let levels = |count: usize| (0..count).map(|level| " ".repeat(level) + "a:\n").collect::<String>();
    let deep = "is nested more than 32 levels deep";
    let cases = [
        ("[".repeat(80_000), format!("line 1 {deep}")),
        ("{a: ".repeat(80_000), format!("line 1 {deep}")),
        ("a: 'x\ny' \nb: [".to_owned() + &"\"]\", [".repeat(50_000), format!("line 3 {deep}")),
        (format!("a:\n{}", "[\n".repeat(80_000)), format!("line 33 {deep}")),
        ("- ".repeat(80_000), format!("line 1 {deep}")),
        ("? ".repeat(80_000), format!("line 1 {deep}")),
        (levels(1_000), format!("line 33 {deep}")),
        ("a:\r - b:\r  - ".replace("b:", &"- ".repeat(40)), format!("line 1 {deep}")),
        // Which of them the parser takes for brackets is open: they are few enough.
        (
            format!("a: 'b\nc: {}", "[".repeat(80_000)),
            "line 2 opens more than 4096 brackets in all".to_owned(),
        ),
        (
            format!("a: b\n \"c\nd: {}", r"\[".repeat(80_000)),
            "line 3 opens more than 4096 brackets in all".to_owned(),
        ),
        (
            format!("a: b\n # {}", "[".repeat(80_000)),
            "line 2 opens more than 4096 brackets in all".to_owned(),
        ),
        ("%TAG !a! b\n".repeat(90_000), "line 33 is one of more than 32 directives".to_owned()),
    ];
    for (text, why) in cases {
        let start: String = text.chars().take(20).collect();
        let list = Folders::new(&[("user/profiles/deep.yml", &text)]).profiles().load();
        let warning = list.warnings.first().map(ToString::to_string).unwrap_or_default();
        assert!(warning.ends_with(&format!("deep.yml is left out: {why}")), "{start:?}: {warning}");
    }
}

#[test]
fn nesting_that_the_count_misses_is_refused_by_the_parser_p1() {
    for text in [
        format!("- b [\n{}", "- ".repeat(500_000)),
        format!("- b [\n{}", "? ".repeat(500_000)),
        format!("a: b\n \"c\nd: {}", "[".repeat(4_096)),
        format!("- b [\n{}", (0..1_400).map(|level| " ".repeat(level) + "a:\n").collect::<String>()),
    ] {
        let list = Folders::new(&[("user/profiles/deep.yml", &text)]).profiles().load();
        let warning = list.warnings.first().map(ToString::to_string).unwrap_or_default();
        assert!(warning.ends_with("is not YAML"), "{warning}");
    }
}

#[test]
fn reasonable_files_are_not_taken_for_nested_ones() {
    let lists = "  - [a, {b: [c]}]\n".repeat(1_000);
    let profile = |n: u32| format!("p{n}: {{uri: 'http://h/{n}', headers: {{x: y}}}}\n");
    let many: String = (0..1_000).map(profile).collect();
    let cases = [
        format!("lab:\n  uri: http://h\n  list:\n{lists}"),
        format!("lab:\n  uri: http://h\n  note: it's ]]] a [ 'note'\n  other: \"{}\"\n", "[{".repeat(100)),
        format!("# {}\nlab: {{uri: 'http://h'}}", "[".repeat(100)),
        format!("lab:\n  uri: http://h # {}\n", "{".repeat(100)),
        "lab:\n  uri: http://h\n  text: |\n    - a [\n    it's\n      \"quoted\n".to_owned(),
        "lab:\n  uri: http://h\n  text: 'it''s [[ \n    - - - -\n    '\n".to_owned(),
        "%YAML 1.2\n---\nlab:\n- \n  - x\n".replace("lab:\n- \n  - x\n", "lab: {uri: 'http://h'}\n"),
        format!("{many}lab: {{uri: 'http://h'}}\n"),
    ];
    for text in cases {
        let list = Folders::new(&[("user/profiles/p.yml", &text)]).profiles().load();
        assert!(list.profiles.contains_key("lab"), "{text} {:?}", list.warnings);
    }
}
