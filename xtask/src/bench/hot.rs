//! `hot`: what a live session costs each request.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::page::Section;
use super::sample::Sample;
use crate::test::artifacts;

const ROUNDS: &str = "41";
const CALLS: &str = "20000";

/// What the program calls its subjects, and what the page does.
const NAMES: [(&str, &str); 8] = [
    ("blocking authorize", "`blocking::Connection::authorize`, as the middlewares do"),
    ("nonblocking authorize", "`nonblocking::Connection::authorize`, as they do"),
    ("blocking header", "blocking, `authorization()` and its `header()`"),
    ("nonblocking header", "nonblocking, `authorization()` and its `header()`"),
    ("blocking credential", "blocking, `authorization()` alone, as our `Request` takes it"),
    ("nonblocking credential", "nonblocking, `authorization()` alone"),
    ("bare", "a header made beforehand"),
    ("mutex", "a `String` behind a `Mutex`, cloned and formatted"),
];

pub(super) fn measure() -> Result<Section, String> {
    let built = artifacts::executables(&["build", "--release", "-p", "conformance", "--bin", "bench_hot"])?;
    let program =
        built.into_iter().find(|built| built.name == "bench_hot").ok_or("cargo built no bench_hot")?;
    let output = Command::new(program.path)
        .args([ROUNDS, CALLS])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("bench_hot cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("bench_hot failed ({})", output.status));
    }
    let rows = rows(&String::from_utf8_lossy(&output.stdout));
    Ok(Section {
        name: "hot",
        about: "Authorizing one request on a session that is good: the credential is asked for and put into a header map \
                of the request's own. The goal is at most twice a header that was made beforehand."
            .to_owned(),
        columns: ["who", "threads", "ns a call", "allocations a call", "× bare"].map(str::to_owned).to_vec(),
        rows,
        notes: vec![
            "The site and its token are the sandbox's, in the same process. What is not blocking is asked for once and \
             answers at once, without a runtime around it."
                .to_owned(),
            "With 16 threads a call's time is the time of all divided by their calls. Rounds are in turn; a ratio is the \
             median of the rounds' ratios. The header map itself is an allocation or two of every row that has one."
                .to_owned(),
        ],
    })
}

/// What one line says.
#[derive(Debug)]
struct Line {
    who: String,
    threads: u64,
    nanos: Vec<f64>,
    allocations: f64,
}

fn line(text: &str) -> Option<Line> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(Line {
        who: value["who"].as_str()?.to_owned(),
        threads: value["threads"].as_u64()?,
        nanos: value["nanos"].as_array()?.iter().filter_map(Value::as_f64).collect(),
        allocations: value["allocations"].as_f64()?,
    })
}

/// A table out of what the program printed.
fn rows(printed: &str) -> Vec<Vec<String>> {
    let lines: Vec<Line> = printed.lines().filter_map(line).collect();
    let row = |one: &Line| {
        let bare = lines.iter().find(|line| line.who == "bare" && line.threads == one.threads)?;
        let ratio = Sample::new(one.nanos.iter().zip(&bare.nanos).map(|(ours, theirs)| ours / theirs))?;
        let name =
            NAMES.iter().find(|(known, _)| *known == one.who).map_or(one.who.as_str(), |(_, name)| name);
        Some(vec![
            name.to_owned(),
            one.threads.to_string(),
            format!("{:.0}", Sample::new(one.nanos.iter().copied())?.median()),
            format!("{:.1}", one.allocations),
            format!("{:.2}", ratio.median()),
        ])
    };
    lines.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_compared_with_the_bare_one_of_as_many_threads() {
        let printed = r#"{"who":"blocking header","threads":1,"nanos":[30.0,20.0],"allocations":2.0}
{"who":"bare","threads":16,"nanos":[1.0,1.0],"allocations":1.0}
{"who":"bare","threads":1,"nanos":[10.0,10.0],"allocations":1.0}
no JSON
{"who":"stranger","threads":2,"nanos":[1.0],"allocations":0}"#;
        let rows = rows(printed);
        let names: Vec<_> = rows.iter().map(|row| row.join(" ")).collect();
        assert_eq!(
            names,
            [
                "blocking, `authorization()` and its `header()` 1 20 2.0 2.00",
                "a header made beforehand 16 1 1.0 1.00",
                "a header made beforehand 1 10 1.0 1.00",
            ]
        );
    }
}
