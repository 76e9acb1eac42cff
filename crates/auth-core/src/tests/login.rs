#![expect(clippy::unnecessary_wraps, reason = "ends are compared as they come")]

use super::*;
use crate::error::{TransportFault, Trouble};
use crate::flow::Flow as _;
use crate::flow::script::*;
use crate::ports::Loaded;
use crate::question::PasswordQuestion;
use crate::session::{Identity, Links};
use crate::site::Url;
use crate::time::Timestamp;
use crate::wire::{Body, Request};

const TOKEN: &str = "/api/v1/auth/provider/toy/token";

fn flow(options: LoginOptions) -> Login {
    Login::new(uri(), options, seed())
}

fn plain() -> Login {
    flow(LoginOptions::default())
}

fn for_alice() -> LoginOptions {
    LoginOptions {
        username: Some(Foreign::from("alice")),
        password: Some(secret("pw")),
        ..LoginOptions::default()
    }
}

/// A provider of passwords.
fn internal(name: &str, confirmation: &str) -> String {
    format!(
        r#"{{"provider":"{name}","mode":"internal","confirmation_message":"{confirmation}",
            "links":{{"auth_endpoint":"http://inner/api/v1/auth/provider/{name}/token"}}}}"#
    )
}

fn with_mode(name: &str, mode: &str) -> String {
    format!(r#"{{"provider":"{name}","mode":"{mode}","links":{{}}}}"#)
}

/// The handshake, and a server with these providers.
fn about(required: bool, providers: &[String]) -> Turn {
    let providers = providers.join(",");
    let body = format!(
        r#"{{"authentication":{{"required":{required},"providers":[{providers}],
            "links":{{"refresh_session":"{REFRESH}","whoami":"/me"}}}}}}"#
    );
    (get(at("/api/v1/")), reply(200, &body))
}

fn toy() -> Turn {
    about(true, &[internal("toy", "")])
}

fn question(provider: &str, username: Option<&str>) -> Expected {
    ask(Question::Password(PasswordQuestion {
        origin: uri().origin().clone(),
        provider: Foreign::from(provider),
        username: username.map(Foreign::from),
        suggested: None,
        refused: false,
        left: 3,
    }))
}

fn menu(providers: &[&str]) -> Expected {
    ask(Question::Provider(ProviderQuestion {
        origin: uri().origin().clone(),
        providers: providers.iter().copied().map(Foreign::from).collect(),
    }))
}

fn present_to(endpoint: Url) -> Expected {
    let body = format!("grant_type=password&username=alice&password={}", secret("pw").expose());
    send(Request::token(endpoint, Body::Form(Secret::from(body))))
}

fn present() -> Expected {
    present_to(at(TOKEN))
}

fn granted() -> Event {
    tokens_and("new", 900, r#","identity":{"id":"alice","provider":"toy"},"principal":"p""#)
}

/// What [`granted`] comes to.
fn new() -> Session {
    let mut new = renewed("new", 900);
    new.facts.identity = Some(Identity { id: Foreign::from("alice"), provider: Foreign::from("toy") });
    new.links = Links { whoami: Some("/me".to_owned()), refresh: Some(REFRESH.to_owned()) };
    new
}

/// From the tokens to the end.
fn kept() -> [Turn; 4] {
    kept_over(Replaces::Anything)
}

fn kept_over(replaces: Replaces) -> [Turn; 4] {
    let saved = (save_over(&new(), replaces), Event::Applied);
    [(try_lock(), opened()), saved, unlock(), (prefer(Some("alice")), Event::Applied)]
}

fn signed_in(warnings: Vec<Warning>) -> Result<Outcome<SignedIn>, Error> {
    Ok(Outcome { value: SignedIn { uri: uri(), session: new(), reused: false }, warnings })
}

#[test]
fn the_only_provider_is_taken_and_the_session_locked_saved_unlocked_and_preferred() {
    let first = [toy(), (question("toy", None), password("alice", "pw")), (present(), granted())];
    assert_eq!(run(plain(), with(first, kept())), signed_in(vec![]));
}

#[test]
fn a_given_password_is_presented_and_nobody_is_asked() {
    for never_ask in [false, true] {
        let options = LoginOptions { never_ask, ..for_alice() };
        assert_eq!(run(flow(options), with([toy(), (present(), granted())], kept())), signed_in(vec![]));
    }
    let refused = [toy(), (present(), reply(401, r#"{"detail":"no"}"#))];
    assert_eq!(run(flow(for_alice()), refused), Err(Error::Rejected(Foreign::from("no"))));
}

#[test]
fn one_of_several_providers_is_chosen_in_the_server_s_order() {
    let several =
        || about(true, &[internal("toy", ""), with_mode("google", "external"), internal("lab", "")]);
    let chosen = |index| (menu(&["toy", "google", "lab"]), Event::Answer(Answer::Provider(index)));
    let first =
        [several(), chosen(0), (question("toy", None), password("alice", "pw")), (present(), granted())];
    assert_eq!(run(plain(), with(first, kept())), signed_in(vec![]));
    let talk = Talk::start(plain()).follow([several(), chosen(2)]);
    talk.assert_next(&question("lab", None));
    let talk = talk.turn((question("lab", None), password("alice", "pw")));
    talk.assert_next(&present_to(at("/api/v1/auth/provider/lab/token")));
    let google = Policy::NotSupported { provider: Foreign::from("google") };
    assert_eq!(run(plain(), [several(), chosen(1)]), Err(google.into()));

    let talk = Talk::start(plain()).turn(several());
    for event in [Event::Answer(Answer::Provider(3)), password("alice", "pw")] {
        assert_eq!(talk.refuses(event.clone()), Some(Misuse::BadAnswer), "{event:?}");
    }
    let menu = || menu(&["toy", "google", "lab"]);
    let cases = [
        (Event::PromptFailed(PromptFault::Cancelled), Error::Cancelled),
        (Event::Cancel, Error::Cancelled),
        (Event::PromptFailed(PromptFault::Cannot(CannotPrompt::NoTerminal)), CannotPrompt::NoTerminal.into()),
        (Event::TimedOut, CannotPrompt::Unanswered.into()),
    ];
    for (event, error) in cases {
        assert_eq!(run(plain(), [several(), (menu(), event.clone())]), Err(error), "{event:?}");
    }
}

#[test]
fn a_named_provider_is_taken_and_an_unknown_name_is_told_what_there_is() {
    let named = |name: &str| flow(LoginOptions { provider: Some(Foreign::from(name)), ..for_alice() });
    let several = || about(true, &[internal("lab", ""), internal("toy", "")]);
    assert_eq!(run(named("toy"), with([several(), (present(), granted())], kept())), signed_in(vec![]));
    for asked in ["Toy", "to", ""] {
        let offered = vec![Foreign::from("lab"), Foreign::from("toy")];
        let error = Policy::NoSuchProvider { asked: Foreign::from(asked), offered };
        assert_eq!(run(named(asked), [several()]), Err(error.into()), "{asked}");
    }
    // A single provider is not taken for another that was named.
    let error = Policy::NoSuchProvider { asked: Foreign::from("lab"), offered: vec![Foreign::from("toy")] };
    assert_eq!(run(named("lab"), [toy()]), Err(error.into()));
}

#[test]
fn ways_of_signing_in_that_cannot_be_gone_are_named() {
    let provider = || Foreign::from("x");
    let unknown = Peer::UnknownMode { provider: provider(), mode: Foreign::from("telepathy") };
    let cases = [
        (about(true, &[with_mode("x", "external")]), Policy::NotSupported { provider: provider() }.into()),
        (about(true, &[with_mode("x", "telepathy")]), unknown.into()),
        (about(true, &[]), Policy::ApiKeyOnly.into()),
        (about(false, &[]), Policy::NobodyToSignIn.into()),
    ];
    for (turn, error) in cases {
        let error: Error = error;
        assert_eq!(run(plain(), [turn.clone()]), Err(error.clone()));
        assert_eq!(run(flow(for_alice()), [turn]), Err(error));
    }
}

#[test]
fn where_everybody_is_let_in_nobody_is_asked_unless_a_name_or_a_provider_is_given() {
    let anonymous = || LoginOptions { reuse: true, anonymous: true, ..LoginOptions::default() };
    let nobody = |warnings| {
        let session = Session { links: new().links, ..Session::default() };
        let value = SignedIn { uri: uri(), session, reused: false };
        Ok(Outcome { value, warnings })
    };
    let open = |providers: &[String]| about(false, providers);
    for never_ask in [false, true] {
        let options = LoginOptions { never_ask, ..anonymous() };
        for providers in [vec![], vec![internal("toy", "")]] {
            let turns = [(load(), Event::Loaded(Loaded::None)), open(&providers)];
            assert_eq!(run(flow(options.clone()), turns), nobody(vec![]));
        }
    }
    // A session that came to its end is not given up in silence.
    let mut over = session("old", -5);
    over.tokens.refresh = None;
    let ended = Error::Expired(Foreign::from("it cannot be renewed: there is no refresh token"));
    let turns = [(load(), found(&over)), open(&[internal("toy", "")])];
    assert_eq!(run(flow(anonymous()), turns), nobody(vec![Warning::Anonymous(ended.clone())]));
    // Where one has to be somebody it is as ever.
    let never = || flow(LoginOptions { never_ask: true, ..anonymous() });
    assert_eq!(run(never(), [(load(), found(&over)), toy()]), Err(ended));
    let none = (load(), Event::Loaded(Loaded::None));
    assert_eq!(run(never(), [none.clone(), toy()]), Err(Error::NotSignedIn));
    assert_eq!(run(never(), [none.clone(), about(true, &[])]), Err(Error::NotSignedIn));
    let given = LoginOptions { reuse: true, anonymous: true, ..for_alice() };
    let first = [none.clone(), open(&[internal("toy", "")]), none.clone(), (present(), granted())];
    let turns = with(first, kept_over(Replaces::Found(None)));
    assert_eq!(run(flow(given), turns), signed_in(vec![]));
    let named = LoginOptions { provider: Some("toy".into()), ..anonymous() };
    Talk::start(flow(named))
        .turn(none)
        .turn(open(&[internal("toy", "")]))
        .assert_next(&question("toy", None));
}

#[test]
fn who_may_not_be_asked_and_is_not_known_cannot_sign_in() {
    let never = |options| flow(LoginOptions { never_ask: true, ..options });
    let name_only = LoginOptions { password: None, ..for_alice() };
    let password_only = LoginOptions { username: None, ..for_alice() };
    for options in [LoginOptions::default(), name_only, password_only] {
        assert_eq!(run(never(options), [toy()]), Err(CannotPrompt::NotAllowed.into()));
    }
    let several = about(true, &[internal("lab", ""), internal("toy", "")]);
    assert_eq!(run(never(for_alice()), [several]), Err(CannotPrompt::NotAllowed.into()));
}

#[test]
fn a_confirmation_is_told_last_with_the_name_in_it_and_is_no_format_t2() {
    let toy = about(true, &[internal("toy", "Hi {id}, {id.__class__} {0}")]);
    let said = Notice::Confirmation(Foreign::from("Hi alice, {id.__class__} {0}"));
    let turns = with(with([toy, (present(), granted())], kept()), [(tell(said), Event::Told)]);
    assert_eq!(run(flow(for_alice()), turns), signed_in(vec![]));
}

#[test]
fn a_name_that_the_server_does_not_tell_is_the_one_typed_where_it_was_settled() {
    let mut new = renewed("new", 900);
    new.facts.principal = None;
    new.links = Links { whoami: Some("/me".to_owned()), refresh: Some(REFRESH.to_owned()) };
    let turns = [
        about(true, &[internal("toy", "Hi {id}")]),
        (present(), tokens("new", 900)),
        (try_lock(), opened()),
        (save(&new), Event::Applied),
        unlock(),
        (prefer(Some("alice")), Event::Applied),
        (tell(Notice::Confirmation(Foreign::from("Hi alice"))), Event::Told),
    ];
    assert!(run(flow(for_alice()), turns).is_ok());
}

#[test]
fn a_session_that_is_not_saved_is_still_a_session() {
    let first = || [toy(), (present(), granted()), (try_lock(), opened())];
    let preferred = || (prefer(Some("alice")), Event::Applied);
    let slow = || store_fault(StoreFaultKind::Timeout);
    for (event, fault) in [(Event::StoreFailed(full()), full()), (Event::TimedOut, slow())] {
        let turns = with(first(), [(save(&new()), event.clone()), unlock(), preferred()]);
        assert_eq!(run(flow(for_alice()), turns), signed_in(vec![Warning::NotSaved(fault.clone())]));
        let turns =
            with(first(), [(save(&new()), Event::Applied), unlock(), (prefer(Some("alice")), event.clone())]);
        assert_eq!(run(flow(for_alice()), turns), signed_in(vec![Warning::NotRemembered(fault.clone())]));
        let turns = with(first(), [(save(&new()), event.clone()), unlock(), (prefer(Some("alice")), event)]);
        let both = vec![Warning::NotSaved(fault.clone()), Warning::NotRemembered(fault)];
        assert_eq!(run(flow(for_alice()), turns), signed_in(both));
    }
}

#[test]
fn what_was_given_is_saved_even_without_the_lock() {
    for event in [Event::StoreFailed(full()), Event::Busy(holder()), Event::TimedOut] {
        // Who is waited for is told.
        let waiting = [
            (try_lock(), Event::Busy(holder())),
            (tell(Notice::Waiting(holder())), Event::Told),
            (lock(), event.clone()),
        ];
        let at_once = (!matches!(event, Event::Busy(_))).then(|| vec![(try_lock(), event.clone())]);
        for locking in at_once.into_iter().chain([waiting.to_vec()]) {
            let kept = [(save(&new()), Event::Applied), (prefer(Some("alice")), Event::Applied)];
            let turns = with(with([toy(), (present(), granted())], locking), kept);
            assert_eq!(run(flow(for_alice()), turns), signed_in(vec![]), "{event:?}");
        }
    }
}

#[test]
fn tokens_in_hand_cannot_be_cancelled() {
    let talk = Talk::start(plain());
    assert_eq!(talk.clone_and_cancel(), Ok(Error::Cancelled));
    let mut talk = talk.turn(toy());
    for turn in [(question("toy", None), password("alice", "pw")), (present(), granted())] {
        assert_eq!(talk.clone_and_cancel(), Ok(Error::Cancelled), "{:?}", turn.0);
        talk = talk.turn(turn);
    }
    for turn in kept() {
        assert_eq!(talk.clone_and_cancel(), Err(Misuse::NotNow), "{:?}", turn.0);
        assert!(!talk.flow.interruptible(), "{:?}", turn.0);
        talk = talk.turn(turn);
    }
    assert_eq!(talk.end(), signed_in(vec![]));
}

#[test]
fn a_good_session_is_reused_and_nobody_asked() {
    let reuse = || flow(LoginOptions { reuse: true, ..LoginOptions::default() });
    let good = session("good", 600);
    let value = SignedIn { uri: uri(), session: good.clone(), reused: true };
    assert_eq!(run(reuse(), [(load(), found(&good))]), Ok(Outcome::clean(value)));
    // Without `reuse` nobody looks.
    Talk::start(plain()).assert_next(&toy().0);
}

#[test]
fn a_session_that_can_be_renewed_is_reused_with_its_warnings() {
    let reuse = flow(LoginOptions { reuse: true, ..LoginOptions::default() });
    let (old, new) = (session("old", -5), renewed("new", 900));
    let turns = [
        (load(), found(&old)),
        (try_lock(), opened()),
        (load(), found(&old)),
        (intent("old"), Event::Applied),
        (redeem("old"), tokens("new", 900)),
        (save_redeemed(&new, "old"), Event::StoreFailed(denied())),
        (save_redeemed(&new, "old"), Event::StoreFailed(denied())),
    ];
    let talk = Talk::start(reuse).follow(turns);
    let value = SignedIn { uri: uri(), session: new, reused: true };
    let warnings = vec![Warning::NotSaved(denied())];
    assert_eq!(talk.turn(unlock()).end(), Ok(Outcome { value, warnings }));
}

#[test]
fn a_session_that_is_over_for_good_leads_to_the_question() {
    let reuse = |options| flow(LoginOptions { reuse: true, ..options });
    let old = session("old", -5);
    let over = || {
        vec![
            (load(), found(&old)),
            (try_lock(), opened()),
            (load(), found(&old)),
            (intent("old"), Event::Applied),
            (redeem("old"), reply(401, r#"{"detail":"Session has expired. Please re-authenticate."}"#)),
            (load(), found(&old)),
            (clear_if(&old), Event::Applied),
            unlock(),
        ]
    };
    let asked = [toy(), (question("toy", None), password("alice", "pw")), (present(), granted())];
    for first in [over(), vec![(load(), nothing())]] {
        let turns = with(with(first, asked.clone()), kept_over(Replaces::Found(None)));
        assert_eq!(run(reuse(LoginOptions::default()), turns), signed_in(vec![]));
    }
    let never = LoginOptions { never_ask: true, ..LoginOptions::default() };
    let words = Foreign::from("Session has expired. Please re-authenticate.");
    assert_eq!(run(reuse(never.clone()), over()), Err(Error::Expired(words)));
    assert_eq!(run(reuse(never), [(load(), nothing())]), Err(Error::NotSignedIn));
    // Never asking does not keep a given password back.
    let never = LoginOptions { never_ask: true, ..for_alice() };
    let given = [toy(), (load(), nothing()), (present(), granted())];
    let turns = with(with(over(), given), kept_over(Replaces::Found(None)));
    assert_eq!(run(reuse(never), turns), signed_in(vec![]));
}

#[test]
fn an_implicit_sign_in_replaces_only_what_it_found_h15() {
    let reuse = || flow(LoginOptions { reuse: true, ..for_alice() });
    let over = without_refresh(session("over", -5));
    let found_over = || (load(), found(&over));
    let first = || vec![found_over(), toy(), found_over(), (present(), granted()), (try_lock(), opened())];
    let saving = || save_over(&new(), Replaces::Found(Some(over.tokens.generation())));
    let kept = [(saving(), Event::Applied), unlock(), (prefer(Some("alice")), Event::Applied)];
    assert_eq!(run(reuse(), with(first(), kept)), signed_in(vec![]));
    // What another program stored meanwhile stays, and its user is the one remembered.
    for there in [conflict(&session("theirs", 900)), Event::Conflict(None)] {
        let turns = with(first(), [(saving(), there), unlock()]);
        let superseded = store_fault(StoreFaultKind::Superseded);
        assert_eq!(run(reuse(), turns), signed_in(vec![Warning::NotSaved(superseded)]));
    }
}

#[test]
fn another_users_stored_session_is_not_taken_for_the_one_asked_for_h15() {
    let named = |id: &str| {
        let identity = crate::session::Identity { id: Foreign::from(id), provider: "toy".into() };
        let good = session("good", 600);
        let facts = crate::session::Facts { identity: Some(identity), ..good.facts.clone() };
        Session { facts, ..good }
    };
    let reuse = |options| flow(LoginOptions { reuse: true, username: Some("alice".into()), ..options });
    let never = || LoginOptions { never_ask: true, ..LoginOptions::default() };
    let another = Policy::SignedInAs { asked: "alice".into(), got: "bob".into() };
    assert_eq!(run(reuse(never()), [(load(), found(&named("bob")))]), Err(another.into()));
    Talk::start(reuse(LoginOptions::default()))
        .follow([(load(), found(&named("bob"))), toy()])
        .assert_next(&question("toy", Some("alice")));
    // Neither is one that another program's prompt led to.
    let waiting = reuse(LoginOptions::default());
    assert_eq!(waiting.adopt(Now { wall: Timestamp(WALL), ..Now::default() }, named("bob")), None);
    for session in [named("alice"), session("good", 600)] {
        let value = SignedIn { uri: uri(), session: session.clone(), reused: true };
        assert_eq!(run(reuse(never()), [(load(), found(&session))]), Ok(Outcome::clean(value)));
    }
}

#[test]
fn a_failure_that_says_nothing_of_the_session_asks_nobody_h17() {
    let reuse = || flow(LoginOptions { reuse: true, ..for_alice() });
    let old = session("old", -5);
    let refused = TransportFault::Connect;
    let cases = [
        (unreachable(refused), Trouble::Unreachable(refused).into()),
        (reply(503, ""), status(503, "")),
        (Event::TimedOut, timed_out()),
    ];
    for (event, error) in cases {
        let error: Error = error;
        let turns = [
            (load(), found(&old)),
            (try_lock(), opened()),
            (load(), found(&old)),
            (intent("old"), Event::Applied),
            (redeem("old"), event.clone()),
        ];
        let unsent = matches!(event, Event::Unreachable { .. }).then(|| (withdraw("old"), Event::Applied));
        assert_eq!(run(reuse(), with(with(turns, unsent), [unlock()])), Err(error));
    }
    assert_eq!(run(reuse(), [(load(), Event::StoreFailed(full()))]), Err(full().into()));
}

#[test]
fn a_handshake_or_a_grant_that_fails_is_the_end_and_saves_nothing() {
    let redirected = Trouble::Redirected { to: Foreign::from("/x") };
    assert_eq!(run(plain(), [(toy().0, reply(503, ""))]), Err(status(503, "")));
    let cases = [
        (reply(500, ""), status(500, "")),
        (redirect(307, "/x"), redirected.into()),
        (Event::TimedOut, timed_out()),
    ];
    for (event, error) in cases {
        assert_eq!(run(flow(for_alice()), [toy(), (present(), event)]), Err(error));
    }
}

#[test]
fn plain_http_that_was_not_allowed_ends_before_anybody_is_asked_n1() {
    let address: TiledUri = "http://example.org".parse().unwrap();
    let origin = address.origin().clone();
    let flow = |options| Login::new(address.clone(), options, seed());
    let probe = || (get(url("http://example.org/")), reply(200, ""));
    assert_eq!(run(flow(for_alice()), [probe()]), Err(Policy::PlainHttp(origin.clone()).into()));
    let allowed = LoginOptions { allow_http: true, ..for_alice() };
    let talk = Talk::start(flow(allowed)).turn(probe());
    talk.assert_next(&tell(Notice::PlainHttp(origin)));
}

#[test]
fn after_an_upgrade_everything_goes_to_https_and_is_kept_under_that_name_n1() {
    let address: TiledUri = "http://example.org".parse().unwrap();
    let secure: TiledUri = "https://example.org".parse().unwrap();
    let (_, answer) = toy();
    let turns = [
        (get(url("http://example.org/")), redirect(308, "https://example.org/")),
        (get(url("https://example.org/api/v1/")), answer),
        (present_to(url("https://example.org/api/v1/auth/provider/toy/token")), granted()),
    ];
    let talk = Talk::start(Login::new(address, for_alice(), seed())).follow(turns);
    let what = Resource::Lock { kind: LockKind::Renewal, key: secure.key() };
    let talk = talk.turn((Expected::Step(Step::Open { what, wait: false }), opened()));
    let change = Change::Save { key: secure.key(), session: Box::new(new()), replaces: Replaces::Anything };
    let talk = talk.turn((Expected::Step(Step::Apply(change)), Event::Applied)).turn(unlock());
    let user = Some(Foreign::from("alice"));
    let change =
        Change::Prefer(SiteEntry { key: secure.key(), user, allow_http: false, method: None, pages: None });
    let end = talk.turn((Expected::Step(Step::Apply(change)), Event::Applied)).end().unwrap();
    assert_eq!(end.value.uri.api(), secure.api());
}
