use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn entry(site: &str, user: &str) -> SiteEntry {
    let key = Key { site: site.to_owned(), slot: String::new() };
    SiteEntry {
        key,
        user: (!user.is_empty()).then(|| Foreign::from(user)),
        allow_http: false,
        method: None,
        pages: None,
    }
}

fn at(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(micros)
}

fn site(name: &str, newest: u64, now: u64) -> Site {
    let mut site = Site::default();
    site.prefer(&entry(name, "alice"), newest, at(now));
    site
}

#[test]
fn the_order_is_of_last_use_whatever_the_clock_says() {
    let [first, second] = [site("a", 0, 700), site("b", 700, 900)];
    // It was turned back meanwhile, and then to before 1970.
    let third = site("c", 900, 100);
    let mut fourth = Site::default();
    fourth.prefer(&entry("d", ""), 901, UNIX_EPOCH - Duration::from_secs(9));
    let moments = [&first, &second, &third, &fourth].map(|site| site.preferred);
    assert_eq!(moments, [700, 900, 901, 902]);
    let names: Vec<_> =
        in_order(vec![second, fourth, first, third]).into_iter().map(|entry| entry.key.site).collect();
    assert_eq!(names, ["d", "c", "b", "a"]);
}

#[test]
fn of_two_at_one_moment_the_name_decides() {
    let [one, other] = [site("b", 0, 7), site("a", 0, 7)];
    for sites in [vec![one.clone(), other.clone()], vec![other, one]] {
        let names: Vec<_> = in_order(sites).into_iter().map(|entry| entry.key.site).collect();
        assert_eq!(names, ["a", "b"]);
    }
}

#[test]
fn what_another_version_wrote_survives() {
    let text =
        r#"{"site": "a", "slot": "", "allow_http": true, "user": "alice", "method": "code", "tags": [1]}"#;
    let mut site = <Site as Document>::read(text.as_bytes()).unwrap();
    assert_eq!(site.preferred, 0);
    site.prefer(&entry("a", ""), 5, at(7));
    let written: Value = serde_json::from_slice(&site.write()).unwrap();
    let expected = serde_json::json!(
        {"site": "a", "slot": "", "allow_http": false, "method": "code", "tags": [1], "preferred": 7});
    assert_eq!(written, expected);
}

#[test]
fn the_old_list_keeps_its_order_and_what_is_not_known_of_it() {
    let text = r#"{"later": {"x": 1}, "sites": [
        {"site": "a", "slot": "", "allow_http": true, "tags": [1]},
        {"site": "b", "slot": "s", "allow_http": false}]}"#;
    let index = <Index as Document>::read(text.as_bytes()).unwrap();
    let moments: Vec<_> = index.sites().iter().map(|site| site.preferred).collect();
    assert_eq!(moments, [2, 1], "before anything that is preferred later");
    let same: Value = serde_json::from_slice(&index.write()).unwrap();
    assert_eq!(same, serde_json::from_str::<Value>(text).unwrap());
    let moved: Value = serde_json::from_slice(&index.sites()[0].write()).unwrap();
    let expected =
        serde_json::json!({"site": "a", "slot": "", "allow_http": true, "tags": [1], "preferred": 2});
    assert_eq!(moved, expected);
    let rest: Value = serde_json::from_slice(&index.rest().unwrap().write()).unwrap();
    assert_eq!(rest, serde_json::json!({"later": {"x": 1}, "sites": []}));
    assert_eq!(<Index as Document>::read(br#"{"sites": []}"#).unwrap().rest(), None);
}

#[test]
fn what_cannot_be_understood_is_broken() {
    let cases = [
        ("{}", true),
        (r#"{"sites": []}"#, true),
        (r#"{"sites": [{"site": "a", "slot": "", "allow_http": false}]}"#, true),
        (r#"{"sites": [{"site": "a", "slot": ""}]}"#, false),
        (r#"{"sites": [{"site": 7, "slot": "", "allow_http": false}]}"#, false),
        (r#"{"sites": [{"site": "a", "slot": "", "allow_http": false, "user": 7}]}"#, false),
        (r#"{"sites": {}}"#, false),
        ("null", false),
        ("", false),
    ];
    for (text, whole) in cases {
        assert_eq!(<Index as Document>::read(text.as_bytes()).is_some(), whole, "{text}");
    }
    let cases = [
        (r#"{"site": "a", "slot": "", "allow_http": false}"#, true),
        (r#"{"site": "a", "slot": "", "allow_http": false, "preferred": 18446744073709551615}"#, true),
        (r#"{"site": "a", "slot": "", "allow_http": false, "preferred": -1}"#, false),
        (r#"{"site": "a", "slot": ""}"#, false),
        ("{}", false),
        ("null", false),
        ("", false),
    ];
    for (text, whole) in cases {
        assert_eq!(<Site as Document>::read(text.as_bytes()).is_some(), whole, "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_stop_the_reader_p9(bytes in any::<Vec<u8>>()) {
        if let Some(index) = <Index as Document>::read(&bytes) {
            prop_assert!(<Index as Document>::read(&index.write()).is_some());
        }
        if let Some(site) = <Site as Document>::read(&bytes) {
            prop_assert!(<Site as Document>::read(&site.write()).is_some());
        }
    }

    #[test]
    fn any_name_is_kept_as_it_is(name in any::<String>(), user in any::<String>(), newest in any::<u64>()) {
        let mut site = Site::default();
        let entry = SiteEntry { user: Some(Foreign::new(user)), ..entry(&name, "") };
        site.prefer(&entry, newest, at(7));
        prop_assert_eq!(<Site as Document>::read(&site.write()).unwrap().entry, Some(entry));
    }
}
