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

fn names(index: &Index) -> Vec<String> {
    index.clone().sites().into_iter().map(|entry| entry.key.site).collect()
}

#[test]
fn the_order_is_of_last_use() {
    let mut index = Index::default();
    for site in ["a", "b", "c", "a"] {
        index.prefer(&entry(site, "alice"));
    }
    assert_eq!(names(&index), ["a", "c", "b"]);
    assert!(index.forget(&entry("c", "").key));
    assert!(!index.forget(&entry("c", "").key));
    assert_eq!(names(&Index::read(&index.write()).unwrap()), ["a", "b"]);
}

#[test]
fn what_another_version_wrote_survives() {
    let text = r#"{"later": {"x": 1}, "sites": [
        {"site": "a", "slot": "", "allow_http": true, "user": "alice", "method": "code"},
        {"site": "b", "slot": "s", "allow_http": false, "tags": [1]}]}"#;
    let mut index = Index::read(text.as_bytes()).unwrap();
    index.prefer(&entry("b", "bob"));
    index.prefer(&entry("a", ""));
    let written: Value = serde_json::from_slice(&index.write()).unwrap();
    let expected = serde_json::json!({"later": {"x": 1}, "sites": [
        {"site": "a", "slot": "", "allow_http": false, "method": "code"},
        {"site": "b", "slot": "", "allow_http": false, "user": "bob"},
        {"site": "b", "slot": "s", "allow_http": false, "tags": [1]}]});
    assert_eq!(written, expected);
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
        assert_eq!(Index::read(text.as_bytes()).is_some(), whole, "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_stop_the_reader_p9(bytes in any::<Vec<u8>>()) {
        if let Some(index) = Index::read(&bytes) {
            prop_assert!(Index::read(&index.write()).is_some());
        }
    }

    #[test]
    fn any_name_is_kept_as_it_is(site in any::<String>(), user in any::<String>()) {
        let mut index = Index::default();
        let entry = SiteEntry { user: Some(Foreign::new(user)), ..entry(&site, "") };
        index.prefer(&entry);
        prop_assert_eq!(Index::read(&index.write()).unwrap().sites(), vec![entry]);
    }
}
