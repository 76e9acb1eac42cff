//! Two leaks on purpose, which `cargo xtask test` must find: else it sees nothing of what tests print and leave.

use canary::{DECOYS, Search, plant, sweep};

#[test]
fn what_a_test_that_passes_prints_is_searched_s2() {
    let line = format!("token={}", plant(DECOYS[0]));
    println!("{line}");
    assert_eq!(Search::of_planted().search(line.as_bytes()).len(), 1);
}

#[test]
fn what_a_test_leaves_behind_is_searched_s2_f9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("left");
    std::fs::write(&file, plant(DECOYS[1])).unwrap();
    assert_eq!(sweep(&file, &Search::of_planted(), &|_| false).unwrap().len(), 1);
    // Nobody else would remove it.
    if std::env::var_os("AUTH_CANARY_LIST").is_some() {
        let _left = folder.keep();
    }
}
