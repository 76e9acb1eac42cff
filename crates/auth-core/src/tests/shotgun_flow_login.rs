use super::*;
use crate::error::{Sent, StoreFaultKind, TransportFault, Trouble};
use crate::flow::script::{Expected, Turn, with};
use crate::flow::shotgun::script::*;
use crate::question::{BrowserQuestion, PasswordQuestion};

fn login(options: LoginOptions) -> Login {
    Login::new(site(), program(), options, seed())
}

fn reusing(username: &str) -> LoginOptions {
    let username = (!username.is_empty()).then(|| Foreign::from(username));
    LoginOptions { reuse: true, username, ..LoginOptions::default() }
}

fn given() -> LoginOptions {
    LoginOptions { username: Some("ada".into()), password: Some(secret("pw")), ..LoginOptions::default() }
}

fn password(username: Option<&str>) -> Turn {
    let question = PasswordQuestion {
        origin: site().origin().clone(),
        provider: Foreign::default(),
        username: username.map(Foreign::from),
        suggested: None,
        refused: false,
        left: 3,
    };
    let answer = Answer::Password { username: "ada".into(), password: secret("pw") };
    (ask(Question::Password(question)), Event::Answer(answer))
}

fn signed_in(result: Result<Outcome<SignedIn>, Error>, reused: bool) -> Session {
    let outcome = result.unwrap();
    assert_eq!((outcome.value.login, outcome.value.reused), ("ada".into(), reused));
    outcome.value.session
}

fn step(step: Step<()>) -> Expected {
    Expected::Step(step)
}

fn got() -> Turn {
    (sign_in("ada", "pw", None), granted("new"))
}

#[test]
fn a_stored_session_is_used_and_nobody_is_asked() {
    let stored = session("ada", "old");
    let turns = [(load("ada"), found(&stored))];
    assert_eq!(signed_in(run(login(reusing("Ada")), turns), true), stored);
    // Whoever signed in last.
    let turns = [(load(""), found(&stored))];
    assert_eq!(signed_in(run(login(reusing("")), turns), true), stored);
}

#[test]
fn without_one_somebody_signs_in_and_the_session_is_kept() {
    let none = (load(""), Event::Loaded(Loaded::None));
    let turns = with(
        [none, knows("default", false), password(None), got()],
        kept("ada", "new", SignInMethod::Password),
    );
    assert_eq!(signed_in(run(login(reusing("")), turns), false), session("ada", "new"));
    let turns = with([knows("oxygen", false), got()], kept("ada", "new", SignInMethod::Password));
    assert_eq!(signed_in(run(login(given()), turns), false), session("ada", "new"));
}

#[test]
fn logins_of_a_site_share_the_prompt_lock_and_its_history() {
    use crate::flow::Governor;
    use crate::ports::Asked;
    use crate::time::Timestamp;

    let nothing = || (load("ada"), Event::Loaded(Loaded::None));
    let lock = Resource::Lock { kind: LockKind::Prompt, key: site().site_key() };
    let open = Step::Open { what: lock, wait: false };
    let asked = |asked| {
        let turns = [nothing(), knows("default", false), (step(open.clone()), Event::Opened(HELD))];
        let recalled = (step(Step::Recall(site().site_key())), Event::Recalled(asked));
        with(turns, [recalled])
    };
    let declined = Asked::Declined { at: Timestamp(WALL) };
    let no = (password(Some("ada")).0, Event::PromptFailed(PromptFault::Cancelled));
    let remembered = Step::Note { key: site().site_key(), asked: declined };
    let close = || (step(Step::Close(HELD)), Event::Closed);
    let turns = with(asked(Asked::Answered), [nothing(), no, (step(remembered), Event::Applied), close()]);
    assert_eq!(run(Governor::new(login(reusing("ada"))), turns), Err(Error::Cancelled));
    let turns = with(asked(declined), [close()]);
    assert_eq!(run(Governor::new(login(reusing("ada"))), turns), Err(CannotPrompt::Declined.into()));
}

#[test]
fn a_refused_token_is_not_used_again_and_what_others_got_is() {
    let (old, new) = (session("ada", "old"), session("ada", "new"));
    let again = || login(reusing("ada")).refused(&old);
    assert_eq!(signed_in(run(again(), [(load("ada"), found(&new))]), true), new);
    let ended = tell(Notice::Ended { origin: site().origin().clone(), username: "ada".into() });
    let turns = [
        (load("ada"), found(&old)),
        (ended, Event::Told),
        knows("default", false),
        password(Some("ada")),
        got(),
    ];
    let found_old = Replaces::Found(Some(old.tokens.generation()));
    let turns = with(turns, kept_over("ada", "new", SignInMethod::Password, found_old));
    assert_eq!(signed_in(run(again(), turns), false), new);
    let never = LoginOptions { never_ask: true, ..reusing("ada") };
    let end = run(login(never.clone()).refused(&old), [(load("ada"), found(&old))]);
    assert_eq!(end, Err(CannotPrompt::NotAllowed.into()));
    let end = run(login(never), [(load("ada"), Event::Loaded(Loaded::None))]);
    assert_eq!(end, Err(Error::NotSignedIn));
}

#[test]
fn a_session_of_somebody_else_is_not_taken_for_ones_own() {
    let eves = session("eve", "old");
    let never = LoginOptions { never_ask: true, ..reusing("ada") };
    assert_eq!(run(login(never), [(load("ada"), found(&eves))]), Err(Error::NotSignedIn));
}

#[test]
fn a_person_chooses_where_there_are_two_ways_and_the_choice_is_kept() {
    let question = |suggested| {
        let methods = vec![SignInMethod::AppSession, SignInMethod::Password];
        ask(Question::Method(MethodQuestion { origin: site().origin().clone(), methods, suggested }))
    };
    let chosen = |suggested, index| (question(suggested), Event::Answer(Answer::Method(index)));
    let turns = with(
        [knows("default", true), chosen(0, 1), password(None), got()],
        kept("ada", "new", SignInMethod::Password),
    );
    assert!(run(login(LoginOptions::default()), turns).is_ok());
    let browser = BrowserQuestion { origin: site().origin().clone(), username: None };
    let page = Notice::Page { page: url("http://127.0.0.1:8000/approve?i"), origin: site().origin().clone() };
    let preferred = LoginOptions { preferred: Some(SignInMethod::Password), ..LoginOptions::default() };
    let turns = [
        knows("default", true),
        chosen(1, 0),
        (ask(Question::Browser(browser)), Event::Answer(Answer::Proceed)),
        (create(), begun()),
        (tell(page), Event::Told),
        pause(2_000..=2_000),
        (poll(), approved("ada", "new")),
    ];
    let outcome = run(login(preferred), with(turns, approved_later("new"))).unwrap();
    assert_eq!(outcome.value.login, "ada".into());
    let no = (question(0), Event::PromptFailed(PromptFault::Cancelled));
    assert_eq!(run(login(LoginOptions::default()), [knows("default", true), no]), Err(Error::Cancelled));
}

/// [`kept`] of what was got two seconds after the beginning.
fn approved_later(name: &str) -> Vec<Turn> {
    use crate::time::Timestamp;

    let mut turns = kept("ada", name, SignInMethod::AppSession);
    for (expected, _) in &mut turns {
        if let Expected::Step(Step::Apply(Change::Save { session, .. })) = expected {
            session.facts.received = Some(Timestamp(WALL + 2));
        }
    }
    turns
}

#[test]
fn a_way_that_cannot_work_is_refused_before_anything_is_asked_or_sent() {
    let by = |method| LoginOptions { method: Some(method), ..LoginOptions::default() };
    let cases = [
        (by(SignInMethod::Password), "saml2", false, Policy::NoConsoleWay { by: SignsIn::SingleSignOn }),
        (given(), "saml2", false, Policy::NoConsoleWay { by: SignsIn::SingleSignOn }),
        (given(), "saml2", true, Policy::NoPasswords { by: SignsIn::SingleSignOn }),
        (by(SignInMethod::AppSession), "default", false, Policy::NoAppSession),
        (by(SignInMethod::Web), "saml2", false, Policy::NoWindow),
        (by(SignInMethod::Web), "default", true, Policy::NoWindow),
        (LoginOptions::default(), "saml2", false, Policy::NoConsoleWay { by: SignsIn::SingleSignOn }),
    ];
    for (options, kind, app_session, error) in cases {
        let end = run(login(options), [knows(kind, app_session)]);
        assert_eq!(end, Err(error.into()), "{kind} {app_session}");
    }
}

#[test]
fn a_refused_password_names_the_ways_that_the_site_has() {
    let by = SignsIn::AutodeskIdentity;
    let ways =
        [(false, Policy::NoConsoleWay { by }, "web"), (true, Policy::NoPasswords { by }, "app-session")];
    for (app_session, error, named) in ways {
        assert!(error.to_string().contains(named), "{error}");
        let turns = [knows("oxygen", app_session), (sign_in("ada", "pw", None), fault(110))];
        assert_eq!(run(login(given()), turns), Err(error.into()));
    }
}

#[test]
fn who_must_not_be_asked_is_not_asked_for_a_code_or_an_approval() {
    let never = LoginOptions { never_ask: true, ..given() };
    let turns = [knows("default", false), (sign_in("ada", "pw", None), fault(106))];
    assert_eq!(run(login(never.clone()), turns), Err(CannotPrompt::NotAllowed.into()));
    let by_approval = LoginOptions { method: Some(SignInMethod::AppSession), ..never };
    assert_eq!(run(login(by_approval), [knows("default", true)]), Err(CannotPrompt::NotAllowed.into()));
}

#[test]
fn nothing_goes_over_a_network_in_clear_unless_that_is_allowed_n1() {
    let site: ShotgunSite = "http://studio.example".parse().unwrap();
    let flow = |allow_http| {
        let options = LoginOptions { allow_http, ..given() };
        Login::new(site.clone(), program(), options, seed())
    };
    let error = Policy::PlainHttp(site.origin().clone()).into();
    assert_eq!(run(flow(false), []), Err(error));
    let told = tell(Notice::PlainHttp(site.origin().clone()));
    let asked = crate::flow::script::send(crate::shotgun::info::request(&site));
    let turns =
        [(told, Event::Told), (asked, Event::Unreachable { fault: TransportFault::Tls, sent: Sent::No })];
    assert_eq!(run(flow(true), turns), Err(Trouble::Unreachable(TransportFault::Tls).into()));
}

#[test]
fn what_could_not_be_saved_is_a_session_all_the_same_f5() {
    let full = StoreFault { kind: StoreFaultKind::Full, path: Foreign::default() };
    let mut turns = with([knows("default", false), got()], kept("ada", "new", SignInMethod::Password));
    let last = turns.len();
    turns[last - 3].1 = Event::StoreFailed(full.clone());
    turns[last - 1].1 = Event::StoreFailed(full.clone());
    let outcome = run(login(given()), turns).unwrap();
    assert_eq!(outcome.value.session, session("ada", "new"));
    assert_eq!(outcome.warnings, [Warning::NotSaved(full.clone()), Warning::NotRemembered(full)]);
}
