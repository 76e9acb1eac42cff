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
