//! An application with a way of its own to ask: here two lines of standard input, where others have a window. It is asked
//! when it connects, and once more when its session has been ended elsewhere: `custom_application http://127.0.0.1:8000`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an application talks to its user")]

use std::error::Error;
use std::io::{self, BufRead as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use auth_native::blocking::Asker;
use auth_native::nonblocking::{Authenticator, Threaded};
use auth_native::{Answer, Foreign, PromptFault, Question, Secret, SessionEvent};

/// Shows where a password goes to, and takes it. It waits for a line, and so is asked on a thread of its own.
fn ask(question: Question) -> Result<Answer, PromptFault> {
    let Question::Password(question) = question else { return Err(PromptFault::Cancelled) };
    println!("{} asks for a password (provider {})", question.origin, question.provider);
    let line = || io::stdin().lock().lines().next().and_then(Result::ok).ok_or(PromptFault::Cancelled);
    // Who was signed in before need not say so again.
    let username = question.username.map_or_else(|| line().map(Foreign::new), Ok)?;
    Ok(Answer::Password { username, password: Secret::from(line()?) })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: custom_application URL")?;
    let prompt = Threaded::new(Arc::new(Asker::new(ask)));
    let auth = Authenticator::builder().user_agent("custom/0.1").prompt(Arc::new(prompt)).build()?;
    let connection = auth.connect(&url).await?;
    let _told = connection.subscribe(|event| match event {
        SessionEvent::NeedsPerson => println!("the session has ended: somebody has to sign in again"),
        SessionEvent::Changed => println!("the session has changed"),
        other => eprintln!("{other:?}"),
    });
    println!("signed in as {}", connection.whoami().await?.name());
    println!("the root was answered with {}", connection.get("metadata/").await?.status());

    // As the same person might do at another machine.
    for session in connection.sessions().await?.iter().filter(|session| !session.revoked) {
        connection.revoke_session(session.uuid.raw()).await?;
    }
    // Longer than the token lasts: the session would have to be renewed, and is over.
    connection.token(Some(Duration::from_hours(24))).await?;
    println!("signed in again as {}", connection.whoami().await?.name());
    Ok(())
}
