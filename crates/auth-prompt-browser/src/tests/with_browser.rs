use std::sync::Mutex;

use auth_core::error::CannotPrompt;
use auth_core::site::Origin;
use auth_core::{Holder, ProviderQuestion};

use super::*;

/// Notes what it is told, and answers with what it is asked.
#[derive(Default)]
struct Noting(Mutex<Vec<String>>);

impl Noting {
    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }

    fn notes(self) -> Vec<String> {
        self.0.into_inner().unwrap()
    }
}

impl Prompt for Noting {
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        self.note(&format!("asked {question:?}"));
        // It is the dismissal itself that arrives, and what is done with it is seen outside.
        dismissed.dismiss();
        Err(PromptFault::Cannot(CannotPrompt::HungUp))
    }

    fn tell(&self, notice: &Notice) {
        self.note(match notice {
            Notice::Page { .. } => "page told",
            _ => "told",
        });
    }
}

fn origin() -> Origin {
    "https://studio.example".parse::<Url>().unwrap().origin().clone()
}

fn page(address: &str) -> Notice {
    Notice::Page { page: address.parse().unwrap(), origin: origin() }
}

#[test]
fn a_page_is_opened_and_told_and_nothing_else_is_opened() {
    let own = ["opened https://studio.example/p", "page told"];
    let other = ["opened https://other.example/p", "page told"];
    let cases = [
        (page("https://studio.example/p"), &own[..]),
        (page("https://other.example/p"), &other),
        (Notice::Waiting(Holder::default()), &["told"]),
        (Notice::PlainHttp(origin()), &["told"]),
    ];
    for (notice, expected) in cases {
        // Whether it can be opened makes no difference.
        for result in [Ok(()), Err(OpenFault::NoDesktop)] {
            let noting = Noting::default();
            tell(&noting, &notice, |page| {
                noting.note(&format!("opened {page}"));
                result
            });
            assert_eq!(noting.notes(), expected, "{notice:?}");
        }
    }
}

#[test]
fn a_page_that_is_not_opened_is_told_all_the_same_t3() {
    let prompt = WithBrowser::new(Noting::default());
    // Refused before any program is looked for.
    prompt.tell(&page("http://studio.example/p"));
    assert_eq!(prompt.0.notes(), ["page told"]);
}

#[test]
fn questions_are_the_other_prompts() {
    let prompt = WithBrowser::new(Noting::default());
    let question = Question::Provider(ProviderQuestion { origin: origin(), providers: vec!["toy".into()] });
    let dismissed = Dismiss::new();
    let answer = prompt.ask(&question, &dismissed);
    assert_eq!(answer, Err(PromptFault::Cannot(CannotPrompt::HungUp)));
    assert!(dismissed.is_dismissed());
    assert_eq!(prompt.0.notes(), [format!("asked {question:?}")]);
}
