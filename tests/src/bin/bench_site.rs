//! A Tiled-shaped site with refresh tokens that are good once, as a process of its own, for `cargo xtask bench`.
//!
//! `bench_site`. It prints its address, a user and the password as JSON, and then, for each line of standard input, what
//! it has counted. `advance SECONDS` first turns its clock; `clear` forgets what was counted; `counters` does nothing
//! else. It ends with its input.

#![expect(clippy::print_stdout, reason = "a command: printing is what it is for")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use auth_sandbox::{Limits, RefreshRule, Server, SiteClock, TiledSite};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut site = TiledSite::demo([7; 32]);
    site.config.refresh_rule = RefreshRule::SingleUse;
    let user = site.config.users.first().cloned().ok_or("the site has no user")?;
    // Enough for a connection of each thread of each process.
    let limits = Limits { connections: 4_096, idle: Duration::from_mins(10), ..Limits::default() };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::start_at(address, site, SiteClock::running(), limits)?;
    let url = server.url().origin().to_string();
    println!("{}", json!({ "url": url, "user": user.name, "password": user.password.expose() }));
    for line in std::io::stdin().lines() {
        let line = line?;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("counters", "") => {}
            ("clear", "") => server.site().lock().map_err(|_| "a thread fell over")?.clear_log(),
            ("advance", seconds) => server.clock().advance(Duration::from_secs(seconds.parse()?)),
            _ => return Err("commands are: counters, clear, advance SECONDS".into()),
        }
        println!("{}", counters(&server)?);
    }
    Ok(())
}

fn counters(server: &Server) -> Result<Value, Box<dyn Error>> {
    let site = server.site();
    let counted = site.lock().map_err(|_| "a thread fell over")?.counters();
    Ok(json!({ "logins": counted.logins, "refreshes": counted.refreshes, "replays": counted.replays }))
}
