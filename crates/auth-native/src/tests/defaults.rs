use auth_core::ports::SiteEntry;
use auth_core::shotgun::Proxy;

use super::*;

fn site(name: &str) -> ShotgunSite {
    name.parse().unwrap()
}

/// Bob signed in to `one` last, and Ada to `two` before him; a Tiled server stands between them.
fn remembered() -> Remembered {
    let entry = |key, user: &str| SiteEntry {
        key,
        user: Some(user.into()),
        allow_http: false,
        method: None,
        pages: None,
    };
    let tiled = auth_core::ports::Key { site: "https://tiled.example/api/v1/".into(), slot: String::new() };
    Remembered::new(vec![
        entry(site("one.example").key("bob").unwrap(), "bob"),
        entry(tiled, "carol"),
        entry(site("two.example").key("ada").unwrap(), "ada"),
        entry(site("one.example").key("ada").unwrap(), "ada"),
    ])
}

#[test]
fn what_was_used_last_goes_before_what_is_configured_and_a_fixed_site_before_both() {
    let configured = Defaults::new().default_site(site("three.example")).default_login("dora");
    let fixed = configured.clone().fixed_host(site("two.example"));
    let core = CoreDefaults::new(site("core.example"), configured.clone());
    let (nothing, used) = (Remembered::default(), remembered());
    let cases: [(&dyn DefaultsManager, _, _, _, _); 7] = [
        (&Defaults::new(), &nothing, false, None, None),
        (&Defaults::new(), &used, false, Some("one.example"), Some("bob")),
        (&configured, &nothing, false, Some("three.example"), Some("dora")),
        (&configured, &used, false, Some("one.example"), Some("bob")),
        (&fixed, &nothing, true, Some("two.example"), Some("dora")),
        (&fixed, &used, true, Some("two.example"), Some("ada")),
        (&core, &used, true, Some("core.example"), Some("dora")),
    ];
    for (manager, remembered, is_fixed, host, login) in cases {
        let found = manager.host(remembered);
        assert_eq!(found, host.map(site), "{manager:?}");
        let found = found.and_then(|site| manager.login(&site, remembered));
        assert_eq!(found, login.map(Foreign::from), "{manager:?}");
        assert_eq!(manager.is_host_fixed(), is_fixed);
        assert_eq!(manager.user_credentials(), UserCredentials::Stored);
    }
    assert_eq!(used.sites(), [site("one.example"), site("two.example")]);
}

#[test]
fn a_core_configuration_says_no_proxy_and_names_a_script() {
    let proxy = || ProxyChoice::from(Proxy::read("proxy.example").unwrap());
    let defaults = || Defaults::new().with_http_proxy(proxy());
    let core = CoreDefaults::new(site("core.example"), defaults());
    assert_eq!((Defaults::new().http_proxy(), core.http_proxy()), (ProxyChoice::Environment, proxy()));
    let core = core.with_http_proxy(ProxyChoice::Direct).script("robot", Secret::from("key"));
    assert_eq!(core.http_proxy(), ProxyChoice::Direct);
    let (site, key) = (site("core.example"), Secret::from("key"));
    let script = UserCredentials::Script { site, name: "robot".into(), key };
    assert_eq!(core.user_credentials(), script);
}
