//! A process that asks a person, who knows the password and needs a second to type it, for `cargo xtask bench stampede`.
//!
//! `bench_person URL USER sign-in|start|use`, the password on the first line of standard input. `sign-in` keeps a session
//! and ends. The others say `ready`, wait for a line and read once: `start` connects after that line, `use` has
//! connected before it. How often the person was asked is printed, and why it failed if it did.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::io::stdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use auth_native::blocking::Authenticator;
use auth_native::ports::{Dismiss, Prompt};
use auth_native::{Answer, Foreign, LoginOptions, Notice, PromptFault, Question, Response, Secret};

struct Person {
    user: String,
    password: Secret,
    asked: AtomicU32,
}

impl Prompt for Person {
    fn ask(&self, question: &Question, _dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_secs(1));
        match question {
            Question::Password(question) => Ok(Answer::Password {
                username: question.username.clone().unwrap_or_else(|| Foreign::new(self.user.as_str())),
                password: self.password.clone(),
            }),
            _ => Err(PromptFault::Cancelled),
        }
    }

    fn tell(&self, _notice: &Notice) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: bench_person URL USER sign-in|start|use");
    let (url, user, way) = (next()?, next()?, next()?);
    let mut password = String::new();
    stdin().read_line(&mut password)?;
    let password = Secret::from(password.trim_end());
    let person =
        Arc::new(Person { user: user.clone(), password: password.clone(), asked: AtomicU32::new(0) });
    let prompt: Arc<dyn Prompt> = person.clone();
    let auth = Authenticator::builder().prompt(prompt).build()?;
    let go = || {
        println!("ready");
        stdin().read_line(&mut String::new())
    };
    let answer = match way.as_str() {
        "sign-in" => {
            let options = LoginOptions {
                username: Some(user.as_str().into()),
                password: Some(password),
                ..LoginOptions::default()
            };
            auth.login(&url, options)?;
            return Ok(());
        }
        "start" => {
            go()?;
            auth.connect(&url).and_then(|connection| connection.get("metadata/"))
        }
        "use" => {
            let connection = auth.connect(&url)?;
            go()?;
            connection.get("metadata/")
        }
        _ => return Err("no such way".into()),
    };
    let asked = person.asked.load(Ordering::SeqCst);
    println!("{asked} asked {}", failed(answer).unwrap_or_default());
    Ok(())
}

fn failed(answer: Result<Response, auth_native::Error>) -> Option<String> {
    match answer {
        Ok(answer) if answer.is_success() => None,
        Ok(answer) => Some(answer.status().to_string()),
        Err(error) => Some(error.to_string()),
    }
}
