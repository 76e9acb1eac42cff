//! Token files as a crash, an editor or somebody else may leave them: no start is broken by them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use auth_native::blocking::{Asker, Authenticator};
use auth_native::error::AuthError;
use auth_native::{Answer, Error, PromptFault, Question, TiledDirectory, address};

use crate::rig::Rig;

const FILES: [&str; 2] = ["access_token", "refresh_token"];

/// What is done to a file.
type Damage = fn(&Path);

const DAMAGES: [(&str, Damage); 6] = [
    ("empty", |file| fs::write(file, "").unwrap()),
    ("cut", |file| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, &text[..text.len() / 2]).unwrap();
    }),
    ("with a line end", |file| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, text + "\n").unwrap();
    }),
    ("not text", |file| fs::write(file, [0xff, 0, 0xfe]).unwrap()),
    ("of another server", |file| fs::write(file, "eyJhbGciOiJIUzI1NiJ9.e30.c29tZWJvZHkncw").unwrap()),
    ("missing", |file| fs::remove_file(file).unwrap()),
];

/// A site somebody is signed in to, with these files damaged, long enough ago to be believed.
fn damaged(rig: &Rig, folder: &Path, files: &[&str], damage: Damage) -> TiledDirectory {
    let store = || TiledDirectory::new(folder.join("cache"), folder.join("state"));
    let auth = Authenticator::builder().store(Arc::new(store())).never_ask().ignore_environment_key();
    auth.build().unwrap().login(&rig.url(), rig.options()).unwrap();
    let tokens = store().token_directory(&address(&rig.url()).unwrap().key()).unwrap();
    for name in files {
        let file = tokens.join(name);
        damage(&file);
        if let Ok(file) = fs::File::options().write(true).open(&file) {
            file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(1)).unwrap();
        }
    }
    store()
}

#[test]
fn a_start_meets_damaged_files_and_ends_signed_in_f4() {
    for (name, damage) in DAMAGES {
        for files in [&FILES[..1], &FILES[1..], &FILES] {
            let (rig, folder) = (Rig::new(), tempfile::tempdir().unwrap());
            let store = Arc::new(damaged(&rig, folder.path(), files, damage));
            let quiet = Authenticator::builder().store(store.clone()).never_ask().ignore_environment_key();
            let quiet = quiet.clock(Rig::watch()).build().unwrap();
            let context = format!("{name}: {files:?}");
            // Who asks nobody goes on, or is told that somebody must sign in, and nothing else.
            match quiet.connect(&rig.url()).and_then(|connection| connection.get("metadata/")) {
                Ok(answer) => assert_eq!(answer.status(), 200, "{context}"),
                Err(Error::Auth(error)) => {
                    assert!(error.ends_session() || error == AuthError::NotSignedIn, "{context}: {error}");
                }
                Err(error) => panic!("{context}: {error}"),
            }
            let password = rig.password.clone();
            let person = Asker::new(move |question: Question| {
                let Question::Password(question) = question else { return Err(PromptFault::Cancelled) };
                let username = question.username.unwrap_or_else(|| "demo".into());
                Ok(Answer::Password { username, password: password.clone() })
            });
            let auth =
                Authenticator::builder().store(store).prompt(Arc::new(person)).ignore_environment_key();
            let connection = auth.clock(Rig::watch()).build().unwrap().connect(&rig.url()).unwrap();
            assert_eq!(connection.get("metadata/").unwrap().status(), 200, "{context}");
            assert_eq!(connection.whoami().unwrap().name().raw(), "demo", "{context}");
        }
    }
}
