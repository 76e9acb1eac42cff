//! Two sign-ins at terminals of their own, of which the first is stopped.

use conformance::{Home, Terminal};

use crate::terminal::site;

/// Signs in, and when that is stopped says so and brings it back once a line is typed.
fn login(home: &Home, url: &str) -> Terminal {
    home.jobs_at_terminal(&format!(
        "$authctl login {url} --user demo; \
         while [ -n \"$(jobs -s)\" ]; do echo stopped; read -r line; fg >/dev/null; done"
    ))
}

#[test]
fn a_login_stopped_by_ctrl_z_keeps_no_other_waiting_s8() {
    let (home, site) = (Home::new(), site());
    let answer = format!("{}\n", site.password);
    let mut first = login(&home, &site.url);
    first.expect("Password: ");
    first.send("half\u{1a}");
    first.expect("stopped");
    first.assert_as_before();

    let mut second = login(&home, &site.url);
    second.expect("Password: ");
    assert!(!second.screen().contains("Waiting"), "{}", second.screen());

    // Continued, it waits as whoever came later.
    first.send("\n");
    first.expect("Waiting for the sign-in in process");
    first.assert_as_before();
    second.send(&answer);
    second.expect("Signed in");
    assert_eq!(second.ended(), 0, "{}", second.screen());
    first.expect("Password: ");
    first.send("\u{1a}");
    first.expect("stopped");
    first.assert_as_before();
    first.send("\n");
    first.expect("Password: ");
    first.send(&answer);
    first.expect("Signed in");
    assert_eq!(first.ended(), 0, "{}", first.screen());
    assert_eq!(site.server.site().lock().unwrap().counters().logins, 2);
}

#[test]
fn an_explicit_login_goes_on_beside_a_stopped_one() {
    let (home, site) = (Home::new(), site());
    let script = format!("echo $$ >\"$HOME/pid\"; exec $authctl login {} --user demo", site.url);
    let mut first = home.jobs_at_terminal(&script);
    first.expect("Password: ");
    let pid = std::fs::read_to_string(home.path().join("pid")).unwrap();
    let kill = |signal: &str| {
        assert!(std::process::Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    };
    kill("-STOP");
    let mut second = home.authctl_at_terminal(&["login", &site.url, "--user", "demo"]);
    second.expect(&format!("Waiting for the sign-in in process {}", pid.trim()));
    second.expect("(stopped) ...");
    second.expect(&format!("type `fg` in its terminal or run `kill -CONT {}`", pid.trim()));
    second.expect("Password: ");
    second.send(&format!("{}\n", site.password));
    second.expect("Signed in");
    assert_eq!(second.ended(), 0, "{}", second.screen());
    // The first still has its question.
    kill("-CONT");
    first.expect("Password: ");
    first.send("\u{3}");
    assert_eq!(first.ended(), 5, "{}", first.screen());
}
