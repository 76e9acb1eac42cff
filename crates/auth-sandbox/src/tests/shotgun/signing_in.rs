use super::super::sessions::MOST as MOST_SESSIONS;
use super::*;

#[test]
fn a_password_a_key_and_a_token_are_taken_in_this_order() {
    let mut rig = Rig::new();
    let with = |mut auth: Value, more: Value| {
        auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        auth
    };
    let token = rig.token(&ada());
    assert!(token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()));
    let (wrong_password, wrong_key) = (
        json!({ "user_login": "ada", "user_password": "x" }),
        json!({ "script_name": "robot", "script_key": "x" }),
    );
    let half = json!({ "user_login": "ada", "user_password": "" });
    let cases = [
        (ada(), 0),
        (robot(), 0),
        (shown(&token), 0),
        (wrong_password.clone(), 102),
        (wrong_key.clone(), 102),
        (shown("00000000000000000000000000000000"), 102),
        (json!({}), 102),
        (Value::Null, 102),
        (json!({ "user_login": 7, "user_password": [] }), 102),
        (with(wrong_password.clone(), robot()), 102),
        (with(wrong_key, shown(&token)), 102),
        (with(ada(), wrong_password), 102),
        (with(half, robot()), 0),
        (json!({ "user_login": "alan", "user_password": plant("alan's password") }), 102),
        (json!({ "user_login": "nobody", "user_password": "x" }), 102),
        (with(shown(&token), json!({ "session_uuid": "47356fbe" })), 0),
    ];
    for (auth, code) in cases {
        assert_eq!(rig.refusal("read", &json!([auth, { "type": "HumanUser" }])), code);
    }
}

#[test]
fn a_second_factor_is_asked_for_after_the_password() {
    let mut rig = Rig::new();
    let mut code = |password: &str, code: Option<&str>| {
        let mut auth = json!({ "user_login": "grace", "user_password": plant(password) });
        if let Some(code) = code {
            auth["auth_token"] = Value::from(code);
        }
        rig.refusal("get_session_token", &json!([auth]))
    };
    assert_eq!(code("another", None), 102);
    assert_eq!(code("grace's password", None), 106);
    assert_eq!(code("grace's password", Some("")), 106);
    assert_eq!(code("grace's password", Some("000000")), 102);
    for _ in 0..2 {
        assert_eq!(code("grace's password", Some(&plant("code"))), 0);
    }
    assert_eq!(code("grace's password", Some(&plant("backup"))), 0);
    assert_eq!(code("grace's password", Some(&plant("backup"))), 102, "a backup code is good once");
}

#[test]
fn where_others_sign_people_in_passwords_are_refused_and_keys_are_not() {
    for (method, code) in [("default", 0), ("ldap", 0), ("saml2", 108), ("oxygen", 110)] {
        let mut rig = Rig::new();
        rig.site.config.info.authentication_method = Some(method.to_owned());
        assert_eq!(rig.refusal("get_session_token", &json!([ada()])), code, "{method}");
        assert_eq!(rig.refusal("get_session_token", &json!([robot()])), 0, "{method}");
    }
}

#[test]
fn only_scripts_act_as_somebody_else() {
    let mut rig = Rig::new();
    let sudo = |mut auth: Value, login: &str| {
        auth["sudo_as_login"] = Value::from(login);
        json!([auth])
    };
    assert_eq!(rig.refusal("get_session_token", &sudo(robot(), "ada")), 0);
    assert_eq!(rig.refusal("get_session_token", &sudo(robot(), "nobody")), 104);
    assert_eq!(rig.refusal("get_session_token", &sudo(robot(), "alan")), 104);
    assert_eq!(rig.refusal("get_session_token", &sudo(ada(), "grace")), 104);
    let script = rig.token(&robot());
    let acting = rig.token(&sudo(shown(&script), "ada")[0]);
    assert_ne!(acting, script, "a script's token is not given away as a person's");
}

#[test]
fn a_session_lives_from_its_last_use_or_from_its_beginning() {
    let hour = Duration::from_hours(1);
    for (life, after_use) in [(SessionLife::Idle(hour), 0), (SessionLife::Absolute(hour), 102)] {
        let mut rig = Rig::with(ShotgunConfig { session_life: life, ..ShotgunConfig::default() });
        let token = rig.token(&ada());
        let read = |rig: &mut Rig| rig.refusal("read", &json!([shown(&token), { "type": "HumanUser" }]));
        rig.pass(3_599);
        assert_eq!(read(&mut rig), 0, "{life:?}");
        rig.pass(1);
        assert_eq!(read(&mut rig), after_use, "{life:?}");
        rig.pass(3_600);
        assert_eq!(read(&mut rig), 102, "{life:?}");
        let lenient = json!([{ "session_token": token }, { "type": "HumanUser" }]);
        assert_eq!(rig.refusal("read", &lenient), 0, "who does not ask to be refused goes on");
        assert_eq!(read(&mut rig), 0, "and the session has begun again");
    }
}

#[test]
fn what_is_revoked_and_who_is_gone_is_refused() {
    let mut rig = Rig::new();
    let (first, second) = (rig.token(&ada()), rig.token(&ada()));
    let read = |rig: &mut Rig, token: &str| {
        rig.refusal("read", &json!([{ "session_token": token }, { "type": "HumanUser" }]))
    };
    assert!(rig.site.revoke(&Secret::from(first.as_str())));
    assert!(!rig.site.revoke(&Secret::from(first.as_str())));
    assert_eq!((read(&mut rig, &first), read(&mut rig, &second)), (102, 0));
    rig.site.config.people[0].disabled = true;
    assert_eq!(read(&mut rig, &second), 102);
    rig.site.config.people[0].disabled = false;
    rig.site.revoke_all("ada");
    assert_eq!(read(&mut rig, &second), 102);
}

#[test]
fn claims_that_expired_send_a_person_and_no_script_to_the_identity_provider() {
    let claims_life = Some(Duration::from_mins(5));
    for query in ["", "?next=x"] {
        let config = ShotgunConfig {
            claims_life,
            claims_query: query.to_owned(),
            root_path: "/sub".to_owned(),
            ..ShotgunConfig::default()
        };
        let mut rig = Rig::with(config);
        let (token, script) = (rig.token(&ada()), rig.token(&robot()));
        rig.pass(300);
        let call = |token: &str| {
            json!({ "method_name": "read", "params": [shown(token), { "type": "HumanUser" }] }).to_string()
        };
        let away = rig.post(&call(&token));
        let place = format!("http://127.0.0.1:8000/sub/saml/saml_login_request{query}");
        assert_eq!((away.status(), away.header("location")), (302, Some(place.as_str())));
        assert_eq!(rig.post(&call(&script)).status(), 200);
        rig.site.renew_claims(rig.now, "ada");
        assert_eq!(rig.post(&call(&token)).status(), 200);
    }
}

#[test]
fn a_token_is_given_back_to_who_shows_it() {
    let mut rig = Rig::new();
    let token = rig.token(&ada());
    assert_eq!(rig.token(&shown(&token)), token);
    assert_eq!(rig.site.counters().logins, 1);
}

#[test]
fn sessions_that_ended_are_forgotten_and_open_ones_are_bounded() {
    let life = Duration::from_mins(1);
    for session_life in [SessionLife::Idle(life), SessionLife::Absolute(life)] {
        let mut rig = Rig::with(ShotgunConfig { session_life, ..ShotgunConfig::default() });
        for _ in 0..10 {
            rig.token(&ada());
        }
        rig.pass(60);
        let revived = rig.token(&ada());
        assert_eq!(rig.site.sessions.len(), 11, "a client that does not mind may use an ended session");
        rig.pass(60);
        rig.token(&ada());
        assert_eq!(rig.site.sessions.len(), 2, "{session_life:?}");
        assert_eq!(rig.refusal("read", &json!([{ "session_token": revived }, { "type": "HumanUser" }])), 0);
    }
    let mut rig = Rig::new();
    let oldest = rig.token(&ada());
    let kept = rig.token(&ada());
    for _ in 2..MOST_SESSIONS {
        rig.pass(1);
        rig.token(&ada());
    }
    rig.pass(1);
    assert_eq!(rig.refusal("read", &json!([shown(&kept), { "type": "HumanUser" }])), 0);
    rig.token(&ada());
    assert_eq!(rig.site.sessions.len(), MOST_SESSIONS);
    assert_eq!(
        rig.refusal("read", &json!([shown(&oldest), { "type": "HumanUser" }])),
        102,
        "least recently used"
    );
    assert_eq!(rig.refusal("read", &json!([shown(&kept), { "type": "HumanUser" }])), 0);
}
