use std::time::Duration;

use auth_native::{Timestamp, address};

use super::*;
use crate::json::to_string;

fn status(state: State, renewable: bool) -> Status {
    let good = state == State::Good;
    let found = good || state == State::Expired;
    let end = Timestamp(if good { 1_800_000_900 } else { 1_799_999_000 });
    Status {
        uri: address("http://127.0.0.1:8000").unwrap(),
        state,
        user: Some("alice".into()),
        provider: found.then(|| "toy".into()),
        expires: found.then_some(end),
        expires_in: found.then_some(Duration::from_secs(if good { 900 } else { 0 })),
        renewable,
        refresh_expires: renewable.then_some(Timestamp(1_800_600_000)),
        allow_http: false,
    }
}

#[test]
fn a_status_is_a_few_lines() {
    let unknown = Status {
        user: None,
        provider: None,
        expires: None,
        expires_in: None,
        refresh_expires: None,
        allow_http: true,
        ..status(State::Good, true)
    };
    let cases = [
        (
            status(State::Good, true),
            "\
http://127.0.0.1:8000
  state    signed in
  user     alice (provider toy)
  token    good until 2027-01-15T08:15:00Z, for 15 minutes
  renewal  possible until 2027-01-22T06:40:00Z
",
        ),
        (
            status(State::Good, false),
            "\
http://127.0.0.1:8000
  state    signed in
  user     alice (provider toy)
  token    good until 2027-01-15T08:15:00Z, for 15 minutes
  renewal  not possible
",
        ),
        (
            unknown,
            "\
http://127.0.0.1:8000
  state    signed in
  token    good until the server refuses it
  renewal  possible
  warning  passwords and tokens may go there unencrypted
",
        ),
        (
            status(State::Expired, true),
            "\
http://127.0.0.1:8000
  state    signed in; the token has expired and is renewed when it is needed
  user     alice (provider toy)
  renewal  possible until 2027-01-22T06:40:00Z
",
        ),
        (
            status(State::Expired, false),
            "\
http://127.0.0.1:8000
  state    the session has ended
  was      alice (provider toy)
",
        ),
        (
            status(State::None, false),
            "\
http://127.0.0.1:8000
  state    not signed in
  was      alice
",
        ),
        (
            status(State::Torn, false),
            "\
http://127.0.0.1:8000
  state    being written by another program; look again in a moment
  was      alice
",
        ),
    ];
    for (status, text) in cases {
        assert_eq!(lines(&status), text);
    }
}

#[test]
fn a_status_is_printed_as_json() {
    let status = [status(State::Good, true), status(State::None, false)];
    let printed = [
        r#"{"site":"http://127.0.0.1:8000/api/v1/","state":"good","signed_in":true,"user":"alice","provider":"toy","expires_at":"2027-01-15T08:15:00Z","expires_in":900,"renewable":true,"renewable_until":"2027-01-22T06:40:00Z","allow_http":false}"#,
        r#"{"site":"http://127.0.0.1:8000/api/v1/","state":"none","signed_in":false,"user":"alice","provider":null,"expires_at":null,"expires_in":null,"renewable":false,"renewable_until":null,"allow_http":false}"#,
    ];
    assert_eq!(status.each_ref().map(|status| to_string(&Entry::new(status))), printed);
    let all = Entries { sites: status.iter().map(Entry::new).collect() };
    assert_eq!(to_string(&all), format!(r#"{{"sites":[{},{}]}}"#, printed[0], printed[1]));
}

#[test]
fn a_name_from_a_server_does_nothing_to_a_terminal_t1() {
    let name = Some(Foreign::from("a\u{1b}[2J\u{202e}b"));
    let status = Status { user: name.clone(), provider: name, ..status(State::Good, true) };
    let text = lines(&status);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'), "{text}");
}
