use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;

use tempfile::TempDir;

use super::*;

/// Longer than any opener of these tests takes, which all end by themselves.
const LONG: Duration = Duration::from_mins(10);
const PAGE: &str = "https://studio.example/a$(touch%20x);b?c='1'&d=`id`";

/// A folder with an opener that does what its name says.
struct Rig {
    folder: TempDir,
    opener: PathBuf,
}

impl Rig {
    fn new(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let opener = folder.path().join(name);
        symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/opener.sh"), &opener).unwrap();
        Self { folder, opener }
    }

    fn browser(&self, rest: &str) -> Environment {
        let browser = format!("{}{rest}", self.opener.display());
        Environment { browser: Some(browser), has_display: false }
    }

    fn open(&self, rest: &str) -> Result<(), OpenFault> {
        open_with(System::Freedesktop, &self.browser(rest), &PAGE.parse().unwrap(), LONG)
    }

    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    fn arguments(&self) -> String {
        fs::read_to_string(self.folder.path().join("arguments")).unwrap()
    }
}

#[test]
fn the_address_arrives_whole_and_as_one_argument_t4() {
    let page = PAGE.parse::<Url>().unwrap().to_request();
    let cases = [
        ("", format!("{page}\n")),
        (" -x", format!("-x\n{page}\n")),
        (" --open=%s -x:other", format!("--open={page}\n-x\n")),
    ];
    for (rest, arguments) in cases {
        let rig = Rig::new("opens");
        assert_eq!(rig.open(rest), Ok(()), "{rest}");
        assert_eq!(rig.arguments(), arguments, "{rest}");
    }
}

#[test]
fn a_path_with_blanks_is_a_program() {
    let rig = Rig::new("my browser");
    assert_eq!(rig.open(""), Ok(()));
    assert_eq!(rig.arguments(), format!("{PAGE}\n"));
}

#[test]
fn an_opener_that_is_missing_is_told_with_what_the_system_says() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("no program");
    fs::write(&file, "").unwrap();
    for (name, why) in
        [("/nonexistent/browser", "No such file"), (file.to_str().unwrap(), "Permission denied")]
    {
        let environment = Environment { browser: Some(name.to_owned()), has_display: true };
        let fault = open_with(System::Freedesktop, &environment, &PAGE.parse().unwrap(), LONG).unwrap_err();
        let told = fault.to_string();
        let start = format!("no browser could be opened: {name} cannot be started: {why}");
        assert!(told.starts_with(&start), "{told}");
    }
}

#[test]
fn an_opener_that_refuses_at_once_is_told() {
    let rig = Rig::new("refuses");
    let fault = rig.open("").unwrap_err();
    let told = format!("no browser could be opened: {} ended with exit status: 4", rig.opener.display());
    assert_eq!(fault.to_string(), told);
    assert_eq!(rig.arguments(), format!("{PAGE}\n"));
}

#[test]
fn an_opener_that_stays_is_not_waited_for_and_has_nothing_of_our_terminal() {
    let rig = Rig::new("stays");
    let (started, release) = (rig.pipe("started"), rig.pipe("release"));
    let page = PAGE.parse().unwrap();
    // With a moment of none at all, only one that has ended could have said so.
    let open = open_with(System::Freedesktop, &rig.browser(""), &page, Duration::ZERO);
    assert_eq!(open, Ok(()));
    let child: u32 = fs::read_to_string(&started).unwrap().trim().parse().unwrap();
    let streams =
        (0..3).map(|stream| fs::read_link(format!("/proc/{child}/fd/{stream}")).ok()).collect::<Vec<_>>();
    let stat = fs::read_to_string(format!("/proc/{child}/stat"));
    // Let go before anything is found wrong, or it would stay for good.
    fs::write(release, "go\n").unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(streams, vec![Some(PathBuf::from("/dev/null")); 3]);
        let stat = stat.unwrap();
        let group = stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap();
        assert_eq!(group, child.to_string(), "a job of its own");
    }
}

#[test]
fn nothing_is_left_of_an_opener_that_has_ended() {
    let rig = Rig::new("stays");
    let (started, release) = (rig.pipe("started"), rig.pipe("release"));
    let told =
        start(&command(System::Freedesktop, &rig.browser(""), &PAGE.parse().unwrap()).unwrap()).unwrap();
    let child: u32 = fs::read_to_string(&started).unwrap().trim().parse().unwrap();
    let meanwhile = told.recv_timeout(Duration::ZERO);
    fs::write(release, "go\n").unwrap();
    assert!(matches!(meanwhile, Err(RecvTimeoutError::Timeout)));
    assert!(told.recv().unwrap().unwrap().unwrap().success());
    // A zombie would still be there.
    let of_child = PathBuf::from(format!("/proc/{child}"));
    assert!(!of_child.exists() || !cfg!(target_os = "linux"));
}
