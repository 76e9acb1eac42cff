use super::*;

#[test]
fn only_definite_answers_end_a_session_h17() {
    let no = Foreign::from("no");
    let fault = StoreFault { kind: StoreFaultKind::Full, path: Foreign::default() };
    let cases = [
        (Error::NotSignedIn, false),
        (Error::Rejected(no.clone()), false),
        (Error::Expired(no.clone()), true),
        (Error::Revoked(no), true),
        (Error::Lost, true),
        (Error::NotApproved(NotApproved::Gone), false),
        (Error::Transient(Trouble::Unreachable(TransportFault::Timeout)), false),
        (Error::Policy(Policy::ApiKeyOnly), false),
        (Error::Policy(Policy::NoWindow), false),
        (Error::Peer(Peer::Circles), false),
        (Error::Peer(Peer::Fault { message: Foreign::default() }), false),
        (Error::Cancelled, false),
        (Error::CannotPrompt(CannotPrompt::NoTerminal), false),
        (Error::Store(fault), false),
        (Error::Misuse(Misuse::Ended), false),
    ];
    for (error, ends) in cases {
        assert_eq!(error.ends_session(), ends, "{error:?}");
        let same = (error.remedy() == Remedy::Nothing) == (error == Error::Cancelled);
        assert!(same, "every error but a cancel has a remedy: {error:?}");
        let said = error.remedy().to_string();
        assert!(said.ends_with('.') && said.contains(' '), "{said}");
    }
}

#[test]
fn blame_tells_the_network_from_the_server() {
    let unreachable = Error::from(Trouble::Unreachable(TransportFault::Connect));
    let status = Error::from(Trouble::Status { status: 503, detail: Foreign::default(), retry_after: None });
    assert_eq!((unreachable.blame(), status.blame()), (Blame::Network, Blame::Server));
}

#[test]
fn what_a_stranger_wrote_is_shown_escaped_t1() {
    let error = Error::Rejected(Foreign::from("no\u{1b}[2J\r\n"));
    assert_eq!(error.to_string(), r"the server refused: no\u{1b}[2J\u{d}\u{a}");
    assert!(!format!("{error:?}").contains('\u{1b}'));
}
