use super::SignInMethod::{AppSession, Password, Web};
use super::*;
use crate::shotgun::AuthenticationKind::{self, Default, Ldap, NotSaid, Oxygen, Saml2};

fn info(authentication: AuthenticationKind, app_session: bool, unified_login: bool) -> SiteInfo {
    SiteInfo { version: [8, 0, 0], authentication, unified_login, app_session, page: 500 }
}

#[test]
fn both_vocabularies_are_read_and_each_is_written() {
    for (method, ours, stored) in [
        (Password, "password", "credentials"),
        (Web, "web", "qt_web_login"),
        (AppSession, "app-session", "app_session_launcher"),
    ] {
        assert_eq!((method.as_str(), method.stored_name()), (ours, stored));
        assert_eq!((ours.parse(), stored.parse()), (Ok(method), Ok(method)));
        assert_eq!(method.to_string(), ours);
    }
    for other in ["", "Password", " web", "legacy", "app_session"] {
        assert_eq!(other.parse::<SignInMethod>(), Err(MethodError), "{other:?}");
    }
}

#[test]
fn a_terminal_asks_only_where_there_is_a_choice() {
    let ask = |suggested| Console::Ask { methods: vec![AppSession, Password], suggested };
    for kind in [Default, Ldap, Oxygen, NotSaid, AuthenticationKind::Unknown("x".into())] {
        assert_eq!(on_console(&info(kind.clone(), false, true), Some(AppSession)), Console::Only(Password));
        for (preferred, suggested) in [(None, 0), (Some(AppSession), 0), (Some(Password), 1), (Some(Web), 0)]
        {
            assert_eq!(on_console(&info(kind.clone(), true, false), preferred), ask(suggested));
        }
    }
    for preferred in [None, Some(Password), Some(Web), Some(AppSession)] {
        assert_eq!(on_console(&info(Saml2, true, true), preferred), Console::Only(AppSession));
        assert_eq!(on_console(&info(Saml2, false, true), preferred), Console::NoWay);
    }
}

/// Every row of the table of section 4.2.
#[test]
fn a_window_shows_what_the_python_client_shows() {
    let (asl, web) = (&[AppSession, Password][..], &[Web, Password][..]);
    let (all, hidden) = (&[AppSession, Web, Password][..], &[Password][..]);
    // opted in, a browser of its own, the site, ASL, ULF; chosen, offered. `None` is any.
    let table = [
        (Some(false), true, &[Default][..], true, None, AppSession, asl),
        (Some(false), true, &[Default, Oxygen], false, None, Password, hidden),
        (None, true, &[Saml2], true, None, AppSession, all),
        (None, true, &[Saml2], false, None, Web, web),
        (Some(true), true, &[Default, Oxygen], false, Some(true), Web, web),
        (Some(true), true, &[Default, Oxygen], true, Some(true), AppSession, all),
        (Some(true), true, &[Default, Oxygen], false, Some(false), Password, hidden),
        (None, false, &[Saml2], false, None, Password, hidden),
    ];
    let any = |value: Option<bool>| value.map_or(vec![false, true], |value| vec![value]);
    for (opt_in, web_engine, kinds, app_session, unified, chosen, offered) in table {
        for (opted_in, kind) in any(opt_in).into_iter().flat_map(|o| kinds.iter().map(move |kind| (o, kind)))
        {
            for unified_login in any(unified) {
                let info = info(kind.clone(), app_session, unified_login);
                let gui = Gui { web_engine, opted_in, ..Gui::default() };
                let choice = GuiChoice { chosen, offered: offered.to_vec() };
                assert_eq!(gui.choose(&info), choice, "{gui:?} {info:?}");
            }
        }
    }
}

#[test]
fn a_pick_goes_before_a_preference_and_what_is_impossible_is_dropped() {
    let every = info(Saml2, true, false);
    let plain_site = info(Default, false, false);
    let web = Gui { web_engine: true, ..Gui::default() };
    let cases = [
        (&every, Gui { picked: Some(Web), preferred: Some(Password), ..web }, Web),
        (&every, Gui { preferred: Some(Password), fallback: Some(Web), ..web }, Password),
        (&every, Gui { fallback: Some(Web), ..web }, Web),
        (&every, Gui { picked: Some(Web), plain: true, ..web }, Web),
        (&every, Gui { preferred: Some(Web), plain: true, ..web }, Password),
        (&every, Gui { picked: Some(Web), preferred: Some(Password), ..Gui::default() }, AppSession),
        (&every, Gui { preferred: Some(Web), fallback: Some(Password), ..Gui::default() }, Password),
        (&plain_site, Gui { picked: Some(AppSession), fallback: Some(Web), ..web }, Password),
        // The desktop application opens Autodesk Identity in itself, unless the plain dialog is wanted.
        (&info(Oxygen, false, false), Gui { desktop: true, ..web }, Web),
        (&info(Oxygen, false, false), Gui { desktop: true, plain: true, picked: Some(Web), ..web }, Password),
        (&info(Default, false, true), Gui { desktop: true, ..web }, Password),
        (&info(Default, false, true), Gui { opted_in: true, plain: true, ..web }, Password),
    ];
    for (info, gui, chosen) in cases {
        let choice = gui.choose(info);
        assert_eq!(choice.chosen, chosen, "{gui:?}");
        assert!(choice.offered.contains(&chosen) && choice.offered.ends_with(&[Password]), "{choice:?}");
    }
}
