use crate::error::{CannotPrompt, Error, Misuse};
use crate::flow::contract::{Machine, Pending};
use crate::flow::{Event, Outcome, Step};
use crate::foreign::Foreign;
use crate::question::{Answer, PromptFault, Question, SiteQuestion};
use crate::shotgun::ShotgunSite;
use crate::site::UrlError;
use crate::time::Now;

/// How often a person may type one.
const ANSWERS: u8 = 10;

/// Asks a person which site is meant, until what is typed is an address (spec: Shotgun, section 27).
///
/// After ten answers that are none nobody is asked any more.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ChooseSite {
    recent: Vec<Foreign>,
    suggested: Option<Foreign>,
    refused: Option<UrlError>,
    left: u8,
    pending: Pending,
}

impl ChooseSite {
    /// Among the sites somebody signed in to, the last one first; one may be taken if none is typed.
    pub fn new(recent: &[ShotgunSite], suggested: Option<&ShotgunSite>) -> Self {
        let shown = |site: &ShotgunSite| Foreign::from(site.to_string());
        Self {
            recent: recent.iter().map(shown).collect(),
            suggested: suggested.map(shown),
            refused: None,
            left: ANSWERS,
            pending: Pending::default(),
        }
    }

    fn ask(&self) -> Step<ShotgunSite> {
        Step::Ask(Question::Site(SiteQuestion {
            recent: self.recent.clone(),
            suggested: self.suggested.clone(),
            refused: self.refused,
        }))
    }
}

impl Machine for ChooseSite {
    type Output = ShotgunSite;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, _now: Now, event: Event) -> Result<Step<ShotgunSite>, Misuse> {
        Ok(match event {
            Event::Start => self.ask(),
            Event::Answer(Answer::Site(typed)) if typed.is_empty() => Step::Done(Err(Error::Cancelled)),
            Event::Answer(Answer::Site(typed)) => match typed.raw().parse() {
                Ok(site) => Step::Done(Ok(Outcome::clean(site))),
                Err(_) if self.left <= 1 => Step::Done(Err(CannotPrompt::Unanswered.into())),
                Err(error) => {
                    self.left -= 1;
                    self.refused = Some(error);
                    self.ask()
                }
            },
            Event::Answer(_) => return Err(Misuse::BadAnswer),
            Event::PromptFailed(PromptFault::Cannot(reason)) => Step::Done(Err(reason.into())),
            Event::PromptFailed(PromptFault::Cancelled) | Event::Cancel => Step::Done(Err(Error::Cancelled)),
            _ => Step::Done(Err(CannotPrompt::Unanswered.into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::script::Turn;
    use crate::flow::shotgun::script::{ask, run, site};

    fn asked(refused: Option<UrlError>, typed: &str) -> Turn {
        let shown = Foreign::from(site().to_string());
        let question = SiteQuestion { recent: vec![shown.clone()], suggested: Some(shown), refused };
        (ask(Question::Site(question)), Event::Answer(Answer::Site(typed.into())))
    }

    #[test]
    fn a_site_is_asked_for_until_it_is_one() {
        let flow = || ChooseSite::new(&[site()], Some(&site()));
        let turns = [
            asked(None, "ftp://studio.example"),
            asked(Some(UrlError::Scheme), "joe@studio.example"),
            asked(Some(UrlError::Userinfo), " Studio.example/projects"),
        ];
        let chosen = run(flow(), turns).unwrap().value;
        assert_eq!(chosen.to_string(), "https://studio.example");
        assert_eq!(run(flow(), [asked(None, "")]), Err(Error::Cancelled));
        let more = (1..ANSWERS).map(|_| asked(Some(UrlError::Scheme), "x://y"));
        let never = [asked(None, "x://y")].into_iter().chain(more);
        assert_eq!(run(flow(), never), Err(CannotPrompt::Unanswered.into()));
    }
}
