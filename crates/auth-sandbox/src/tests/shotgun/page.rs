use super::*;

/// Opens the page; its path, its mark and its content.
fn open(rig: &mut Rig, id: &Secret) -> (String, String, String) {
    let path = format!("/app_session_request/{}", id.expose());
    let page = rig.ask(SiteRequest::new("GET", &path));
    assert_eq!(page.status(), 200);
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; HttpOnly; Path=/; SameSite=strict"), "{cookie}");
    let mark = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    (path, mark, page.body().expose().to_owned())
}

fn send(rig: &mut Rig, path: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> u16 {
    let request = SiteRequest::new("POST", path).with_body(form::encode(fields));
    let request = match cookie {
        Some(mark) => request.with_header("cookie", format!("a=b; sandbox_csrf={mark}")),
        None => request,
    };
    let answer = rig.ask(request);
    assert!(answer.body().expose().contains("SANDBOX"));
    answer.status()
}

#[test]
fn a_person_approves_with_login_and_password() {
    let mut rig = Rig::new();
    let id = rig.asked();
    let (path, mark, _) = open(&mut rig, &id);
    let mut decide = |login: &str, password: &str, code: &str| {
        let fields = [
            ("csrf", mark.as_str()),
            ("login", login),
            ("password", password),
            ("code", code),
            ("decision", "approve"),
        ];
        send(&mut rig, &path, Some(&mark), &fields)
    };
    assert_eq!(decide("grace", "x", ""), 403);
    assert_eq!(decide("grace", &plant("grace's password"), ""), 403);
    assert_eq!(decide("grace", &plant("grace's password"), &plant("code")), 200);
    assert_eq!(decide("ada", &plant("ada's password"), ""), 404);
    assert_eq!(body(&rig.poll(&id))["userLogin"], "grace");
}

#[test]
fn a_person_denies_without_signing_in() {
    let mut rig = Rig::new();
    let id = rig.asked();
    let (path, mark, _) = open(&mut rig, &id);
    let nothing = [("csrf", mark.as_str())];
    assert_eq!(send(&mut rig, &path, Some(&mark), &nothing), 400);
    assert_eq!(send(&mut rig, &path, Some(&mark), &[nothing[0], ("decision", "deny")]), 200);
    assert_eq!(rig.poll(&id).status(), 404);
}

#[test]
fn a_form_of_another_sites_page_decides_nothing() {
    let mut rig = Rig::new();
    let id = rig.asked();
    let (path, mark, _) = open(&mut rig, &id);
    let other = "x".repeat(43);
    let cases = [
        (None, Some(mark.as_str())),
        (Some(mark.as_str()), None),
        (Some(mark.as_str()), Some(other.as_str())),
        (Some(""), Some("")),
        (Some("short"), Some("short")),
    ];
    for (cookie, field) in cases {
        let mut fields = vec![("decision", "deny")];
        fields.extend(field.map(|field| ("csrf", field)));
        assert_eq!(send(&mut rig, &path, cookie, &fields), 403, "{cookie:?} {field:?}");
    }
    assert_eq!(rig.site.pending().len(), 1);
}

#[test]
fn a_page_runs_nothing_that_a_program_says_of_itself() {
    let mut rig = Rig::new();
    let name = "<script>alert('\"1&')</script>\n";
    rig.form("/internal_api/app_session_request", &[("appName", name), ("machineId", "<b>")]);
    let id = rig.site.pending()[0].id.clone();
    let (path, _, shown) = open(&mut rig, &id);
    assert!(shown.contains("&lt;script&gt;alert(&#39;&quot;1&amp;&#39;)&lt;/script&gt; "), "{shown}");
    assert!(!shown.contains("<script") && !shown.contains("<b><b>"), "{shown}");
    let ours = "<i>\"".repeat(11);
    let marked =
        SiteRequest::new("GET", &path).with_header("cookie", format!("sandbox_csrf={}", &ours[..43]));
    let answer = rig.ask(marked);
    assert!(answer.header("set-cookie").is_some() && !answer.body().expose().contains("<i>"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}
