use proptest::prelude::*;

use super::*;

/// Lines as systems have them.
const LISTED: &str = "\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
33 22 0:27 / /home/a\\040b rw shared:3 master:2 propagate_from:1 - lustre mds@tcp:/a rw,localflock
35 22 0:29 / /mnt/s rw,nosuid - fuse.sshfs host:/ rw,user_id=0
36 22 0:30 / /mnt/e rw - fuse.gocryptfs /x rw,user_id=0
39 22 0:33 / /mnt/x rw - fuse.rclone r: rw,user_id=0
40 22 0:34 / /mnt/y rw - fuse /dev/sdb1 rw,user_id=0
37 22 0:31 / /mnt/l rw - lustre mds@tcp:/l rw,localflock,lazystatfs
38 22 0:32 / /mnt/m rw - lustre mds@tcp:/m rw,flock
41 22 0:35 /one /mnt/o rw - lustre  rw,flock
42 22 0:35 /two /mnt/p rw,localflock - lustre  rw,flock
43 22 0:36 / /mnt/q rw - gfs2 /dev/dm-1 rw,localflocks
44 22 0:37 /one /mnt/r rw,localflocks - ocfs2 /dev/dm-2 rw
45 22 0:37 /two /mnt/t rw - ocfs2 /dev/dm-2 rw
";

#[test]
fn mounts_whose_locks_end_at_this_machine_are_known_f6() {
    let cases = [
        ((254, 1), Some(Reach::All)),
        ((0, 27), Some(Reach::Part)),
        ((0, 29), Some(Reach::Part)),
        ((0, 30), Some(Reach::All)),
        ((0, 33), Some(Reach::Part)),
        ((0, 34), Some(Reach::All)),
        ((0, 31), Some(Reach::Part)),
        ((0, 32), Some(Reach::All)),
        ((0, 35), Some(Reach::Part)),
        ((0, 36), Some(Reach::Part)),
        ((0, 37), Some(Reach::Part)),
        ((0, 99), None),
    ];
    for (device, reach) in cases {
        assert_eq!(reach_in(LISTED, device), reach, "{device:?}");
    }
}

#[test]
fn what_is_no_line_of_mounts_is_left_out_p9() {
    for line in [
        "",
        "22 1",
        "22 1 0:x / / rw - lustre s rw",
        "22 1 0:1 / / rw lustre s rw",
        "22 1 0:1 / / rw - lustre",
    ] {
        assert!(Mount::read(line).is_none(), "{line:?}");
    }
    let mixed = format!("\n\u{fffd}\n{LISTED}\ngarbage - - -");
    assert_eq!(reach_in(&mixed, (0, 27)), Some(Reach::Part));
}

#[test]
fn the_mounts_of_this_machine_are_all_understood_f6() {
    let mounts = fs::read_to_string(MOUNTS).unwrap();
    for line in mounts.lines() {
        assert!(Mount::read(line).is_some(), "{line}");
    }
    for place in ["/proc", "/dev/shm"] {
        assert_eq!(reach(fs::File::open(place).unwrap()), Reach::All, "{place}");
    }
}

proptest! {
    #[test]
    fn any_list_of_mounts_is_understood_somehow_p9(text in "[ -~\n]{0,300}", odd: String, device: (u32, u32)) {
        let _ = (reach_in(&text, device), reach_in(&odd, device));
    }

    #[test]
    fn any_option_is_looked_at_wherever_it_stands_p9(
        before in proptest::collection::vec("[a-z_=0-9]{1,9}", 0..4),
        after in proptest::collection::vec("[a-z_=0-9]{1,9}", 0..4),
    ) {
        let mut options = before;
        options.push("localflock".to_owned());
        options.extend(after);
        let line = format!("1 2 0:3 / /x rw - lustre s:/ {}", options.join(","));
        prop_assert_eq!(reach_in(&line, (0, 3)), Some(Reach::Part));
    }
}
