//! The authenticator as this program uses it, and the way from its errors to this program's failures.

use std::sync::{Arc, OnceLock};

use auth_native::blocking::{Authenticator, Cancel, UreqTransport};
use auth_native::error::{AuthError, Sent, TransportFault};
use auth_native::ports::{Dismiss, Prompt, SiteEntry, Transport, Unreachable};
use auth_native::{
    Answer, Error, Notice, PromptFault, Question, Request, Response, TerminalPrompt, address, short_address,
};

use crate::interrupt::Interrupts;
use crate::output;
use crate::report::{Doing, Failure};

/// What this program calls itself towards servers.
const USER_AGENT: &str = concat!("authctl/", env!("CARGO_PKG_VERSION"));

/// An authenticator that a signal stops.
pub(crate) struct Client {
    pub(crate) auth: Authenticator,
    interrupts: Arc<Interrupts>,
}

impl Client {
    /// Builds it. Starts nothing, and speaks to nobody.
    pub(crate) fn new() -> Result<Self, Failure> {
        let cancel = Cancel::new();
        let interrupts = Arc::new(Interrupts::new(cancel.clone()));
        let wire = Wire { interrupts: Arc::clone(&interrupts), ureq: OnceLock::new() };
        let person = Person { interrupts: Arc::clone(&interrupts), terminal: TerminalPrompt::new() };
        let auth = Authenticator::builder()
            .transport(Arc::new(wire))
            .prompt(Arc::new(person))
            .cancel(cancel)
            .build()
            .map_err(|error| Failure::of(&error, None, Doing::Using))?;
        Ok(Self { auth, interrupts })
    }

    /// The site that is meant: the one named, else the one signed in to last.
    pub(crate) fn site(&self, named: Option<String>) -> Result<String, Failure> {
        if let Some(named) = named {
            return Ok(named);
        }
        let first = self.known()?.into_iter().next().ok_or_else(Failure::no_site)?;
        Ok(first.key.site)
    }

    /// The sites somebody signed in to, the last one first.
    pub(crate) fn known(&self) -> Result<Vec<SiteEntry>, Failure> {
        self.auth.sites().map_err(|error| Failure::of(&error, None, Doing::Using))
    }

    /// What went wrong with a site.
    pub(crate) fn failure(&self, error: &Error, site: &str, doing: Doing) -> Failure {
        let mut failure = Failure::of(error, Some(&shown(site)), doing);
        if error.as_auth() == Some(&AuthError::Cancelled) {
            failure.exit = self.interrupts.exit();
        }
        failure
    }
}

/// A site's address as a person would type it.
pub(crate) fn shown(site: &str) -> String {
    match address(site) {
        Ok(uri) => short_address(&uri).to_string(),
        Err(_) => auth_native::Foreign::from(site).to_string(),
    }
}

/// The network. A client for it is made when it is needed, and signals are watched from then on.
struct Wire {
    interrupts: Arc<Interrupts>,
    ureq: OnceLock<Option<UreqTransport>>,
}

impl Transport for Wire {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        self.interrupts.watch();
        let made = self.ureq.get_or_init(|| {
            // Our own name can be written in a header; what the environment names may not be readable.
            UreqTransport::new(USER_AGENT).map_err(|error| output::warning(&error)).ok()
        });
        match made {
            Some(ureq) => ureq.send(request),
            None => Err(Unreachable { fault: TransportFault::Tls, sent: Sent::No }),
        }
    }
}

/// The person at the terminal. Signals are watched from the first question on.
struct Person {
    interrupts: Arc<Interrupts>,
    terminal: TerminalPrompt,
}

impl Prompt for Person {
    fn ask(&self, question: &Question, dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        self.interrupts.watch();
        let answer = self.terminal.ask(question, dismissed);
        self.interrupts.question_ended(answer == Err(PromptFault::Cancelled));
        answer
    }

    fn tell(&self, notice: &Notice) {
        self.terminal.tell(notice);
    }
}
