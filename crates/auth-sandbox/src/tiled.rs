//! A Tiled-shaped site, as a pure machine.

mod about;
mod access;
mod accounts;
mod agent;
mod base;
mod config;
mod csrf;
mod route;
mod session;
mod token;
mod tree;
mod whoami;

use core::fmt;

use auth_core::time::Timestamp;
use auth_core::{Secret, Seed};
use serde_json::json;
use zeroize::Zeroizing;

pub use config::{Config, ExpiresIn, Lifetimes, Mode, Provider, RefreshRule, TokenShape, User};

use self::accounts::Accounts;
use self::route::{Found, Route};
use crate::faults::{Fault, Faults};
use crate::message::{Reply, SiteRequest, SiteResponse, http_date};
use crate::record::{Counters, Entry, Record};
use crate::site::{self, Machine, Site};

/// A site that answers as a Tiled 0.2.20 server does: About, signing in with a password, renewing, whoami, signing
/// out, and an empty container to read. Signing in elsewhere in a browser and API keys of accounts are not here.
///
/// The same seed, times and requests give the same answers, byte for byte.
#[derive(Clone)]
pub struct TiledSite {
    /// How it is set up.
    pub config: Config,
    /// What goes wrong, for [`serve`](Self::serve).
    pub faults: Faults,
    seed: Seed,
    /// How often chance was asked for.
    drawn: u32,
    /// How often the signing key was changed.
    keys_changed: u32,
    accounts: Accounts,
    record: Record<Counters>,
}

impl TiledSite {
    /// A site without accounts or sessions. Its tokens are as secret as the seed.
    pub fn new(config: Config, seed: Seed) -> Self {
        Self {
            config,
            faults: Faults::none(),
            seed,
            drawn: 0,
            keys_changed: 0,
            accounts: Accounts::default(),
            record: Record::default(),
        }
    }

    /// A site to try things out with: one user, `demo`, whose password follows from the seed and stands in
    /// [`Config::users`].
    pub fn demo(seed: [u8; 32]) -> Self {
        let seed = Seed::new(seed);
        let password = site::words(&seed, "demo password");
        let users = vec![User::new("demo", Secret::from(password))];
        Self::new(Config { users, ..Config::default() }, seed)
    }

    /// Answers a request; nothing goes wrong on the way.
    pub fn answer(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        Machine::answer(self, now, request)
    }

    /// Answers a request as far as [`faults`](Self::faults) let it.
    pub fn serve(&mut self, now: Timestamp, request: &SiteRequest) -> Reply {
        site::serve(self, now, request)
    }

    /// The requests it got, the oldest first; of very many, the last 4,096.
    pub fn log(&self) -> Vec<Entry> {
        self.record.entries.iter().cloned().collect()
    }

    /// How often what happened.
    pub fn counters(&self) -> Counters {
        self.record.counters
    }

    /// Forgets the requests and what was counted. Accounts, sessions and plans of faults stay.
    pub fn clear_log(&mut self) {
        self.record = Record::default();
    }

    /// Changes the signing key, as a server without a configured one does whenever it starts: all tokens are void.
    pub fn change_keys(&mut self) {
        self.keys_changed = self.keys_changed.wrapping_add(1);
    }

    /// Removes the accounts of a name and their sessions. Who is in [`Config::users`] can sign in again, as somebody
    /// else.
    pub fn forget_principal(&mut self, name: &str) {
        self.accounts.forget(name);
    }

    fn respond(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        if let Some(refusal) = agent::refusal(request).or_else(|| csrf::refusal(request)) {
            return refusal;
        }
        let route = match route::find(&self.config, request.path()) {
            Found::Route(route, method) if request.method() == method => route,
            Found::Route(_, method) => {
                return SiteResponse::detail(405, "Method Not Allowed").with_header("allow", method);
            }
            Found::Beside(path) => {
                return SiteResponse::empty(307).with_header("location", base::sibling(request, &path));
            }
            Found::Nothing => return SiteResponse::detail(404, "Not Found"),
        };
        match route {
            Route::Landing => SiteResponse::text(
                200,
                "text/html; charset=utf-8",
                "<!DOCTYPE html><html><title>Tiled SANDBOX</title><p>A sandbox: nothing here is real.</html>",
            ),
            Route::Health => SiteResponse::json(200, &json!({ "status": "ready" })),
            Route::About => about::about(&self.config, now, request),
            Route::Token(provider) => self.password_grant(now, request, &provider),
            Route::Refresh => self.refresh(now, request),
            Route::Revoke => self.revoke(now, request),
            Route::RevokeById(id) => self.revoke_by_id(now, request, &id),
            Route::Whoami => self.whoami(now, request),
            Route::Logout => SiteResponse::json(200, &json!({})).with_header(
                "set-cookie",
                format!(
                    "{}=\"\"; expires={}; Max-Age=0; Path=/; SameSite=lax",
                    csrf::KEY_COOKIE,
                    http_date(now)
                ),
            ),
            Route::Principals => self.principals(now, request),
            Route::Metadata(node) => self.metadata(now, request, &node),
            Route::Search(node) => self.search(now, request, &node),
        }
    }

    /// Bytes that never come again.
    fn draw(&mut self, usage: &str) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        self.seed.derive(usage, self.drawn)
    }

    fn key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.seed.derive("token key", self.keys_changed))
    }
}

impl Site for TiledSite {
    fn serve(&mut self, now: Timestamp, request: &SiteRequest) -> Reply {
        site::serve(self, now, request)
    }

    fn root_path(&self) -> &str {
        &self.config.root_path
    }
}

impl Machine for TiledSite {
    type Counters = Counters;

    fn fault(&mut self, request: &SiteRequest) -> Option<Fault> {
        self.faults.next(request)
    }

    fn answer(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        let response = self.respond(now, request);
        let response = csrf::give(request, response, self.draw("csrf"));
        self.finish(now, request, response)
    }

    fn finish(&mut self, now: Timestamp, request: &SiteRequest, response: SiteResponse) -> SiteResponse {
        self.record.note(request.method(), request.path(), Some(response.status()));
        let id = self.draw("request id");
        let id = id.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        response.with_header("date", http_date(now)).with_header("x-tiled-request-id", format!("{id:016x}"))
    }

    fn record(&mut self) -> &mut Record<Counters> {
        &mut self.record
    }
}

/// Shows how it is set up and what was counted.
impl fmt::Debug for TiledSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TiledSite")
            .field("config", &self.config)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests/tiled.rs"]
mod tests;
