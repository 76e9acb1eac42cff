use std::fs;

use auth_core::Foreign;
use auth_core::ports::{Change, Store as _};
use rustix::io::Errno;

use super::*;
use crate::rig::Rig;
use crate::steps::Step;
use crate::steps::script::{Script, under};

/// More than any change takes.
const STEPS: usize = 200;

fn key(name: &str) -> Key {
    Key { site: format!("http://{name}/api/v1/"), slot: String::new() }
}

fn entry(name: &str) -> SiteEntry {
    let user = Some(Foreign::from(name));
    SiteEntry { key: key(name), user, allow_http: false, method: None, pages: None }
}

fn prefer(rig: &Rig, name: &str) {
    rig.store.apply(&Change::Prefer(entry(name))).unwrap();
}

fn names(rig: &Rig) -> Vec<String> {
    let sites = rig.store.sites().unwrap();
    sites.into_iter().map(|site| site.user.unwrap().raw().to_owned()).collect()
}

/// A list as earlier versions kept it, `a` first.
fn old(rig: &Rig, more: &str) {
    let site = |name: &str| {
        format!(
            r#"{{"site": "{}", "slot": "", "user": "{name}", "allow_http": false, "tags": 1}}"#,
            key(name).site
        )
    };
    let sites: Vec<_> = ["a", "b", "c"].map(site).into();
    let folder = rig.path("state/tiled");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(OLD_LIST), format!(r#"{{{more}"sites": [{}]}}"#, sites.join(", "))).unwrap();
}

#[test]
fn two_sites_share_no_file_and_no_lock() {
    let rig = Rig::new();
    prefer(&rig, "a");
    let held = rig.store.change(&rig.store.made_state().unwrap(), &Site::name(&key("a"))).unwrap();
    let ((), steps) = under(Script::Pass, || prefer(&rig, "b"));
    drop(held);
    let others = Site::name(&key("b"));
    for (step, name) in steps {
        let shared = matches!(step, Step::SyncDirectory | Step::MakeDirectory);
        assert!(shared || name.contains(&others), "{step:?} {name}");
    }
    assert_eq!(names(&rig), ["b", "a"]);
}

#[test]
fn a_listed_site_is_replaced_durably_without_its_folder_f1() {
    let rig = Rig::new();
    let kinds = |steps: Vec<(Step, String)>| {
        let kinds = steps.into_iter().map(|(step, _)| step);
        kinds
            .filter(|step| matches!(step, Step::Sync | Step::Rename | Step::SyncDirectory))
            .collect::<Vec<_>>()
    };
    prefer(&rig, "a");
    let ((), first) = under(Script::Pass, || prefer(&rig, "b"));
    assert_eq!(
        kinds(first),
        [Step::Sync, Step::Rename, Step::SyncDirectory],
        "a new file's name is made to last"
    );
    let ((), again) = under(Script::Pass, || prefer(&rig, "b"));
    assert_eq!(kinds(again), [Step::Sync, Step::Rename]);
}

#[test]
fn the_old_list_is_read_and_moved_once_with_all_that_is_in_it() {
    for (more, stays) in [("", false), (r#""later": [1], "#, true)] {
        let rig = Rig::new();
        old(&rig, more);
        assert_eq!(names(&rig), ["a", "b", "c"]);
        assert!(!rig.path("state/tiled/sites").exists(), "not by reading");
        prefer(&rig, "b");
        assert_eq!(names(&rig), ["b", "a", "c"]);
        let moved = fs::read_to_string(rig.site(&key("c"))).unwrap();
        assert!(moved.contains(r#""tags": 1"#), "{moved}");
        let left = fs::read_to_string(rig.path("state/tiled").join(OLD_LIST)).ok();
        let left: Option<serde_json::Value> = left.map(|text| serde_json::from_str(&text).unwrap());
        assert_eq!(left, stays.then(|| serde_json::json!({"later": [1], "sites": []})));
        prefer(&rig, "c");
        assert_eq!(names(&rig), ["c", "b", "a"]);
    }
}

#[test]
fn a_forgotten_site_is_not_brought_back_by_the_old_list() {
    let rig = Rig::new();
    old(&rig, "");
    rig.store.apply(&Change::Forget(key("b"))).unwrap();
    assert_eq!(names(&rig), ["a", "c"]);
    assert!(!rig.site(&key("b")).exists());
    prefer(&rig, "d");
    assert_eq!(names(&rig), ["d", "a", "c"]);
}

#[test]
fn moving_stopped_anywhere_loses_no_site_and_is_finished_by_the_next_f4() {
    let changes = [Change::Prefer(entry("b")), Change::Forget(key("b"))];
    for (change, done) in changes.iter().zip([&["b", "a", "c"][..], &["a", "c"]]) {
        let mut finished = false;
        for stop in 0..STEPS {
            let rig = Rig::new();
            old(&rig, "");
            let (applied, log) = under(Script::StopAfter(stop), || rig.store.apply(change));
            let found = names(&rig);
            assert!(found == ["a", "b", "c"] || found == done, "{found:?} after {log:?}");
            assert!(applied.is_err() || found == done);
            rig.store.apply(change).unwrap();
            assert_eq!(names(&rig), done, "{log:?}");
            assert!(!rig.path("state/tiled").join(OLD_LIST).exists());
            finished = applied.is_ok();
            if finished {
                break;
            }
        }
        assert!(finished, "more than {STEPS} steps");
    }
}

#[test]
fn a_failure_anywhere_while_moving_is_reported_and_loses_no_site_f4() {
    for at in 0..STEPS {
        let rig = Rig::new();
        old(&rig, "");
        let script = Script::FailAt(at, Errno::IO.raw_os_error());
        let (applied, log) = under(script, || rig.store.apply(&Change::Prefer(entry("b"))));
        let found = names(&rig);
        assert!(found == ["a", "b", "c"] || found == ["b", "a", "c"], "{found:?} after {log:?}");
        if log.len() <= at {
            assert!(applied.is_ok());
            return;
        }
        rig.store.apply(&Change::Prefer(entry("b"))).unwrap();
        assert_eq!(names(&rig), ["b", "a", "c"], "{log:?}");
    }
    panic!("more than {STEPS} steps");
}

#[test]
fn many_who_move_the_old_list_at_once_lose_no_site_and_no_order() {
    let rig = Rig::new();
    old(&rig, "");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let rig = &rig;
            scope.spawn(move || match number {
                0 => drop(rig.store.apply(&Change::Forget(key("b"))).unwrap()),
                number => prefer(rig, &format!("new-{number}")),
            });
        }
    });
    let found = names(&rig);
    assert_eq!(found.len(), 9, "{found:?}");
    assert_eq!(found[7..], ["a", "c"]);
}

#[test]
fn a_clock_that_was_set_back_changes_no_order() {
    let rig = Rig::new();
    prefer(&rig, "a");
    let ahead = SystemTime::now() + Duration::from_hours(24);
    let micros = ahead.duration_since(UNIX_EPOCH).unwrap().as_micros();
    let text = fs::read_to_string(rig.site(&key("a"))).unwrap();
    let line = text.lines().find(|line| line.contains("preferred")).unwrap().trim_end_matches(',').to_owned();
    fs::write(rig.site(&key("a")), text.replace(&line, &format!("\"preferred\": {micros}"))).unwrap();
    fs::File::open(rig.site(&key("a"))).unwrap().set_modified(ahead).unwrap();
    for (name, order) in [("b", &["b", "a"][..]), ("c", &["c", "b", "a"]), ("a", &["a", "c", "b"])] {
        prefer(&rig, name);
        assert_eq!(names(&rig), order);
    }
}

#[test]
fn only_a_file_named_for_its_site_is_listed() {
    let rig = Rig::new();
    prefer(&rig, "a");
    let folder = rig.path("state/tiled/sites");
    let other = format!("{}.json", Site::name(&key("other")));
    for name in ["later.json", &other, &format!(".{other}.1-0.authctl-tmp"), &format!("{other}.damaged-1")] {
        fs::copy(rig.site(&key("a")), folder.join(name)).unwrap();
    }
    assert_eq!(names(&rig), ["a"]);
    assert_eq!(rig.set_aside().len(), 1, "nothing else is called damaged");
}
