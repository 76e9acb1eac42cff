//! Many threads of one process that all call a Shotgun site with the same session.
//!
//! `shotgun_client URL THREADS`, the password of `ada` on the first line of standard input. It signs in if nobody is, says
//! `ready`, waits for a line, and then calls once with each thread. How often the person was asked, and what failed, is
//! printed.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::io::stdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use auth_native::blocking::Authenticator;
use auth_native::ports::{Dismiss, Prompt};
use auth_native::shotgun::{Program, ShotgunSite, SignInMethod};
use auth_native::{Answer, Notice, PromptFault, Question, Secret};

struct Ada {
    password: Secret,
    asked: AtomicU32,
}

impl Prompt for Ada {
    fn ask(&self, question: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        match question {
            Question::Method(question) => {
                let is_password = |method: &SignInMethod| *method == SignInMethod::Password;
                let at = question.methods.iter().position(is_password);
                at.map(Answer::Method).ok_or(PromptFault::Cancelled)
            }
            Question::Password(_) => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                Ok(Answer::Password { username: "ada".into(), password: self.password.clone() })
            }
            _ => Err(PromptFault::Cancelled),
        }
    }

    fn tell(&self, _: &Notice) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: shotgun_client URL THREADS");
    let (site, threads) = (next()?.parse::<ShotgunSite>()?, next()?.parse::<usize>()?);
    let mut password = String::new();
    stdin().read_line(&mut password)?;
    let ada = Arc::new(Ada { password: Secret::from(password.trim_end()), asked: AtomicU32::new(0) });
    let prompt: Arc<dyn Prompt> = ada.clone();
    let program = Program { product: "tool".into(), machine: "render07".into() };
    let auth = Authenticator::builder().prompt(prompt).build_shotgun(program)?;
    let connection = auth.connect(auth.user(&site)?.value);
    println!("ready");
    stdin().read_line(&mut String::new())?;
    let failures: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| connection.resolve_entity().err())).collect();
        let ends = threads.into_iter().filter_map(|thread| match thread.join() {
            Ok(end) => end.map(|error| error.to_string()),
            Err(_) => Some("a thread fell over".to_owned()),
        });
        ends.collect()
    });
    println!("{} asked, {} failed {failures:?}", ada.asked.load(Ordering::SeqCst), failures.len());
    Ok(())
}
