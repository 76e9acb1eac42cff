//! A disk that takes seconds to make something durable, in the middle of a renewal.

use std::ffi::OsString;

use auth_sandbox::RefreshRule;
use conformance::{Home, authctl};

use crate::terminal::site_with;

/// Renews a session of single-use tokens while every `fsync` of one number takes so many seconds; the exit code, what
/// was printed and what was said.
fn renew(home: &Home, at: u32, seconds: u32) -> (i32, String, String) {
    let mut command = home.command("strace");
    let inject = format!("inject=fsync:delay_enter={seconds}s:when={at}");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", &inject, "--"]);
    command.arg(OsString::from(authctl())).args(["token", "--min-validity", "1h"]);
    let ended = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

#[test]
fn a_slow_disk_loses_no_session_and_is_told_f5() {
    let site = site_with(|config| config.refresh_rule = RefreshRule::SingleUse);
    let home = Home::new();
    let signed_in = home.authctl_told(
        &["login", &site.url, "--user", "demo", "--password-stdin"],
        &format!("{}\n", site.password),
    );
    assert_eq!(signed_in.code, 0, "{signed_in:?}");
    let mut told = 0;
    // The intent, the refresh token, the sidecar and the access token: two each, for the file and for its folder.
    for at in 1..=8 {
        let (code, out, err) = renew(&home, at, 4);
        assert_eq!(code, 0, "{at}: {err}");
        assert_eq!(home.authctl(&["token"]).out, out, "{at}: what was printed is what is stored");
        told += usize::from(err.contains("Saving the session in "));
        let counters = site.server.site().lock().unwrap().counters();
        assert_eq!(counters.replays, 0, "{at}: {err}");
    }
    assert!(told >= 4, "a save that takes long is told: {told}");
}
