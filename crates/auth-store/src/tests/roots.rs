use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[test]
fn directories_are_named_as_python_names_them_p7() {
    // Each right side was printed by Python's urllib.parse.quote_plus.
    let cases = [
        ("http://127.0.0.1:18701/api/v1/", "http%3A%2F%2F127.0.0.1%3A18701%2Fapi%2Fv1%2F"),
        ("https://h/a%20b/api/v1/", "https%3A%2F%2Fh%2Fa%2520b%2Fapi%2Fv1%2F"),
        ("a b+c", "a+b%2Bc"),
        ("A-Z_a.z~09", "A-Z_a.z~09"),
        ("!*'();@&=$,/?#[]", "%21%2A%27%28%29%3B%40%26%3D%24%2C%2F%3F%23%5B%5D"),
        ("é\u{1f600}", "%C3%A9%F0%9F%98%80"),
        ("\0\n\\", "%00%0A%5C"),
        ("...", "..."),
    ];
    for (site, name) in cases {
        assert_eq!(directory_name(site, Path::new("/x")).unwrap(), name);
    }
    for site in ["", ".", ".."] {
        assert!(directory_name(site, Path::new("/x")).is_err(), "{site:?}");
    }
}

#[test]
fn what_belongs_to_two_folders_or_sessions_has_two_names() {
    let temporary = tempfile::tempdir().unwrap();
    let roots = |name: &str| Roots::new(temporary.path().join(name), PathBuf::from("/state"));
    let key = |site: &str, slot: &str| Key { site: site.to_owned(), slot: slot.to_owned() };
    let names = [
        roots("a").name_of("x", &key("s", "")),
        roots("b").name_of("x", &key("s", "")),
        roots("a").name_of("y", &key("s", "")),
        roots("a").name_of("x", &key("s", "t")),
        roots("a").name_of("x", &key("st", "")),
    ];
    let different: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len());
}

#[cfg(unix)]
#[test]
fn one_folder_has_one_name_before_and_after_it_is_made_and_through_links() {
    let temporary = tempfile::tempdir().unwrap();
    let real = temporary.path().join("real");
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, temporary.path().join("link")).unwrap();
    let name = |path: &str| Roots::new(temporary.path().join(path), PathBuf::new()).cache_name();
    let before = name("real/a/b");
    assert_eq!(name("link/a/b"), before);
    std::fs::create_dir_all(real.join("a/b")).unwrap();
    for path in ["real/a/b", "link/a/b", "link/a/b/", "real/../link/a/./b"] {
        assert_eq!(name(path), before, "{path}");
    }
}

proptest! {
    #[test]
    fn no_two_sites_share_a_directory_and_none_leaves_it_p7(sites in prop::collection::vec("[ -~é%+./]{0,12}", 2..40)) {
        let mut seen = HashMap::new();
        for site in sites {
            let name = quote_plus(&site);
            prop_assert!(!name.contains(['/', '\\', '\0']));
            prop_assert!(name.is_ascii());
            let before = seen.insert(name, site.clone());
            prop_assert!(before.is_none_or(|before| before == site));
        }
    }

    #[test]
    fn any_text_is_quoted_p9(site in any::<String>()) {
        let _ = directory_name(&site, Path::new("/x"));
    }
}
