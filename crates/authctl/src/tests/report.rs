use auth_native::error::{Misuse, StoreFaultKind};
use auth_native::{Foreign, Holder, address};

use super::*;

const SITE: &str = "http://127.0.0.1:8000";

fn said(error: impl Into<Error>, doing: Doing) -> (u8, &'static str, String) {
    let failure = Failure::of(&error.into(), Some(SITE), doing);
    (failure.exit.code(), failure.kind, format!("{}\n{}", failure.message, failure.remedy))
}

fn origin() -> auth_native::Origin {
    address("http://tiled.example").unwrap().origin().clone()
}

fn store(kind: StoreFaultKind) -> AuthError {
    StoreFault { kind, path: "/home/a/.cache/tiled".into() }.into()
}

/// An error, its exit code and kind, and what is said of it while a session is used.
type Case = (AuthError, u8, &'static str, String);

fn check(cases: impl IntoIterator<Item = Case>) {
    for (error, code, kind, words) in cases {
        assert_eq!(said(error, Doing::Using), (code, kind, words));
    }
}

#[test]
fn what_becomes_of_sessions_is_said() {
    let again = "Run `authctl login http://127.0.0.1:8000` to sign in again.";
    check([
        (
            AuthError::NotSignedIn,
            3,
            "not_signed_in",
            "not signed in to http://127.0.0.1:8000\nRun `authctl login http://127.0.0.1:8000` to sign in."
                .to_owned(),
        ),
        (
            AuthError::Rejected("Not enough permissions".into()),
            4,
            "rejected",
            "http://127.0.0.1:8000: the server refused: Not enough permissions\nRun `authctl login \
             http://127.0.0.1:8000` to sign in again, or ask the server's administrator."
                .to_owned(),
        ),
        (
            AuthError::Expired("Session has expired.".into()),
            3,
            "expired",
            format!("http://127.0.0.1:8000: the session has ended: Session has expired.\n{again}"),
        ),
        (
            AuthError::Revoked(Foreign::default()),
            3,
            "revoked",
            format!("http://127.0.0.1:8000: the server no longer knows this session\n{again}"),
        ),
        (
            AuthError::Lost,
            3,
            "lost",
            format!(
                "http://127.0.0.1:8000: an earlier renewal got no answer that could be saved, and the server no longer \
                 accepts the old session\n{again}"
            ),
        ),
        (
            Misuse::Ended.into(),
            1,
            "internal",
            "misuse: the flow has ended\nThis is a fault of authctl or of this machine: please report it."
                .to_owned(),
        ),
    ]);
}

#[test]
fn what_fails_on_the_way_is_said() {
    let later = "Try again later, or ask the server's administrator. The stored session is kept.";
    let unreachable = |fault| AuthError::from(Trouble::Unreachable(fault));
    let trouble = |trouble: Trouble| AuthError::from(trouble);
    check([
        (
            unreachable(TransportFault::Resolve),
            6,
            "transient",
            "http://127.0.0.1:8000: the host's name has no address\nCheck the spelling of the host, and the network. \
             The stored session is kept."
                .to_owned(),
        ),
        (
            unreachable(TransportFault::Connect),
            6,
            "transient",
            "http://127.0.0.1:8000: no connection could be made\nCheck that the server is running, its host and port, \
             and the proxy if HTTPS_PROXY or ALL_PROXY names one. The stored session is kept."
                .to_owned(),
        ),
        (
            unreachable(TransportFault::Proxy),
            6,
            "transient",
            "http://127.0.0.1:8000: the proxy did not make the connection: it refused, or asks for a user name and \
             password\nSee to the proxy that HTTPS_PROXY or ALL_PROXY names: http://user:password@host:port if it \
             asks who you are. The stored session is kept."
                .to_owned(),
        ),
        (
            unreachable(TransportFault::Tls),
            6,
            "transient",
            "http://127.0.0.1:8000: no secure connection could be made: the certificate was not accepted or TLS \
             failed\nSee that this machine trusts the server's certificate; nothing was sent. The stored session is kept."
                .to_owned(),
        ),
        (
            unreachable(TransportFault::Timeout),
            6,
            "transient",
            format!("http://127.0.0.1:8000: no answer came in time\n{later}"),
        ),
        (
            unreachable(TransportFault::NotHttp),
            6,
            "transient",
            "http://127.0.0.1:8000: the answer is not HTTP\nCheck the address, the port above all. The stored session \
             is kept."
                .to_owned(),
        ),
        (
            trouble(Trouble::Status { status: 503, detail: "busy\u{1b}[2J".into(), retry_after: None }),
            6,
            "transient",
            format!("http://127.0.0.1:8000: the server answered 503: busy\\u{{1b}}[2J\n{later}"),
        ),
        (
            trouble(Trouble::Redirected { to: "https://other.example/".into() }),
            6,
            "transient",
            "http://127.0.0.1:8000: the server wants this request sent to https://other.example/, and credentials are \
             not sent after a redirect\nName the address that it points to, if you trust it. The stored session is kept."
                .to_owned(),
        ),
        (
            trouble(Trouble::Unreadable),
            6,
            "transient",
            format!("http://127.0.0.1:8000: the server's answer could not be understood\n{later}"),
        ),
    ]);
}

#[test]
fn rules_that_stand_in_the_way_are_said() {
    check([
        (
            Policy::PlainHttp(origin()).into(),
            2,
            "plain_http",
            "http://tiled.example is not encrypted, and credentials are not sent in clear over a network\nUse its \
             https:// address, or, if everybody on the way may read the password: `authctl login \
             http://127.0.0.1:8000 --allow-http`."
                .to_owned(),
        ),
        (
            Policy::NoSuchProvider { asked: "x".into(), offered: vec!["toy".into(), "ldap".into()] }.into(),
            2,
            "no_such_provider",
            "http://127.0.0.1:8000: no sign-in provider is called \"x\"; offered: \"toy\", \"ldap\"\nName one of those \
             with --provider."
                .to_owned(),
        ),
        (
            Policy::NoSuchMethod { asked: "web".into() }.into(),
            2,
            "no_such_method",
            "http://127.0.0.1:8000: the server does not offer the method \"web\" for this provider\nLeave --method \
             out, or name another one."
                .to_owned(),
        ),
        (
            Policy::NotSupported { provider: "orcid".into() }.into(),
            4,
            "not_supported",
            "http://127.0.0.1:8000: the provider \"orcid\" signs people in at another site in a browser, which is not \
             supported yet\nSign in with Python's tiled on this machine: authctl then uses that session."
                .to_owned(),
        ),
        (
            Policy::NobodyToSignIn.into(),
            4,
            "nobody_to_sign_in",
            "http://127.0.0.1:8000: this server is open to everyone and has nobody to sign in\nUse it without signing \
             in: no token is needed."
                .to_owned(),
        ),
        (
            Policy::ApiKeyOnly.into(),
            4,
            "api_key_only",
            "http://127.0.0.1:8000: this server has no users to sign in: it takes an API key only\nAsk the \
             server's administrator for its key; authctl does not keep keys yet."
                .to_owned(),
        ),
        (
            Policy::AnotherUser.into(),
            3,
            "another_user",
            "http://127.0.0.1:8000: another user has signed in to this site meanwhile\nRun `authctl login \
             http://127.0.0.1:8000` to be signed in as yourself."
                .to_owned(),
        ),
    ]);
}

#[test]
fn servers_that_are_not_what_they_should_be_are_said_to_be() {
    check([
        (
            Peer::NotTiled { url: "http://127.0.0.1:8000/api/v1/".into(), status: 404, why: Foreign::default() }.into(),
            6,
            "peer",
            "this is not a Tiled server: its address http://127.0.0.1:8000/api/v1/ answered 404\nCheck the address: \
             that of a Tiled server is like http://127.0.0.1:8000."
                .to_owned(),
        ),
        (
            Peer::Elsewhere { from: origin(), to: "https://other.example/".into() }.into(),
            6,
            "peer",
            "http://tiled.example sends its clients to another server, https://other.example/; if that is right, use \
             that address\nName that address instead, if you trust it."
                .to_owned(),
        ),
        (
            Peer::Circles.into(),
            6,
            "peer",
            "http://127.0.0.1:8000: the server redirects its clients in circles\nCheck the address, or ask the \
             server's administrator."
                .to_owned(),
        ),
        (
            Peer::UnknownMode { provider: "toy".into(), mode: "telepathy".into() }.into(),
            6,
            "peer",
            "http://127.0.0.1:8000: the provider \"toy\" asks for a way of signing in that is not known here: \
             \"telepathy\"\nChoose another provider with --provider, or look for a newer authctl."
                .to_owned(),
        ),
    ]);
}

#[test]
fn questions_that_got_no_answer_are_said() {
    let no_prompt = "Give the password with --user NAME --password-stdin, run `authctl login http://127.0.0.1:8000` at \
                     a terminal, or sign in with Python's tiled on this machine.";
    check([
        (
            AuthError::Cancelled,
            5,
            "cancelled",
            "cancelled\nNothing was changed; run it again when you are ready.".to_owned(),
        ),
        (
            CannotPrompt::NoTerminal.into(),
            8,
            "cannot_prompt",
            format!("a question has to be asked, and there is no terminal to ask it at\n{no_prompt}"),
        ),
        (
            CannotPrompt::NotAllowed.into(),
            8,
            "cannot_prompt",
            format!("a question would have to be asked, and this program was told to ask none\n{no_prompt}"),
        ),
        (
            CannotPrompt::HungUp.into(),
            8,
            "cannot_prompt",
            "the terminal was closed while a question was asked\nRun `authctl login http://127.0.0.1:8000` again."
                .to_owned(),
        ),
        (
            CannotPrompt::Unanswered.into(),
            8,
            "cannot_prompt",
            "nobody answered within ten minutes\nRun `authctl login http://127.0.0.1:8000` again.".to_owned(),
        ),
    ]);
}

#[test]
fn stores_that_fail_are_said() {
    let elsewhere = "name other folders in TILED_CACHE_DIR and AUTHCTL_STATE_DIR.";
    check([
        (
            store(StoreFaultKind::Denied),
            7,
            "store",
            format!("/home/a/.cache/tiled: permission denied\nSee that you may write there, or {elsewhere}"),
        ),
        (
            store(StoreFaultKind::ReadOnly),
            7,
            "store",
            format!("/home/a/.cache/tiled: the file system is read-only\nSee that you may write there, or {elsewhere}"),
        ),
        (
            store(StoreFaultKind::Full),
            7,
            "store",
            format!("/home/a/.cache/tiled: no space left\nMake room there, or {elsewhere}"),
        ),
        (
            store(StoreFaultKind::NotA("directory")),
            7,
            "store",
            format!("/home/a/.cache/tiled: not a directory\nMove away what is there, or {elsewhere}"),
        ),
        (
            store(StoreFaultKind::Untrusted("writable by others")),
            7,
            "store",
            format!(
                "/home/a/.cache/tiled: refused, because another user could have placed or changed it: writable by \
                 others\nSee whose it is and who may change it, or {elsewhere}"
            ),
        ),
        (
            store(StoreFaultKind::Locked(Holder { pid: Some(12), host: Some("render07".into()), stopped: false })),
            7,
            "store",
            "/home/a/.cache/tiled: kept locked by process 12 on render07 for too long\nWait until the other process has ended, \
             or end it."
                .to_owned(),
        ),
        (
            store(StoreFaultKind::Locked(Holder { pid: Some(12), host: None, stopped: true })),
            7,
            "store",
            "/home/a/.cache/tiled: kept locked by process 12 (stopped) for too long\nContinue the other process: type \
             `fg` in its terminal, or run `kill -CONT 12`."
                .to_owned(),
        ),
        (
            store(StoreFaultKind::NoLocks),
            7,
            "store",
            "/home/a/.cache/tiled: nothing can be locked in this file system\nName a folder on a disk of this machine in \
             AUTHCTL_STATE_DIR."
                .to_owned(),
        ),
        (
            store(StoreFaultKind::Timeout),
            7,
            "store",
            "/home/a/.cache/tiled: no answer in time\nTry again; if it stays so, see whether the disk it is on still \
             answers."
                .to_owned(),
        ),
        (
            store(StoreFaultKind::Exhausted),
            7,
            "store",
            "/home/a/.cache/tiled: this program or this machine has no file descriptors, threads or memory left\nClose \
             other programs, or raise the limit with `ulimit -n`."
                .to_owned(),
        ),
        (
            StoreFault { kind: StoreFaultKind::NoHome, path: Foreign::default() }.into(),
            7,
            "store",
            "the session store: no home directory is known; set HOME or TILED_CACHE_DIR\nSet HOME, or both \
             TILED_CACHE_DIR and AUTHCTL_STATE_DIR."
                .to_owned(),
        ),
        (
            store(StoreFaultKind::Other("Input/output error".into())),
            7,
            "store",
            format!("/home/a/.cache/tiled: Input/output error\nSee what is wrong there, or {elsewhere}"),
        ),
    ]);
}

#[test]
fn errors_that_come_before_any_flow_are_said_too() {
    let report = "\nThis is a fault of authctl or of this machine: please report it.";
    let cases = [
        (
            address("nowhere").unwrap_err(),
            2,
            "address",
            "\"nowhere\" is not an address: an address begins with http:// or https://\nGive the server's address, \
             like http://127.0.0.1:8000."
                .to_owned(),
        ),
        (
            Error::ApiKey,
            2,
            "address",
            "the address carries an API key, and this is about a session; leave api_key out of it\nGive the \
             address without api_key, and sign in with `authctl login`."
                .to_owned(),
        ),
        (
            Error::TwoKeys,
            2,
            "address",
            "an API key stands in the address, and another was given; which one is meant?\nLeave one of them out."
                .to_owned(),
        ),
        (
            Error::KeyAndName,
            2,
            "address",
            "an API key and a user or provider to sign in with were given; which one is meant?\nLeave one of them \
             out."
                .to_owned(),
        ),
        (
            Error::NoSession,
            2,
            "usage",
            "this is not the name of a session, which has 32 hexadecimal digits\n`authctl sessions` lists them."
                .to_owned(),
        ),
        (
            Error::Authorities { file: "/etc/ca.pem".into(), why: "it is not in PEM".into() },
            2,
            "authorities",
            "the file of certificate authorities /etc/ca.pem cannot be used: it is not in PEM\nSSL_CERT_FILE and \
             SHOTGUN_API_CACERTS name such files: correct or unset them."
                .to_owned(),
        ),
        (
            Error::UserAgent,
            1,
            "internal",
            format!("the User-Agent is empty, or has characters that a header cannot hold{report}"),
        ),
        (
            Error::NoEntropy,
            1,
            "internal",
            format!(
                "this machine's random source gives nothing, and without it nobody can be signed in{report}"
            ),
        ),
    ];
    for (error, code, kind, words) in cases {
        assert_eq!(said(error, Doing::Using), (code, kind, words));
    }
}

#[test]
fn what_helps_depends_on_what_was_being_done() {
    let wrong = || AuthError::Rejected("Incorrect username or password".into());
    let down = || AuthError::from(Trouble::Unreachable(TransportFault::Connect));
    let choice = || AuthError::from(CannotPrompt::NotAllowed);
    let cases = [
        (
            wrong(),
            Doing::SigningIn,
            "Check the name, the password and, where there are several, the provider.",
        ),
        (
            wrong(),
            Doing::SigningInUnasked,
            "Check the name, the password and, where there are several, the provider.",
        ),
        (
            down(),
            Doing::SigningIn,
            "Check that the server is running, its host and port, and the proxy if HTTPS_PROXY or ALL_PROXY names one.",
        ),
        (
            choice(),
            Doing::SigningInUnasked,
            "There are several ways to sign in to this server: name one with --provider.",
        ),
    ];
    for (error, doing, remedy) in cases {
        assert_eq!(Failure::of(&error.into(), Some(SITE), doing).remedy, remedy);
    }
}

#[test]
fn an_address_is_one_word_of_a_command_line() {
    let cases = [
        ("http://127.0.0.1:8000/a-b_c.d~e", "http://127.0.0.1:8000/a-b_c.d~e"),
        ("http://[::1]:8000", "'http://[::1]:8000'"),
        ("http://h/$(reboot);x&y", "'http://h/$(reboot);x&y'"),
        ("http://h/it's", r"'http://h/it'\''s'"),
    ];
    for (address, word) in cases {
        assert_eq!(quoted(address), word);
        let failure = Failure::of(&AuthError::NotSignedIn.into(), Some(address), Doing::Using);
        assert_eq!(failure.remedy, format!("Run `authctl login {word}` to sign in."));
    }
}

#[test]
fn a_session_that_was_not_saved_is_a_failure_of_the_store() {
    let fault = StoreFault { kind: StoreFaultKind::Full, path: "/home/a".into() };
    let failure = Failure::not_saved("http://127.0.0.1:8000", &fault);
    assert_eq!(failure.exit, Exit::STORE);
    let message = "could not save the session for http://127.0.0.1:8000: /home/a: no space left";
    assert_eq!(failure.message, message);
    assert!(failure.remedy.starts_with("Make room"), "{}", failure.remedy);
}
