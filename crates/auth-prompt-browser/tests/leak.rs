//! Every public type, with secrets wherever one fits: none of them shows it. S1
//!
//! `cargo xtask tidy` sees to it that no type is left out.

use auth_core::error::PageFault;
use auth_core::ports::{Dismiss, Prompt};
use auth_core::site::Url;
use auth_core::{Answer, Foreign, Notice, PromptFault, Question};
use auth_prompt_browser::{OpenFault, WithBrowser, open};
use canary::{plant, silent, silent_error};

#[derive(Debug)]
struct Nobody;

impl Prompt for Nobody {
    fn ask(&self, _: &Question, _: &Dismiss) -> Result<Answer, PromptFault> {
        Err(PromptFault::Cancelled)
    }

    fn tell(&self, _: &Notice) {}
}

#[test]
fn what_is_told_of_a_page_shows_none_of_its_query_s1() {
    let page = "http://studio.example/".parse::<Url>().unwrap().with_query(&plant("a ticket"));
    silent_error::<OpenFault>(&open(&page).unwrap_err());
    silent_error::<OpenFault>(&PageFault::Exposed.into());
    silent_error::<OpenFault>(&OpenFault::NotStarted { opener: "b".into(), why: Foreign::from("no") });
    let prompt = WithBrowser::new(Nobody);
    prompt.tell(&Notice::Page { origin: page.origin().clone(), page });
    silent::<WithBrowser<Nobody>>(&prompt);
}
