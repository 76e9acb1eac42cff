use super::contract::{Machine, Pending};
use super::{Event, Outcome, Step};
use crate::error::{Error, Misuse};
use crate::question::Notice;
use crate::time::Now;

/// Tells the user one thing, and ends well even if it could not be told.
///
/// ```text
/// Tell ─▶ Done
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Tell {
    notice: Notice,
    pending: Pending,
}

impl Tell {
    /// Tells this.
    pub fn new(notice: Notice) -> Self {
        Self { notice, pending: Pending::default() }
    }
}

impl Machine for Tell {
    type Output = ();

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, _now: Now, event: Event) -> Result<Step<()>, Misuse> {
        Ok(match event {
            Event::Start => Step::Tell(self.notice.clone()),
            Event::Cancel => Step::Done(Err(Error::Cancelled)),
            _ => Step::Done(Ok(Outcome::clean(()))),
        })
    }
}
