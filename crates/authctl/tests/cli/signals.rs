//! Signals outside of questions.

use std::process::{Child, Stdio};
use std::time::Duration;

use auth_sandbox::{Fault, Faults, RefreshRule, Which};

use crate::rig::{Rig, collect, kill};

fn spawn(rig: &Rig, args: &[&str]) -> Child {
    let mut command = rig.home.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn slow(path: &str, delay: Duration) -> Faults {
    Faults::none().always(Which::ending(path), Fault::Delay(delay))
}

#[test]
fn a_command_that_waits_for_the_server_ends_by_a_signal() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129), ("-QUIT", 131)] {
        let rig = Rig::with(|site| site.faults = slow("/auth/whoami", Duration::from_secs(25)));
        rig.sign_in().is(0);
        let child = spawn(&rig, &["whoami"]);
        rig.wait_for("/auth/whoami");
        kill(&child, signal);
        collect(child).is(code).says(&["authctl: cancelled"]);
        rig.run(&["token"]).is(0);
    }
}

#[test]
fn what_is_being_redeemed_is_saved_before_a_signal_ends_anything() {
    let rig = Rig::with(|site| {
        site.config.refresh_rule = RefreshRule::SingleUse;
        site.faults = slow("/auth/session/refresh", Duration::from_secs(1));
    });
    rig.sign_in().is(0);
    let child = spawn(&rig, &["token", "--min-validity", "1h"]);
    rig.wait_for("/auth/session/refresh");
    kill(&child, "-INT");
    let ended = collect(child);
    ended.says(&["saving the session; press Ctrl-C again to give it up"]);
    let kept = rig.run(&["token"]);
    assert_eq!(kept.is(0).out, ended.is(0).out);
    // The refresh token in the store is the one that the server gave last.
    rig.run(&["token", "--min-validity", "1h"]).is(0);
    let counters = rig.counters();
    assert_eq!((counters.refreshes, counters.replays), (2, 0));
}

#[test]
fn the_second_signal_gives_up_what_is_being_saved() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129), ("-QUIT", 131)] {
        let rig = Rig::with(|site| site.faults = slow("/auth/session/refresh", Duration::from_secs(25)));
        rig.sign_in().is(0);
        let mut child = spawn(&rig, &["token", "--min-validity", "1h"]);
        rig.wait_for("/auth/session/refresh");
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        kill(&child, signal);
        let mut told = String::new();
        while !told.contains("press Ctrl-C again") {
            assert!(std::io::BufRead::read_line(&mut stderr, &mut told).unwrap() > 0, "{told}");
        }
        kill(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
    }
}
