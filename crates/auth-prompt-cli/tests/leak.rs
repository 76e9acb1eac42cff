//! Every public type, with secrets wherever one fits: none of them shows it. S1
//!
//! `cargo xtask tidy` sees to it that no type is left out.

use auth_core::Notice;
use auth_core::ports::Prompt as _;
use auth_prompt_cli::{NoPrompt, TerminalPrompt, Waiting};
use canary::{plant, silent};

#[test]
fn prompts_show_none_s1() {
    silent::<TerminalPrompt>(&TerminalPrompt::new());
    silent::<Waiting>(&Waiting::start("a server"));
    let prompt = TerminalPrompt::with_notices(plant("what was written before").into_bytes());
    prompt.tell(&Notice::Waiting(auth_core::Holder::default()));
    silent(&prompt);
    silent::<NoPrompt>(&NoPrompt);
}
