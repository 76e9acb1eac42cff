//! Serving sites to try things out with.

use std::net::{Ipv4Addr, SocketAddr};

use auth_native::Foreign;
use auth_native::blocking::seed;
use auth_sandbox::{Limits, Server, ShotgunSite, Site, SiteClock, TiledSite};
use serde::Serialize;

use crate::client::shown;
use crate::exit::Exit;
use crate::output;
use crate::plan::Sandbox;
use crate::report::Failure;

pub(crate) fn run(plan: &Sandbox) -> Result<Exit, Failure> {
    let seed = seed().map_err(|error| Failure::internal(error.to_string()))?;
    let mut site = TiledSite::demo(seed.derive("sandbox", 0));
    site.config.lifetimes.access = plan.access_life;
    let studio = ShotgunSite::demo(seed.derive("sandbox", 1));
    let strange = || Failure::internal("the sandbox has no user");
    let user = site.config.users.first().cloned().ok_or_else(strange)?;
    let person = studio.config.people.first().cloned().ok_or_else(strange)?;
    let script = studio.config.scripts.first().cloned().ok_or_else(strange)?;
    // Before anybody learns that there is something to stop.
    let end = End::watch()?;
    let tiled = serve(plan.port, site)?;
    let shotgun = serve(plan.shotgun_port, studio)?;
    let (tiled_url, shotgun_url) = (tiled.url().to_string(), shotgun.url().to_string());
    let served = Served {
        tiled: Tiled { url: &tiled_url, username: &user.name, password: user.password.expose() },
        shotgun: Shotgun {
            url: &shotgun_url,
            login: &person.login,
            password: person.password.expose(),
            script_name: &script.name,
            script_key: script.key.expose(),
        },
    };
    output::answer(plan.json, &served, || lines(&served))?;
    end.wait();
    Ok(Exit::OK)
}

fn serve<S: Site>(port: u16, site: S) -> Result<Server<S>, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Server::start_at(address, site, SiteClock::running(), Limits::default())
        .map_err(|error| cannot_listen(address, &error))
}

#[derive(Serialize)]
struct Served<'a> {
    tiled: Tiled<'a>,
    shotgun: Shotgun<'a>,
}

#[derive(Serialize)]
struct Tiled<'a> {
    url: &'a str,
    username: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
struct Shotgun<'a> {
    url: &'a str,
    login: &'a str,
    password: &'a str,
    script_name: &'a str,
    script_key: &'a str,
}

fn lines(served: &Served<'_>) -> String {
    let Served { tiled: Tiled { url, username, password }, shotgun } = served;
    let Shotgun { url: studio, login, password: theirs, script_name, script_key } = shotgun;
    let (place, studio) = (shown(url), studio.trim_end_matches('/'));
    format!(
        "\
SANDBOX: sites to try things out with. Nothing on them is real.
A Tiled server:
  address   {place}
  user      {username}
  password  {password}
A Shotgun site:
  address   {studio}
  user      {login}
  password  {theirs}
  script    {script_name}
  key       {script_key}
In another terminal:
  authctl login {place} --user {username}
  authctl whoami {place}
  authctl token {place}
  authctl logout {place}
  authctl login {studio} --user {login}
  authctl call {studio} info
Ctrl-C ends it.
"
    )
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure {
        kind: "port",
        ..Failure::usage(
            &format!("the sandbox cannot listen at {address}: {}", Foreign::new(error.to_string())),
            "Name another --port, or none for any that is free.",
        )
    }
}

/// The signals that end it.
#[cfg(unix)]
struct End(signal_hook::iterator::Signals);

#[cfg(unix)]
impl End {
    fn watch() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]);
        signals.map(Self).map_err(|error| Failure::internal(format!("signals cannot be watched: {error}")))
    }

    fn wait(mut self) {
        let _ = self.0.forever().next();
    }
}

#[cfg(not(unix))]
struct End;

#[cfg(not(unix))]
impl End {
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere this can fail")]
    fn watch() -> Result<Self, Failure> {
        Ok(Self)
    }

    /// The system ends this program.
    fn wait(self) {
        loop {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::to_string;

    const SERVED: Served<'_> = Served {
        tiled: Tiled { url: "http://127.0.0.1:8000/", username: "demo", password: "a-b-c" },
        shotgun: Shotgun {
            url: "http://127.0.0.1:8001/",
            login: "demo",
            password: "d-e-f",
            script_name: "demo_script",
            script_key: "g-h-i",
        },
    };

    #[test]
    fn where_they_are_and_how_to_sign_in_is_one_object() {
        assert_eq!(
            to_string(&SERVED),
            r#"{"tiled":{"url":"http://127.0.0.1:8000/","username":"demo","password":"a-b-c"},"#.to_owned()
                + r#""shotgun":{"url":"http://127.0.0.1:8001/","login":"demo","password":"d-e-f","#
                + r#""script_name":"demo_script","script_key":"g-h-i"}}"#
        );
    }

    #[test]
    fn a_person_is_told_what_to_type() {
        let text = lines(&SERVED);
        assert!(text.starts_with("SANDBOX: "));
        assert!(text.contains("\n  authctl login http://127.0.0.1:8000 --user demo\n"));
        assert!(text.contains("\n  authctl login http://127.0.0.1:8001 --user demo\n"));
    }
}
