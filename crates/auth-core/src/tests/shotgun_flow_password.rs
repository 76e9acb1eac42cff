use super::*;
use crate::error::{Peer, Policy, Sent, SignsIn};
use crate::flow::script::{Turn, reply, with};
use crate::flow::shotgun::script::*;

fn question(username: Option<&str>, left: u8) -> PasswordQuestion {
    PasswordQuestion {
        origin: site().origin().clone(),
        provider: Foreign::default(),
        username: username.map(Foreign::from),
        suggested: None,
        refused: left < ANSWERS,
        left,
    }
}

fn asked(username: Option<&str>, left: u8) -> Turn {
    let answer = Answer::Password { username: "ada".into(), password: secret("pw") };
    (ask(Question::Password(question(username, left))), Event::Answer(answer))
}

fn code(left: u8, answer: &str) -> Turn {
    let question = CodeQuestion {
        origin: site().origin().clone(),
        username: "ada".into(),
        refused: left < ANSWERS,
        left,
    };
    (ask(Question::Code(question)), Event::Answer(Answer::Code(secret(answer))))
}

fn flow() -> Password {
    Password::new(site(), None)
}

fn given() -> Password {
    Password::new(site(), Some("ada".into())).given(Some(secret("pw")), None)
}

fn ends_with_a_session(flow: Password, turns: impl IntoIterator<Item = Turn>) {
    let granted = run(flow, turns).unwrap().value;
    assert_eq!(granted, Granted { login: "ada".into(), session: session("ada", "token") });
}

#[test]
fn a_login_and_a_password_make_a_session() {
    ends_with_a_session(flow(), [asked(None, 3), (sign_in("ada", "pw", None), granted("token"))]);
    ends_with_a_session(given(), [(sign_in("ada", "pw", None), granted("token"))]);
    let settled = Password::new(site(), Some("ada".into()));
    ends_with_a_session(settled, [asked(Some("ada"), 3), (sign_in("ada", "pw", None), granted("token"))]);
}

#[test]
fn a_wrong_password_is_asked_for_three_times_and_a_given_one_is_presented_once() {
    let refused = || (sign_in("ada", "pw", None), fault(102));
    let turns = [asked(None, 3), refused(), asked(None, 2), refused(), asked(None, 1), refused()];
    assert_eq!(run(flow(), turns), Err(Error::Rejected("no".into())));
    let turns = [asked(None, 3), refused(), asked(None, 2), (sign_in("ada", "pw", None), granted("token"))];
    ends_with_a_session(flow(), turns);
    assert_eq!(run(given(), [refused()]), Err(Error::Rejected("no".into())));
}

#[test]
fn a_second_factor_is_asked_for_where_the_site_wants_one() {
    let wants = || (sign_in("ada", "pw", None), fault(106));
    let right = || (sign_in("ada", "pw", Some("123")), granted("token"));
    let wrong = || (sign_in("ada", "pw", Some("999")), fault(102));
    ends_with_a_session(flow(), [asked(None, 3), wants(), code(3, "123"), right()]);
    let turns = [asked(None, 3), wants(), code(3, "999"), wrong(), code(2, "123"), right()];
    ends_with_a_session(flow(), turns);
    let turns = [code(3, "999"), wrong(), code(2, "999"), wrong(), code(1, "999"), wrong()];
    assert_eq!(run(flow(), with([asked(None, 3), wants()], turns)), Err(Error::Rejected("no".into())));
    // A code that is known is shown once, and only where it is wanted.
    let flow = || Password::new(site(), Some("ada".into())).given(Some(secret("pw")), Some(secret("123")));
    ends_with_a_session(flow(), [wants(), right()]);
    ends_with_a_session(flow(), [(sign_in("ada", "pw", None), granted("token"))]);
    let refused = (sign_in("ada", "pw", Some("123")), fault(102));
    assert_eq!(run(flow(), [wants(), refused]), Err(Error::Rejected("no".into())));
}

#[test]
fn nothing_and_a_no_are_a_cancel_and_are_not_sent() {
    let answer = |username: &str, password: Secret| {
        let answer = Answer::Password { username: username.into(), password };
        (ask(Question::Password(question(None, 3))), Event::Answer(answer))
    };
    let no = (ask(Question::Password(question(None, 3))), Event::PromptFailed(PromptFault::Cancelled));
    for turn in [answer("", secret("pw")), answer("ada", Secret::default()), no] {
        assert_eq!(run(flow(), [turn]), Err(Error::Cancelled));
    }
    let wants = (sign_in("ada", "pw", None), fault(106));
    let (question, _) = code(3, "x");
    let empty = (question, Event::Answer(Answer::Code(Secret::default())));
    assert_eq!(run(flow(), [asked(None, 3), wants, empty]), Err(Error::Cancelled));
}

#[test]
fn a_site_that_takes_no_passwords_says_how_it_is_done() {
    for (number, by) in [(108, SignsIn::SingleSignOn), (110, SignsIn::AutodeskIdentity)] {
        let error = run(given(), [(sign_in("ada", "pw", None), fault(number))]).unwrap_err();
        assert_eq!(error, Policy::NoPasswords { by }.into());
        assert!(error.to_string().contains("app-session and web"), "{error}");
    }
    let other = run(given(), [(sign_in("ada", "pw", None), fault(101))]);
    assert_eq!(other, Err(Peer::Fault { message: "no".into() }.into()));
}

#[test]
fn an_outage_is_no_wrong_address_and_nothing_is_sent_twice_h17() {
    for status in [302, 403, 404, 500, 502, 503] {
        let error = run(given(), [(sign_in("ada", "pw", None), reply(status, ""))]).unwrap_err();
        assert!(matches!(error, Error::Transient(_)), "{status} {error:?}");
    }
    let closed = Event::Unreachable { fault: TransportFault::Closed, sent: Sent::Maybe };
    for (event, fault) in [(closed, TransportFault::Closed), (Event::TimedOut, TransportFault::Timeout)] {
        let error = Trouble::Unreachable(fault).into();
        assert_eq!(run(given(), [(sign_in("ada", "pw", None), event)]), Err(error));
    }
}

#[test]
fn a_login_of_any_letters_is_sent_as_it_is() {
    let login = "ad\u{1f600} é";
    let flow = Password::new(site(), Some(login.into())).given(Some(secret("pw")), None);
    let granted = run(flow, [(sign_in(login, "pw", None), granted("token"))]).unwrap().value;
    assert_eq!(granted.login.raw(), login);
}
