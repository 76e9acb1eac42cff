//! The servers that cases name: the sandbox set up as `tests/peers/tiled` sets up the real ones.

use std::time::Duration;

use auth_core::{Secret, Seed};
use auth_sandbox::{Config, Fault, Faults, Lifetimes, Mode, Provider, RefreshRule, TiledSite, User, Which};

use super::case;

/// The sandbox in the place of the server of this name.
pub(super) fn named(name: &str) -> Option<TiledSite> {
    let internal = |name: &str, message: Option<&str>| Provider {
        confirmation_message: message.map(str::to_owned),
        ..Provider::new(name, Mode::Internal)
    };
    let toy = || vec![internal("toy", Some("You have logged in as {id}."))];
    let usual = vec![User::new("alice", "secret1"), User::new("bob", "secret2")];
    let lives = |access, refresh| Lifetimes {
        access: Duration::from_secs(access),
        refresh: Duration::from_secs(refresh),
        ..Lifetimes::default()
    };
    // As Tiled's: two tokens of one second are the same.
    let base = Config { unique_tokens: false, users: usual, providers: toy(), ..Config::default() };
    let keyed = Config {
        users: Vec::new(),
        providers: Vec::new(),
        single_user_key: Some(Secret::from("peersecret")),
        ..base.clone()
    };
    let config = match name {
        "plain" => Config { lifetimes: lives(900, 3_600), ..base },
        "internal" => Config { lifetimes: lives(3, 3_600), ..base },
        "short" => Config { lifetimes: lives(2, 6), ..base },
        "optional" => Config {
            required: false,
            lifetimes: lives(900, 3_600),
            providers: vec![internal("one", None), internal("two", Some("Hello {id} from two."))],
            users: vec![User::new("alice", "secret1"), User::new("cara", "secret3")],
            ..base
        },
        "single" => keyed,
        "public" => Config { required: false, ..keyed },
        _ => return None,
    };
    Some(TiledSite::new(config, Seed::new([7; 32])))
}

/// The sandbox as a case sets it up.
pub(super) fn sandbox(peer: &case::Peer) -> Result<TiledSite, String> {
    let name = peer.server.as_deref().unwrap_or("plain");
    let mut site = named(name).ok_or_else(|| format!("there is no server called {name:?}"))?;
    if let Some(setup) = &peer.sandbox {
        let config = &mut site.config;
        if setup.single_use {
            (config.refresh_rule, config.unique_tokens) = (RefreshRule::SingleUse, true);
        }
        config.refresh_answer.no_refresh_token = setup.no_new_refresh_token;
        config.links_on.clone_from(&setup.links_on);
        config.root_path.clone_from(&setup.root_path);
        if let Some(life) = setup.access_life {
            config.lifetimes.access = Duration::from_secs(life);
        }
        if let Some(life) = setup.refresh_life {
            config.lifetimes.refresh = Duration::from_secs(life);
        }
    }
    for rule in &peer.faults {
        site.faults = with(site.faults.clone(), rule)?;
    }
    Ok(site)
}

fn with(faults: Faults, rule: &case::SiteFault) -> Result<Faults, String> {
    let which = Which::ending(&rule.on);
    let fault = match rule.fault.as_str() {
        "drop" => Fault::Drop,
        "lost-reply" => Fault::LostReply,
        "malformed" => Fault::Malformed,
        "page" => Fault::Page,
        other => {
            let status = other.parse().map_err(|_| format!("there is no fault {other:?}"))?;
            Fault::Status { status, retry_after: rule.retry_after }
        }
    };
    Ok(match rule.nth {
        Some(nth) => faults.nth(which, nth, fault),
        None => faults.always(which, fault),
    })
}

/// What a case's operator does to the sandbox.
pub(super) fn operate(site: &mut TiledSite, what: &str) -> Result<(), String> {
    match what.split_once(' ') {
        None if what == "change-keys" => site.change_keys(),
        Some(("forget", name)) => site.forget_principal(name),
        _ => return Err(format!("the server cannot {what:?}")),
    }
    Ok(())
}
