//! Signing in, using a session, signing out.

use auth_sandbox::{Fault, Faults, Which};

use crate::rig::Rig;

#[test]
fn a_session_is_used_from_sign_in_to_sign_out() {
    let rig = Rig::new();
    let signed_in = rig.sign_in();
    assert_eq!(signed_in.is(0).out, format!("Signed in to {} as demo.\n", rig.url));
    assert!(signed_in.err.contains("Server: SANDBOX: you have logged in as demo."), "{signed_in:?}");

    let requests = rig.server.connections();
    let token = rig.run(&["token", &rig.url]);
    assert_eq!((token.is(0).out.matches('\n').count(), token.err.as_str()), (1, ""));
    assert_eq!(rig.run(&["token"]).is(0).out, token.out, "the site signed in to last is meant");
    let json = rig.run(&["token", "--json"]).is(0).json();
    assert_eq!(json["access_token"], token.out.trim_end());
    assert_eq!((&json["token_type"], &json["user"]), (&"bearer".into(), &"demo".into()));
    assert_eq!(json["site"], format!("{}/api/v1/", rig.url));
    assert!(json["expires_in"].as_u64().is_some_and(|left| (1..=900).contains(&left)), "{json}");
    assert!(json["expires_at"].as_str().is_some_and(|end| end.ends_with('Z') && end.len() == 20), "{json}");
    rig.run(&["status"]).is(0).says(&["signed in", "demo (provider sandbox)", &rig.url]);
    rig.run(&["sites"]).is(0).says(&[&rig.url, "demo"]);
    assert_eq!(rig.server.connections(), requests, "a stored token needs no network");

    assert_eq!(rig.run(&["whoami"]).is(0).out, format!("demo (provider sandbox) at {}\n", rig.url));
    let json = rig.run(&["whoami", &rig.url, "--json"]).is(0).json();
    assert_eq!(
        (&json["user"], &json["provider"], &json["type"]),
        (&"demo".into(), &"sandbox".into(), &"user".into())
    );

    assert_eq!(rig.run(&["logout"]).is(0).out, format!("Signed out of {}.\n", rig.url));
    assert_eq!(rig.counters().revocations, 1);
    let again = format!("Run `authctl login {}`", rig.url);
    for command in ["token", "whoami", "logout"] {
        rig.run(&[command]).is(3).says(&["authctl: not signed in to", &again]);
    }
    rig.run(&["status"]).is(3).says(&["not signed in"]);
}

#[test]
fn a_token_that_does_not_last_long_enough_is_renewed_once() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let first = rig.run(&["token"]).out;
    let enough = rig.run(&["token", "--min-validity", "10m"]);
    assert_eq!((enough.is(0).out.as_str(), enough.err.as_str()), (first.as_str(), ""));
    assert_eq!(rig.counters().refreshes, 0);
    let too_long = rig.run(&["token", "--min-validity", "1h"]);
    assert_ne!(too_long.is(0).out, first);
    assert!(too_long.err.starts_with("authctl: warning: "), "{too_long:?}");
    assert_eq!(rig.counters().refreshes, 1);
    assert_eq!(rig.run(&["token"]).out, too_long.out);
}

#[test]
fn a_token_is_printed_while_it_is_good_whatever_became_of_the_server() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    let token = rig.run(&["token"]).out;
    let Rig { home, server, .. } = rig;
    drop(server);
    assert_eq!(home.run(&["token"]).is(0).out, token);
    let short = home.run(&["token", "--min-validity", "1h"]);
    assert_eq!(short.is(0).out, token);
    assert!(short.err.contains("warning: the session could not be renewed for now"), "{short:?}");
    home.run(&["whoami"]).is(6).says(&["no connection could be made", "The stored session is kept."]);
    home.run(&["status"]).is(0);
}

#[test]
fn a_session_that_the_server_ended_is_over_and_says_so() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    rig.server.site().lock().unwrap().change_keys();
    let over = rig.run(&["token", "--min-validity", "1h", "--json"]);
    let error = &over.is(3).json()["error"];
    assert_eq!((&error["kind"], &error["exit"]), (&"revoked".into(), &3.into()));
    over.says(&["to sign in again."]);
    rig.run(&["token"]).is(3).says(&["not signed in to"]);
}

#[test]
fn a_session_that_cannot_be_revoked_is_removed_here_all_the_same() {
    let busy = || Fault::Status { status: 503, retry_after: None };
    let rig = Rig::with(|site| {
        site.faults = Faults::none().always(Which::ending("/auth/session/revoke"), busy());
    });
    rig.sign_in().is(0);
    rig.run(&["logout"]).is(9).says(&[
        "signed out of",
        "but the session was not ended there",
        "It may live on until 2",
    ]);
    rig.run(&["token"]).is(3);
}

#[test]
fn signing_out_everywhere_and_forgetting_leaves_nothing() {
    let (rig, other) = (Rig::new(), Rig::new());
    rig.sign_in().is(0);
    let args = ["login", &other.url, "--user", "demo", "--password-stdin"];
    rig.home.run_with(&other.password, &args).is(0);
    let sites = rig.run(&["sites", "--json"]).is(0).json();
    let listed: Vec<_> =
        sites["sites"].as_array().unwrap().iter().map(|entry| entry["site"].clone()).collect();
    assert_eq!(listed, [format!("{}/api/v1/", other.url), format!("{}/api/v1/", rig.url)]);
    assert_eq!(rig.run(&["status", "--all", "--json"]).is(0).json()["sites"].as_array().unwrap().len(), 2);

    rig.run(&["logout", "--all"]).is(0).says(&[&rig.url, &other.url]);
    assert_eq!((rig.counters().revocations, other.counters().revocations), (1, 1));
    assert_eq!(
        rig.run(&["logout", "--all", "--forget"]).is(0).out,
        "Nobody was signed in. The list of sites is empty now.\n"
    );
    assert_eq!(rig.run(&["logout", "--all", "--forget"]).is(0).out, "Nobody was signed in.\n");
    assert_eq!(rig.run(&["sites", "--json"]).is(0).out, "{\"sites\":[]}\n");
    rig.run(&["token"]).is(3).says(&["no site is named", "authctl login"]);
}

#[test]
fn an_address_inside_the_server_means_the_server() {
    let rig = Rig::new();
    rig.sign_in().is(0);
    for place in ["/", "/api", "/api/v1/", "/api/v1/metadata/a/b"] {
        rig.run(&["whoami", &format!("{}{place}", rig.url)]).is(0).says(&["demo"]);
    }
}
