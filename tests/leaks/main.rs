//! What the command prints, passes on and leaves behind, searched for every secret that was in play.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

use std::time::Duration;

mod shotgun;

use auth_core::Secret;
use auth_sandbox::{Fault, Faults, Server, SiteClock, TiledSite, Which};
use canary::plant;
use conformance::Home;

struct Site {
    server: Server,
    clock: SiteClock,
    url: String,
    password: String,
}

fn site() -> Site {
    let mut site = TiledSite::demo([7; 32]);
    let password = plant("the password of demo");
    site.config.users[0].password = Secret::from(password.as_str());
    let clock = SiteClock::running();
    let server = Server::start(site, clock.clone()).unwrap();
    let url = server.url().to_string().trim_end_matches('/').to_owned();
    Site { server, clock, url, password }
}

fn login(home: &Home, site: &Site) {
    let told = format!("{}\n", site.password);
    let run = home.authctl_traced(&["login", &site.url, "--user", "demo", "--password-stdin"], &told);
    assert_eq!(run.code, 0, "{run:?}");
}

/// [`Home`] searches everything when it goes.
#[test]
fn a_whole_sign_in_leaks_nothing_s2_s3_f9() {
    let (home, site) = (Home::new(), site());
    login(&home, &site);
    let journey: [(&[&str], i32); 7] = [
        (&["token"], 0),
        (&["whoami"], 0),
        (&["status"], 0),
        (&["status", "--json"], 0),
        (&["sites", "--json"], 0),
        (&["logout"], 0),
        (&["token"], 3),
    ];
    for (args, code) in journey {
        let run = home.authctl_traced(args, "");
        assert_eq!(run.code, code, "{args:?}: {run:?}");
    }
}

#[test]
fn a_renewal_leaks_neither_the_old_tokens_nor_the_new_s2_f9() {
    let (home, site) = (Home::new(), site());
    login(&home, &site);
    for name in ["access_token", "refresh_token"] {
        canary::also(&format!("the first {name}"), &home.token(&site.url, name).unwrap());
    }
    site.clock.advance(Duration::from_hours(1));
    let run = home.authctl_traced(&["whoami"], "");
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(site.server.site().lock().unwrap().counters().refreshes, 1);
}

#[test]
fn failures_say_nothing_of_what_was_presented_s2() {
    let faults = [
        Fault::Status { status: 503, retry_after: None },
        Fault::Status { status: 422, retry_after: None },
        Fault::Page,
        Fault::Malformed,
        Fault::LostReply,
        Fault::Redirect { status: 307, location: "http://127.0.0.1:9/elsewhere".to_owned() },
    ];
    for fault in faults {
        let (home, site) = (Home::new(), site());
        login(&home, &site);
        site.clock.advance(Duration::from_hours(1));
        site.server.site().lock().unwrap().faults =
            Faults::none().always(Which::ending("/refresh"), fault.clone());
        let run = home.authctl_traced(&["whoami"], "");
        assert!(run.code != 0 && run.out.is_empty(), "{fault:?}: {run:?}");
        let wrong = plant("a wrong password");
        let run = home.authctl_traced(
            &["login", &site.url, "--user", "demo", "--password-stdin"],
            &format!("{wrong}\n"),
        );
        assert_eq!(run.code, 4, "{fault:?}: {run:?}");
    }
}

#[test]
fn a_damaged_store_is_not_repeated_in_messages_p1_s2() {
    let (home, site) = (Home::new(), site());
    login(&home, &site);
    let torn = plant("a damaged token");
    let path = home.tokens(&site.url).join("access_token");
    std::fs::write(&path, format!("\u{1b}[2J{torn}\0\n{torn}")).unwrap();
    // Nobody is in the middle of writing it.
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(10)).unwrap();
    for args in [&["status"][..], &["whoami"], &["token"]] {
        home.authctl_traced(args, "");
    }
}
