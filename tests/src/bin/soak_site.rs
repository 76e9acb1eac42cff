//! A Tiled-shaped and a Shotgun-shaped site as a process of its own, for `cargo xtask soak`.
//!
//! `soak_site`. Prints where the sites are and who can sign in, as JSON. Then it carries out each line of standard input
//! and prints what it has counted: `outage MILLISECONDS drop|slow|unavailable`, `keys` (the Tiled site changes its keys),
//! `sessions` (the Shotgun site ends all sessions), `counters`. It ends with its input.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use auth_core::Secret;
use auth_core::site::Url;
use auth_sandbox::{
    Fault, Faults, Lifetimes, Limits, RefreshRule, Server, SessionLife, ShotgunSite, SiteClock, TiledSite,
    Which,
};
use serde_json::{Value, json};

/// How long an access token of the Tiled site lives.
const ACCESS: Duration = Duration::from_secs(2);
/// How long a session lives: short enough that the site never has too many of one user.
const SESSION: Duration = Duration::from_mins(2);
/// How long a session of the Shotgun site lives.
const SHOTGUN_SESSION: Duration = Duration::from_secs(20);
/// How much later an answer comes while a site is slow.
const SLOW: Duration = Duration::from_millis(300);

struct Sites {
    tiled: Server<TiledSite>,
    shotgun: Server<ShotgunSite>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut tiled = TiledSite::demo([7; 32]);
    tiled.config.refresh_rule = RefreshRule::SingleUse;
    tiled.config.lifetimes = Lifetimes { access: ACCESS, session: SESSION, ..Lifetimes::default() };
    let mut shotgun = ShotgunSite::demo([9; 32]);
    shotgun.config.session_life = SessionLife::Absolute(SHOTGUN_SESSION);
    shotgun.config.app_sessions = false;
    let user = tiled.config.users.first().cloned().ok_or("the site has no user")?;
    let person = shotgun.config.people.first().cloned().ok_or("the site has no user")?;
    let limits = Limits { connections: 4_096, ..Limits::default() };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sites = Sites {
        tiled: Server::start_at(address, tiled, SiteClock::running(), limits)?,
        shotgun: Server::start_at(address, shotgun, SiteClock::running(), limits)?,
    };
    let account = |url: &Url, user: &str, password: &Secret| json!({ "url": url.origin().to_string(), "user": user, "password": password.expose() });
    println!(
        "{}",
        json!({
            "tiled": account(sites.tiled.url(), &user.name, &user.password),
            "shotgun": account(sites.shotgun.url(), &person.login, &person.password),
        })
    );
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["outage", length, kind] => sites.outage(Duration::from_millis(length.parse()?), kind)?,
            ["keys"] => sites.tiled.site().lock().map_err(|_| "a thread panicked")?.change_keys(),
            ["sessions"] => {
                sites.shotgun.site().lock().map_err(|_| "a thread panicked")?.revoke_all(&person.login);
            }
            ["counters"] => {}
            _ => return Err(format!("unknown command: {line}").into()),
        }
        println!("{}", sites.counters()?);
    }
    Ok(())
}

impl Sites {
    /// Lets every request go wrong for so long. No answer to a refresh token is lost: such a token would be shown again.
    fn outage(&self, length: Duration, kind: &str) -> Result<(), Box<dyn Error>> {
        let fault = match kind {
            "drop" => Fault::Drop,
            "slow" => Fault::Delay(SLOW),
            "unavailable" => Fault::Status { status: 503, retry_after: None },
            _ => return Err(format!("unknown outage: {kind}").into()),
        };
        let (tiled, shotgun) = (self.tiled.site(), self.shotgun.site());
        let set = move |faults: Faults| {
            // A site whose thread panicked answers nothing more, and the clients say so.
            if let (Ok(mut tiled), Ok(mut shotgun)) = (tiled.lock(), shotgun.lock()) {
                tiled.faults = faults.clone();
                shotgun.faults = faults;
            }
        };
        set(Faults::none().always(Which::any(), fault));
        thread::spawn(move || {
            thread::sleep(length);
            set(Faults::none());
        });
        Ok(())
    }

    fn counters(&self) -> Result<Value, Box<dyn Error>> {
        let tiled = self.tiled.site().lock().map_err(|_| "a thread panicked")?.counters();
        let shotgun = self.shotgun.site().lock().map_err(|_| "a thread panicked")?.counters();
        Ok(json!({
            "renewals": tiled.refreshes,
            "replays": tiled.replays,
            "logins": tiled.logins + shotgun.logins,
            "connections": self.tiled.connections() + self.shotgun.connections(),
        }))
    }
}
