use super::*;
use crate::error::Sent;
use crate::flow::script::{Turn, reply, with};
use crate::flow::shotgun::script::*;

fn flow(username: Option<&str>) -> AppSession {
    AppSession::new(site(), program(), username.map(Foreign::from), seed())
}

fn proceed(username: Option<&str>) -> Turn {
    let question = BrowserQuestion { origin: site().origin().clone(), username: username.map(Foreign::from) };
    (ask(Question::Browser(question)), Event::Answer(Answer::Proceed))
}

fn page() -> Turn {
    let notice =
        Notice::Page { page: url("http://127.0.0.1:8000/approve?i"), origin: site().origin().clone() };
    (tell(notice), Event::Told)
}

/// Up to the first look.
fn under_way(username: Option<&str>) -> Vec<Turn> {
    vec![proceed(username), (create(), begun()), page(), pause(2_000..=2_000)]
}

fn left(seconds: u64) -> Turn {
    (tell(Notice::Approval { left: Duration::from_secs(seconds) }), Event::Told)
}

#[test]
fn who_approves_is_signed_in() {
    let turns = |ends| [(poll(), not_yet()), left(178), pause(2_000..=2_000), ends];
    // The countdown is taken back, which costs no token.
    let turns = with(turns((poll(), approved("Ada", "token"))), [left(0)]);
    let granted = run(flow(None), with(under_way(None), turns)).unwrap().value;
    assert_eq!(granted.login, "Ada".into());
    assert_eq!(granted.session.tokens.access, Some(secret("token")));
    let turns = [(poll(), approved(" ADA ", "token"))];
    assert!(run(flow(Some("ada")), with(under_way(Some("ada")), turns)).is_ok());
}

#[test]
fn anothers_approval_of_what_was_to_be_a_certain_user_is_refused() {
    let turns = [(poll(), approved("eve", "token"))];
    let error = Policy::AnotherAccount { asked: "ada".into(), got: "eve".into() };
    assert_eq!(run(flow(Some("ada")), with(under_way(Some("ada")), turns)), Err(error.into()));
}

#[test]
fn nobody_is_waited_for_longer_than_three_minutes() {
    let mut turns = under_way(None);
    for look in 1..=90 {
        turns.extend([(poll(), not_yet()), left(180 - 2 * look)]);
        if look < 90 {
            turns.push(pause(2_000..=2_000));
        }
    }
    assert!(matches!(run(flow(None), turns), Err(Error::NotApproved(_))));
}

#[test]
fn a_server_in_trouble_is_asked_four_times_with_growing_pauses() {
    let refused = || Event::Unreachable { fault: TransportFault::Connect, sent: Sent::No };
    let pauses = || [pause(750..=2_250), pause(1_500..=4_500), pause(2_250..=6_750)];
    for trouble in [reply(502, ""), refused()] {
        let tries = |expected: fn() -> _| {
            pauses().into_iter().flat_map(|pause| [(expected(), trouble.clone()), pause]).collect::<Vec<_>>()
        };
        let turns = with([proceed(None)], tries(create));
        assert!(
            run(
                flow(None),
                with(
                    turns.clone(),
                    [(create(), begun()), page(), pause(2_000..=2_000), (poll(), approved("ada", "t"))]
                )
            )
            .is_ok()
        );
        assert!(matches!(
            run(flow(None), with(turns, [(create(), trouble.clone())])),
            Err(Error::Transient(_))
        ));
        let turns = with(under_way(None), tries(poll));
        assert!(run(flow(None), with(turns.clone(), [(poll(), approved("ada", "t"))])).is_ok());
        assert!(matches!(
            run(flow(None), with(turns, [(poll(), trouble.clone())])),
            Err(Error::Transient(_))
        ));
    }
    let unknown = Event::Unreachable { fault: TransportFault::Resolve, sent: Sent::No };
    let error = Trouble::Unreachable(TransportFault::Resolve).into();
    assert_eq!(run(flow(None), [proceed(None), (create(), unknown)]), Err(error));
}

#[test]
fn a_rejection_and_a_site_without_it_are_said() {
    let turns = [(poll(), reply(404, "{}"))];
    assert!(matches!(run(flow(None), with(under_way(None), turns)), Err(Error::NotApproved(_))));
    let turns = [(poll(), not_yet()), left(178), pause(2_000..=2_000), (poll(), reply(404, "{}")), left(0)];
    assert!(matches!(run(flow(None), with(under_way(None), turns)), Err(Error::NotApproved(_))));
    let turns = [proceed(None), (create(), reply(403, "{}"))];
    assert_eq!(run(flow(None), turns), Err(Policy::NoAppSession.into()));
}

#[test]
fn who_does_not_want_a_browser_or_has_no_terminal_is_heard() {
    let (question, _) = proceed(None);
    let cases = [
        (Event::PromptFailed(PromptFault::Cancelled), Error::Cancelled),
        (Event::PromptFailed(PromptFault::Cannot(CannotPrompt::NoTerminal)), CannotPrompt::NoTerminal.into()),
        (Event::TimedOut, CannotPrompt::Unanswered.into()),
    ];
    for (event, error) in cases {
        assert_eq!(run(flow(None), [(question.clone(), event)]), Err(error));
    }
}

#[test]
fn a_page_of_another_origin_is_opened_only_where_somebody_has_agreed_t3() {
    let stranger = url(ELSEWHERE);
    let question = PageQuestion { origin: site().origin().clone(), page: stranger.clone() };
    let asked = ask(Question::Page(question));
    let notice = Notice::Page { page: stranger.clone(), origin: site().origin().clone() };
    let shown = [(tell(notice), Event::Told), pause(2_000..=2_000), (poll(), approved("ada", "t"))];
    let begun = [proceed(None), (create(), begun_elsewhere())];
    let agreed = [(asked.clone(), Event::Answer(Answer::Proceed))];
    assert!(run(flow(None), with(with(begun.clone(), agreed), shown.clone())).is_ok());
    let known = |pages: &str| flow(None).allow_pages(Some(url(pages).origin().clone()));
    assert!(run(known("https://pages.example/other"), with(begun.clone(), shown)).is_ok());
    for pages in ["http://pages.example", "https://pages.example:8443", "https://sub.pages.example"] {
        let no = [(asked.clone(), Event::PromptFailed(PromptFault::Cancelled))];
        assert_eq!(run(known(pages), with(begun.clone(), no)), Err(Error::Cancelled), "{pages}");
    }
    let cannot = Event::PromptFailed(PromptFault::Cannot(CannotPrompt::NoTerminal));
    let ends =
        [(cannot, CannotPrompt::NoTerminal.into()), (Event::TimedOut, CannotPrompt::Unanswered.into())];
    for (event, error) in ends {
        assert_eq!(run(flow(None), with(begun.clone(), [(asked.clone(), event)])), Err(error));
    }
}
