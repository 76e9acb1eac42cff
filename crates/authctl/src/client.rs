//! The authenticator as this program uses it, and the way from its errors to this program's failures.

use std::path::Path;
use std::sync::{Arc, LazyLock, Once, OnceLock};
use std::time::Duration;

use auth_native::blocking::shotgun::Authenticator as Studio;
use auth_native::blocking::{Authenticator, Builder, Cancel, TransportError, Underway, UreqTransport};
use auth_native::error::{AuthError, Policy, Sent, TransportFault};
use auth_native::ports::{Dismiss, Prompt, SiteEntry, Store, Transport, Unreachable};
use auth_native::shotgun::{Program, ShotgunSite};
use auth_native::{
    Answer, Error, Foreign, KeyQuestion, Notice, Profile, Profiles, PromptFault, Question, Request, Response,
    Secret, TerminalPrompt, TiledDirectory, TiledUri, Waiting, WithBrowser, address,
};

use crate::interrupt::Interrupts;
use crate::kind::{self, Kind};
use crate::output;
use crate::plan::Target;
use crate::report::{Doing, Failure};

/// What this program calls itself towards servers.
const USER_AGENT: &str = concat!("authctl/", env!("CARGO_PKG_VERSION"));

/// What all clients of this program may not be cut short in.
static UNDERWAY: LazyLock<Underway> = LazyLock::new(Underway::new);

/// How long a save that a command has given up is still waited for at the end. The command itself waits for a minute.
const FINISHED_WITHIN: Duration = Duration::from_mins(1);

/// Waits for sessions that are being saved, before this program exits.
pub(crate) fn finish() {
    if !UNDERWAY.finish(FINISHED_WITHIN) {
        output::warning(&"a change of the stored sessions has not ended, and is given up");
    }
}

/// An authenticator that a signal stops.
pub(crate) struct Client {
    pub(crate) auth: Authenticator,
    interrupts: Arc<Interrupts>,
    wire: Arc<Wire>,
    person: Arc<Person>,
    cancel: Cancel,
    store: Option<Arc<dyn Store>>,
}

impl Client {
    /// Builds it. Starts nothing, and speaks to nobody but a person whose folders are not safe.
    pub(crate) fn new() -> Result<Self, Failure> {
        tell_of_folders();
        Self::with(None)
    }

    /// The same with sessions in a folder of their own.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, Failure> {
        Self::on(Arc::new(directory(folder)))
    }

    /// The same with sessions in a store of their own.
    pub(crate) fn on(store: Arc<dyn Store>) -> Result<Self, Failure> {
        Self::with(Some(store))
    }

    fn with(store: Option<Arc<dyn Store>>) -> Result<Self, Failure> {
        let cancel = Cancel::new();
        let interrupts = Arc::new(Interrupts::new(cancel.clone(), || UNDERWAY.has_unsaved()));
        let wire = Arc::new(Wire { interrupts: Arc::clone(&interrupts), ureq: OnceLock::new() });
        let terminal = WithBrowser::new(TerminalPrompt::new());
        let person = Arc::new(Person { interrupts: Arc::clone(&interrupts), terminal });
        let builder = builder(&wire, &person, &cancel, store.as_ref());
        let auth = builder.build().map_err(|error| Failure::of(&error, None, Doing::Using))?;
        Ok(Self { auth, interrupts, wire, person, cancel, store })
    }

    /// The same for Shotgun sites.
    pub(crate) fn studio(&self, never_ask: bool, allow_http: bool) -> Result<Studio, Failure> {
        let builder = builder(&self.wire, &self.person, &self.cancel, self.store.as_ref());
        let builder = if never_ask { builder.never_ask() } else { builder };
        let program = Program { product: "authctl".into(), machine: machine() };
        let built = builder.allow_http(allow_http).build_shotgun(program);
        built.map_err(|error| Failure::of(&error, None, Doing::Using))
    }

    /// The Shotgun site at an address, if it is known to be one.
    pub(crate) fn shotgun(&self, site: &str) -> Result<Option<ShotgunSite>, Failure> {
        Ok(Kind::of(site, &self.known()?, None).shotgun())
    }

    /// The Shotgun site at an address where a Tiled server was looked for, if whoever answers may be one and is.
    pub(crate) fn found_out(&self, site: &str, error: &Error) -> Result<Option<ShotgunSite>, Failure> {
        let Kind::Unknown(Some(shotgun)) = Kind::of(site, &self.known()?, None) else { return Ok(None) };
        if !error.as_auth().is_some_and(kind::may_be_another) {
            return Ok(None);
        }
        Ok(self.studio(true, false)?.discover(&shotgun).is_ok().then_some(shotgun))
    }

    /// Asks the person for a script's key.
    pub(crate) fn ask_key(&self, site: &ShotgunSite, script: &str) -> Result<Secret, Failure> {
        let question = Question::Key(KeyQuestion { origin: site.origin().clone(), name: script.into() });
        match self.person.ask(&question, &Dismiss::new()) {
            Ok(Answer::Key(key)) => Ok(key),
            Ok(_) | Err(PromptFault::Cancelled | PromptFault::Suspended) => {
                Err(self.failure(&AuthError::Cancelled.into(), &site.to_string(), Doing::AsScript))
            }
            Err(PromptFault::Cannot(why)) => {
                let error = AuthError::CannotPrompt(why);
                Err(self.failure(&error.into(), &site.to_string(), Doing::AsScript))
            }
        }
    }

    /// Watches signals from now on: whatever is started now would outlive this program.
    pub(crate) fn watch(&self) {
        self.interrupts.watch();
    }

    /// What stops whatever this client does.
    pub(crate) fn stop(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The last signal that came; zero if none did.
    pub(crate) fn signal(&self) -> i32 {
        self.interrupts.signal()
    }

    /// The site that is meant. An API key has no place here.
    pub(crate) fn site(&self, target: Target) -> Result<String, Failure> {
        Ok(self.place_of_session(target)?.site)
    }

    /// The site that is meant, and the API key to show there: that of its profile, or if it was named that of the
    /// environment.
    pub(crate) fn site_and_key(&self, target: Target) -> Result<(String, Option<Secret>), Failure> {
        let is_named = target != Target::Last;
        let Place { site, key, .. } = self.place(target)?;
        let of_environment = || std::env::var("TILED_API_KEY").ok().filter(|key| is_named && !key.is_empty());
        Ok((site, key.or_else(|| of_environment().map(Secret::from))))
    }

    /// The site to sign in to, which is named or that of the default profile.
    pub(crate) fn place_to_sign_in(&self, target: Target) -> Result<Place, Failure> {
        let place = match target {
            Target::Last => match Profiles::from_env().default_name() {
                Some(name) => profile(&name)?,
                None => {
                    return Err(Failure::usage(
                        "no site is named, and no default profile",
                        "Name the site: `authctl login http://HOST:PORT`.",
                    ));
                }
            },
            named => self.place(named)?,
        };
        place.without_key()
    }

    fn place(&self, target: Target) -> Result<Place, Failure> {
        match target {
            Target::Url(site) => Ok(Place { site, ..Place::default() }),
            Target::Profile(name) => profile(&name),
            Target::Last => match self.known()?.into_iter().next() {
                Some(first) => Ok(Place { site: first.key.site, ..Place::default() }),
                None => match Profiles::from_env().default_name() {
                    Some(name) => profile(&name),
                    None => Err(Failure::no_site()),
                },
            },
        }
    }

    /// The site that is meant, with what a profile says of it. An API key has no place here.
    pub(crate) fn place_of_session(&self, target: Target) -> Result<Place, Failure> {
        self.place(target)?.without_key()
    }

    /// The sites somebody signed in to, the last one first.
    pub(crate) fn known(&self) -> Result<Vec<SiteEntry>, Failure> {
        self.auth.sites().map_err(|error| Failure::of(&error, None, Doing::Using))
    }

    /// What went wrong with a site.
    pub(crate) fn failure(&self, error: &Error, site: &str, doing: Doing) -> Failure {
        // Without a client for it the network was not even tried.
        if let Some(Err(error)) = self.wire.ureq.get() {
            return Failure::of(&error.clone().into(), None, doing);
        }
        let mut failure = Failure::of(error, Some(&shown(site)), doing);
        if error.as_auth() == Some(&AuthError::Cancelled) {
            failure.exit = self.interrupts.exit();
        }
        failure
    }
}

/// Warns, once in a run, of a folder in which another user could put another folder in the place of ours.
fn tell_of_folders() {
    static TOLD: Once = Once::new();
    // If something is wrong with the folders, whatever uses them says so.
    TOLD.call_once(|| {
        if let Ok(Some(path)) = TiledDirectory::from_env().and_then(|store| store.exposed_parent()) {
            let path = Foreign::new(path.to_string_lossy());
            output::warning(&format!(
                "other users can replace folders in {path}, so only sessions saved by authctl are used; run \
                 `chmod go-w {path}` if it is yours"
            ));
        }
    });
}

/// The store of sessions in a folder of their own.
pub(crate) fn directory(folder: &Path) -> TiledDirectory {
    TiledDirectory::new(folder.join("cache"), folder.join("state"))
}

fn builder(
    wire: &Arc<Wire>,
    person: &Arc<Person>,
    cancel: &Cancel,
    store: Option<&Arc<dyn Store>>,
) -> Builder {
    let builder = Authenticator::builder()
        .transport(Arc::clone(wire) as Arc<dyn Transport>)
        .prompt(Arc::clone(person) as Arc<dyn Prompt>)
        .ignore_environment_key()
        .underway(UNDERWAY.clone())
        .cancel(cancel.clone());
    match store {
        Some(store) => builder.store(Arc::clone(store)),
        None => builder,
    }
}

/// What this machine calls itself.
#[cfg(unix)]
fn machine() -> Foreign {
    Foreign::new(rustix::system::uname().nodename().to_string_lossy())
}

#[cfg(not(unix))]
fn machine() -> Foreign {
    Foreign::new(std::env::var("COMPUTERNAME").unwrap_or_default())
}

/// A site that is meant, and what a profile says of it.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) site: String,
    pub(crate) username: Option<Foreign>,
    pub(crate) provider: Option<Foreign>,
    /// The profile that says so.
    pub(crate) profile: Option<Foreign>,
    key: Option<Secret>,
}

impl Place {
    /// Says no where an API key has no place.
    fn without_key(self) -> Result<Self, Failure> {
        if self.key.is_some() { Err(Failure::address(&Error::ApiKey)) } else { Ok(self) }
    }
}

/// What a profile means. What of it is of no use here is told.
fn profile(name: &str) -> Result<Place, Failure> {
    let found = Profiles::from_env().load();
    found.warnings.iter().for_each(|warning| output::warning(warning));
    let profile = found.get(name).map_err(|error| Failure::profile(&error))?;
    let name = Foreign::from(name);
    if !profile.ignored.is_empty() {
        let names = profile.ignored.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        output::warning(&format!(
            "the profile {name:?} says more than is of use here, which is ignored: {names}"
        ));
    }
    let no_address = |error| Failure::address(&Error::Address(error)).in_profile(&name);
    let (uri, key) = profile.uri.expose().parse::<TiledUri>().map_err(no_address)?.take_api_key();
    let Profile { username, provider, .. } = profile.clone();
    if let Err(blank) = Policy::check_names(&username) {
        return Err(Failure::usage(&blank.to_string(), "").in_profile(&name));
    }
    Ok(Place { site: uri.given().to_string(), username, provider, profile: Some(name), key })
}

/// A site's address as a person would type it.
pub(crate) fn shown(site: &str) -> String {
    match address(site) {
        Ok(uri) => uri.to_string(),
        Err(_) => auth_native::Foreign::from(site).to_string(),
    }
}

/// The network. A client for it is made when it is needed, and signals are watched from then on.
struct Wire {
    interrupts: Arc<Interrupts>,
    ureq: OnceLock<Result<UreqTransport, TransportError>>,
}

impl Transport for Wire {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        self.interrupts.watch();
        let _waiting = Waiting::start(&format!("waiting for {}", request.url.origin()));
        // Our own name can be written in a header; what the environment names may not be readable.
        match self.ureq.get_or_init(|| UreqTransport::new(USER_AGENT)) {
            Ok(ureq) => ureq.send(request),
            Err(_) => Err(Unreachable { fault: TransportFault::Tls, sent: Sent::No }),
        }
    }
}

/// The person at the terminal, whose pages open in a browser. Signals are watched from the first question on.
struct Person {
    interrupts: Arc<Interrupts>,
    terminal: WithBrowser<TerminalPrompt>,
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
