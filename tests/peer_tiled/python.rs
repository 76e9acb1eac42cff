//! The Python client and ours on the same files.

use conformance::{Home, tiled};

const WHOAMI: &str = "
import sys
from tiled.client.context import Context
context, _ = Context.from_any_uri(sys.argv[1])
assert context.use_cached_tokens(), 'not signed in'
print(context.whoami()['identities'][0]['id'])
";

const LOGIN: &str = "
import sys
from tiled.client.context import Context, password_grant
context, _ = Context.from_any_uri(sys.argv[1])
provider = context.server_info.authentication.providers[0]
tokens = password_grant(context.http_client, provider.links['auth_endpoint'], provider.provider, sys.argv[2], sys.argv[3])
context.configure_auth(tokens, remember_me=True)
print(context.whoami()['identities'][0]['id'])
";

const LOGOUT: &str = "
import sys
from tiled.client.context import Context
context, _ = Context.from_any_uri(sys.argv[1])
assert context.use_cached_tokens(), 'not signed in'
context.logout()
";

fn python(home: &Home, script: &str, args: &[&str]) -> String {
    let run = home.python(script, args);
    assert_eq!(run.code, 0, "{run:?}");
    run.out.trim().to_owned()
}

#[test]
fn python_is_signed_in_by_our_files_and_we_by_what_it_renews() {
    let (home, url) = (Home::new(), tiled("internal"));
    let login = ["login", &url, "--user", "alice", "--password-stdin"];
    assert_eq!(home.authctl_told(&login, "secret1\n").code, 0);
    let ours = home.token(&url, "access_token").unwrap();
    assert_eq!(python(&home, WHOAMI, &[&url]), "alice");
    // By now Python may have renewed; in any case we go on from what is there, and it from what we renew.
    let next = crate::expiry::another_token(&home, &url, &ours);
    assert_eq!(python(&home, WHOAMI, &[&url]), "alice");
    crate::expiry::another_token(&home, &url, &next);
    assert_eq!(python(&home, WHOAMI, &[&url]), "alice");
    python(&home, LOGOUT, &[&url]);
    assert_eq!(home.authctl(&["token", &url]).code, 3);
}

#[test]
fn we_are_signed_in_by_what_python_wrote() {
    let (home, url) = (Home::new(), tiled("internal"));
    assert_eq!(python(&home, LOGIN, &[&url, "bob", "secret2"]), "bob");
    let theirs = home.token(&url, "access_token").unwrap();
    let who = home.authctl(&["whoami", &url]);
    assert!(who.code == 0 && who.out.starts_with("bob "), "{who:?}");
    crate::expiry::another_token(&home, &url, &theirs);
    assert_eq!(python(&home, WHOAMI, &[&url]), "bob");
    let out = home.authctl(&["logout", &url]);
    assert_eq!(out.code, 0, "{out:?}");
    let run = home.python(WHOAMI, &[&url]);
    assert!(run.err.contains("not signed in"), "{run:?}");
}

#[test]
fn another_user_of_python_replaces_ours_wholly() {
    let (home, url) = (Home::new(), tiled("internal"));
    let login = ["login", &url, "--user", "alice", "--password-stdin"];
    assert_eq!(home.authctl_told(&login, "secret1\n").code, 0);
    python(&home, LOGIN, &[&url, "bob", "secret2"]);
    let who = home.authctl(&["whoami", &url]);
    assert!(who.code == 0 && who.out.starts_with("bob "), "{who:?}");
    let status = home.authctl(&["status", &url, "--json"]);
    assert!(status.out.contains("bob") && !status.out.contains("alice"), "{status:?}");
}
