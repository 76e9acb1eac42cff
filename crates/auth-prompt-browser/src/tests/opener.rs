use auth_core::site::UrlError;

use super::*;

const PAGE: &str = "https://studio.example/page?id=1";

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn set(browser: &str) -> Environment {
    Environment { browser: Some(browser.to_owned()), has_display: false }
}

fn desktop() -> Environment {
    Environment { browser: None, has_display: true }
}

#[test]
fn each_system_has_an_opener_and_browser_comes_before_it() {
    use System::{Freedesktop, MacOs, Windows};
    let ssh = Environment::default;
    let cases = [
        (Freedesktop, desktop(), &["xdg-open", PAGE][..]),
        (MacOs, ssh(), &["/usr/bin/open", PAGE]),
        (Windows, ssh(), &["rundll32.exe", "url.dll,FileProtocolHandler", PAGE]),
        (Freedesktop, set("firefox"), &["firefox", PAGE]),
        (MacOs, set("/opt/b/browser"), &["/opt/b/browser", PAGE]),
        (Windows, set(r"C:\b\browser.exe;other"), &[r"C:\b\browser.exe", PAGE]),
        (Freedesktop, set("firefox:chromium"), &["firefox", PAGE]),
        (Freedesktop, set(": :chromium"), &["chromium", PAGE]),
        (Freedesktop, set("firefox -P work"), &["firefox", "-P", "work", PAGE]),
        (Freedesktop, set("b --new %s -x"), &["b", "--new", PAGE, "-x"]),
        (Freedesktop, set("b --url=%s,%s"), &["b", &format!("--url={PAGE},{PAGE}")]),
        // What a page is called is never what is run.
        (Freedesktop, set("%s"), &["%s", PAGE]),
        (Freedesktop, Environment { has_display: true, ..set(":") }, &["xdg-open", PAGE]),
    ];
    for (system, environment, words) in cases {
        assert_eq!(command(system, &environment, &url(PAGE)).unwrap(), words, "{words:?}");
    }
}

#[test]
fn a_page_that_could_be_a_trap_is_not_opened_t3() {
    let long = url("https://h/").at(&"é".repeat(700));
    let cases = [
        (url("http://studio.example/page"), PageFault::Exposed),
        (url("http://127.0.0.1.evil.example/"), PageFault::Exposed),
        (url("http://10.0.0.1/"), PageFault::Exposed),
        (long, UrlError::TooLong.into()),
        (url("https://h/").at(r"\\host\share"), UrlError::Character.into()),
    ];
    for (page, why) in cases {
        for environment in [desktop(), set("firefox")] {
            let opened = command(System::Freedesktop, &environment, &page);
            assert_eq!(opened, Err(why.into()), "{page}");
        }
    }
    for page in
        ["https://studio.example/", "http://127.0.0.1:8000/p", "http://[::1]:8000/p", "http://localhost/p"]
    {
        assert!(command(System::Freedesktop, &desktop(), &url(page)).is_ok(), "{page}");
    }
    // No others get as far as here.
    for page in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "-flag",
        "https://good@evil/",
        "ms-msdt:/id",
        "https://ｅ/",
    ] {
        assert!(page.parse::<Url>().is_err(), "{page}");
    }
}

#[test]
fn what_a_shell_would_read_stays_in_one_argument_t4() {
    let pages = [
        "https://h/$(touch%20x)?a=`id`&calc",
        "https://h/a;b|c&d?e=1&f='2'&g=!x",
        "https://h/*?q=%22$HOME%22~[a-z]",
        "https://h/?%s=%s&%25s",
    ];
    for page in pages {
        let given = url(page).to_request();
        for environment in [desktop(), set("b"), set("b %s")] {
            let words = command(System::Freedesktop, &environment, &url(page)).unwrap();
            assert_eq!((words.len(), &words[1]), (2, &given), "{page}");
        }
        let words = command(System::Windows, &Environment::default(), &url(page)).unwrap();
        assert_eq!((words.len(), &words[2]), (3, &given), "{page}");
    }
}

#[test]
fn no_batch_file_opens_a_page_t4() {
    for name in [r"C:\b.bat", r"C:\B.CMD", "b.cmd.", r"C:\b.bat %s"] {
        let opened = command(System::Windows, &set(name), &url(PAGE));
        assert!(matches!(opened, Err(OpenFault::NotStarted { .. })), "{name}");
        assert!(command(System::Freedesktop, &set("b.bat"), &url(PAGE)).is_ok());
    }
}

#[test]
fn without_a_desktop_nothing_is_tried_unless_browser_says_what() {
    let none = [Environment::default(), set(""), set(" : ")];
    for environment in none {
        let opened = command(System::Freedesktop, &environment, &url(PAGE));
        assert_eq!(opened, Err(OpenFault::NoDesktop));
    }
    assert!(command(System::Freedesktop, &set("b"), &url(PAGE)).is_ok());
}
