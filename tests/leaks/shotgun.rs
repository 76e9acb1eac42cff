//! The same at a Shotgun site.

use std::time::Duration;

use auth_core::Seed;
use auth_core::time::Timestamp;
use auth_sandbox::{Fault, Faults, Person, Script, Server, ShotgunConfig, ShotgunSite, SiteClock, Which};
use canary::plant;
use conformance::Home;

/// [`Home`] searches everything when it goes.
struct Studio {
    home: Home,
    server: Server<ShotgunSite>,
    url: String,
}

impl Studio {
    fn new(seed: u8) -> Self {
        let config = ShotgunConfig {
            people: vec![Person::new("ada", plant("ada's password"))],
            scripts: vec![Script::new("robot", plant("a script's key"))],
            ..ShotgunConfig::default()
        };
        let site = ShotgunSite::new(config, Seed::new([seed; 32]));
        let server = Server::start(site, SiteClock::standing(Timestamp(1_800_000_000))).unwrap();
        let url = server.url().to_string().trim_end_matches('/').to_owned();
        Self { home: Home::new(), server, url }
    }

    /// Ends with this code.
    fn runs(&self, args: &[&str], input: &str, code: i32) {
        let run = self.home.authctl_traced(args, input);
        assert_eq!(run.code, code, "{args:?}: {run:?}");
    }

    fn signs_in(&self) {
        let password = format!("{}\n", plant("ada's password"));
        self.runs(&["login", &self.url, "--user", "ada", "--password-stdin"], &password, 0);
    }
}

const READ: &str = r#"{"type":"HumanUser","filters":{"logical_operator":"and","conditions":[]}}"#;

#[test]
fn a_whole_sign_in_to_a_shotgun_site_leaks_nothing_s2_s3_f9() {
    let studio = Studio::new(41);
    studio.signs_in();
    let url = studio.url.as_str();
    studio.runs(&["token"], "", 0);
    studio.runs(&["whoami", "--json"], "", 0);
    studio.runs(&["status", "--check", "--json"], "", 0);
    studio.runs(&["call", url, "read", READ], "", 0);
    studio.runs(&["call", url, "nothing", "-"], "{}", 6);
    let script = ["call", url, "read", READ, "--script-name", "robot", "--script-key-fd", "0"];
    studio.runs(&script, &format!("{}\n", plant("a script's key")), 0);
    studio.runs(&script, &format!("{}\n", plant("a wrong key")), 4);
    studio.server.clock().advance(Duration::from_hours(24 * 365));
    studio.runs(&["whoami"], "", 3);
    studio.runs(&["call", url, "read", READ], "", 3);
    studio.signs_in();
    studio.runs(&["logout"], "", 0);
    studio.runs(&["token"], "", 3);
}

#[test]
fn failures_of_a_shotgun_site_say_nothing_of_what_was_presented_s2() {
    let faults = [
        Fault::Status { status: 503, retry_after: None },
        Fault::Page,
        Fault::Malformed,
        Fault::LostReply,
        Fault::Redirect { status: 307, location: "http://127.0.0.1:9/elsewhere".to_owned() },
    ];
    for (seed, fault) in (42..).zip(faults) {
        let studio = Studio::new(seed);
        studio.signs_in();
        let all = Faults::none().always(Which::calling("read"), fault.clone());
        studio.server.site().lock().unwrap().faults =
            all.always(Which::calling("get_session_token"), fault.clone());
        for (args, input) in [
            (&["whoami"][..], String::new()),
            (&["call", &studio.url, "read", READ], String::new()),
            (
                &["login", &studio.url, "--user", "ada", "--password-stdin"],
                format!("{}\n", plant("another password")),
            ),
        ] {
            let run = studio.home.authctl_traced(args, &input);
            assert!(run.code != 0 && run.out.is_empty(), "{fault:?}: {args:?}: {run:?}");
        }
    }
}
