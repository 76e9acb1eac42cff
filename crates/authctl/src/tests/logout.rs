use auth_native::blocking::State;
use auth_native::error::{TransportFault, Trouble};
use auth_native::{Timestamp, address};

use super::*;

fn before() -> Status {
    Status {
        uri: address("http://127.0.0.1:8000").unwrap(),
        state: State::Good,
        user: None,
        provider: None,
        expires: Some(Timestamp(1_800_000_900)),
        expires_in: None,
        renewable: true,
        refresh_expires: Some(Timestamp(1_800_600_000)),
        allow_http: false,
    }
}

#[test]
fn a_session_that_lives_on_is_named_with_its_end() {
    let down = || Revocation::Failed(Trouble::Unreachable(TransportFault::Connect).into());
    let plain = Policy::PlainHttp(address("http://tiled.example").unwrap().origin().clone());
    let unknown = Status { refresh_expires: None, ..before() };
    let cases = [
        (before(), down(), "no connection could be made", "until 2027-01-22T06:40:00Z"),
        (unknown, down(), "no connection could be made", "until it ends by itself"),
        (
            before(),
            Revocation::Failed(plain.into()),
            "it is not encrypted, so nothing was sent",
            "until 2027-01-22T06:40:00Z",
        ),
        (
            before(),
            Revocation::Impossible,
            "there is no refresh token to revoke it with",
            "until 2027-01-15T08:15:00Z",
        ),
    ];
    for (before, revocation, why, until) in cases {
        let failure = not_revoked(&before, &revocation).unwrap();
        assert_eq!((failure.exit, failure.kind), (Exit::NOT_REVOKED, "not_revoked"));
        assert_eq!(
            failure.message,
            format!("signed out of http://127.0.0.1:8000 here, but the session was not ended there: {why}")
        );
        assert!(failure.remedy.starts_with(&format!("It may live on {until}.")), "{}", failure.remedy);
    }
}

#[test]
fn what_is_over_need_not_be_revoked() {
    let over = Status { renewable: false, ..before() };
    let stumbled = Trouble::Status { status: 500, detail: "Internal server error".into(), retry_after: None };
    assert_eq!(not_revoked(&over, &Revocation::Failed(stumbled.into())), None);
    assert_eq!(not_revoked(&before(), &Revocation::Revoked), None);
}
