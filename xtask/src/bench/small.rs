//! `small`: how much a program takes on by signing in with this, beside a client that only sends a form.

use std::fs;
use std::path::Path;

use super::package::{self, Package};
use super::page::Section;
use crate::tidy::crates_in_tree;
use crate::workspace;

/// Versions are those of the lock file.
const TLS: &str =
    "rustls = { version = \"0.23\", default-features = false, features = [\"ring\", \"std\", \"tls12\"] }\n";

/// Lines added to the profile, and what they are called.
const VARIANTS: [(&str, &str); 3] = [
    ("with `panic = \"abort\"`", "panic = \"abort\"\n"),
    ("with `opt-level = \"s\"`", "opt-level = \"s\"\n"),
    ("with both", "opt-level = \"s\"\npanic = \"abort\"\n"),
];

const ASYNC: &str = r#"use auth_native::nonblocking::Authenticator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: whoami URL")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let auth = Authenticator::builder().user_agent("whoami/0.1").build()?;
        let connection = auth.connect(&url).await?;
        println!("{}", connection.whoami().await?.name());
        for warning in connection.warnings() {
            eprintln!("warning: {warning}");
        }
        Ok(())
    })
}
"#;

const UREQ: &str = r#"use ureq::tls::{RootCerts, TlsConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: post URL")?;
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a provider already")?;
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
    let mut answer = agent.post(&url).send_form([("username", "demo"), ("password", "demo")])?;
    println!("{}", answer.body_mut().read_to_string()?);
    Ok(())
}
"#;

const REQWEST: &str = r#"fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: post URL")?;
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a provider already")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let form = [("username", "demo"), ("password", "demo")];
        let answer = reqwest::Client::new().post(&url).form(&form).send().await?;
        println!("{}", answer.text().await?);
        Ok(())
    })
}
"#;

/// What was found of one program.
#[derive(Debug)]
struct Found {
    who: String,
    crates: Option<usize>,
    /// In seconds of a processor.
    built: f64,
    bytes: u64,
}

pub(super) fn measure() -> Result<Section, String> {
    let home = package::home().join("small");
    package::empty(&home)?;
    let mut found = Vec::new();
    let [blocking, others @ ..] = packages()?;
    let name = |what: &str| format!("auth-native, blocking and file{what}");
    found.push(one(&name(""), &blocking, &home)?);
    for (what, more) in VARIANTS {
        let (built, program) = blocking.write(&home, more)?.build()?;
        found.push(Found { who: name(&format!(", {what}")), crates: None, built, bytes: size(&program)? });
    }
    let names = ["auth-native, async and file", "ureq, one form", "reqwest, one form"];
    for (who, package) in names.iter().zip(&others) {
        found.push(one(who, package, &home)?);
    }
    Ok(section(&found))
}

/// The four programs.
fn packages() -> Result<[Package; 4], String> {
    let facade = workspace::root().join("crates").join("auth-native");
    let ours = |features: &str| {
        let path = facade.display();
        format!("auth-native = {{ path = \"{path}\", default-features = false, features = [{features}] }}\n")
    };
    let tokio =
        "tokio = { version = \"1\", default-features = false, features = [\"net\", \"rt\", \"time\"] }\n";
    let client = |name: &str, version: &str, features: &str| {
        format!(
            "{name} = {{ version = \"{version}\", default-features = false, features = [{features}] }}\n{TLS}"
        )
    };
    let script = facade.join("examples").join("whoami.rs");
    let script =
        fs::read_to_string(&script).map_err(|error| format!("cannot read {}: {error}", script.display()))?;
    let package =
        |name, dependencies, source: &str| Package { name, dependencies, source: source.to_owned() };
    let ureq = client("ureq", "3", "\"platform-verifier\", \"rustls-no-provider\"");
    let reqwest = client("reqwest", "0.13", "\"form\", \"rustls-no-provider\"");
    Ok([
        package("blocking", ours("\"blocking\", \"file\""), &script),
        package("async", ours("\"async\", \"file\"") + tokio, ASYNC),
        package("ureq-form", ureq, UREQ),
        package("reqwest-form", reqwest + tokio, REQWEST),
    ])
}

fn one(who: &str, package: &Package, home: &Path) -> Result<Found, String> {
    println!("bench: building {who}");
    let written = package.write(home, "")?;
    written.fetch()?;
    // The program itself is not one of them.
    let crates = crates_in_tree(&written.tree()?).saturating_sub(1);
    let (built, program) = written.build()?;
    Ok(Found { who: who.to_owned(), crates: Some(crates), built, bytes: size(&program)? })
}

fn size(program: &Path) -> Result<u64, String> {
    let about = fs::metadata(program);
    about.map(|about| about.len()).map_err(|error| format!("cannot look at {}: {error}", program.display()))
}

fn section(found: &[Found]) -> Section {
    let base = found.iter().find(|found| found.who.starts_with("ureq"));
    let times = |ours: f64, theirs: f64| format!("{:.2}", ours / theirs);
    #[expect(clippy::cast_precision_loss, reason = "a program is not that large")]
    let bytes = |found: &Found| found.bytes as f64;
    let row = |one: &Found| {
        let or_none = |text: Option<String>| text.unwrap_or_default();
        vec![
            one.who.clone(),
            or_none(one.crates.map(|crates| crates.to_string())),
            format!("{:.2}", bytes(one) / 1e6),
            or_none(base.map(|base| times(bytes(one), bytes(base)))),
            format!("{:.0}", one.built),
            or_none(base.map(|base| times(one.built, base.built))),
        ]
    };
    Section {
        name: "small",
        about: "The script of the README in release, beside programs that post one form over TLS with the same \
                cryptography and the system's authorities: crates linked in (ours too), the stripped program, a build from \
                nothing. The goals for blocking and file are 60 crates and 2.2 MB."
            .to_owned(),
        columns: ["who", "crates", "MB", "× ureq", "processor s to build", "× ureq"].map(str::to_owned).to_vec(),
        rows: found.iter().map(row).collect(),
        notes: vec![
            "The profile of all is that of this workspace (`lto = \"fat\"`, `codegen-units = 1`, `strip`), the versions \
             those of its lock file. Ours also unpacks gzip and goes through SOCKS proxies, the others do not."
                .to_owned(),
            "What is above ureq's own size is, by its symbols, half the crates of this workspace and half what they use of \
             the standard library. `panic = \"abort\"` and `opt-level = \"s\"` are for the program to choose."
                .to_owned(),
            "Each was built once, from nothing; its time is what all processors worked on it.".to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_with_ureqs() {
        let found = |who: &str, crates, built, bytes| Found { who: who.to_owned(), crates, built, bytes };
        let all = [
            found("ours", Some(57), 30.0, 3_000_000),
            found("ours, small", None, 25.0, 1_500_000),
            found("ureq, one form", Some(40), 20.0, 1_500_000),
        ];
        let rows: Vec<_> = section(&all).rows.iter().map(|row| row.join("|")).collect();
        assert_eq!(
            rows,
            [
                "ours|57|3.00|2.00|30|1.50",
                "ours, small||1.50|1.00|25|1.25",
                "ureq, one form|40|1.50|1.00|20|1.00"
            ]
        );
    }
}
