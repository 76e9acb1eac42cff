//! Plays the cases of `tests/cases` and prints the matrix; `cargo xtask conformance` starts the servers and runs this.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is what it is for")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conformance::cases::{Addresses, Peer, Requirements, Selection, Store, Transport, run};
use serde_json::{Value, json};

const HELP: &str = "\
Plays every case of tests/cases in every way there is, and prints what became of it.

Usage: cargo xtask conformance [OPTIONS]

  --case TEXT      only cases whose name holds TEXT, as in renewal/ or tiled/login/wrong
  --peer P         only this peer: script (the case's own answers), sandbox, or tiled (a real server)
  --transport T    only this transport: bare (no socket), ureq, or reqwest
  --store S        only this store: memory, or directory (Tiled's token directory)
  --quick          only what needs neither a socket nor a file
  --json FILE      where the matrix goes as JSON (default: target/conformance.json)
  --cases FOLDER   where the cases are (default: tests/cases)

A case is a file: who answers, what happens, the requests to the letter, and how it ends. One that is added needs no
change to any program. Cells that are not played say why below the matrix. Requirements without a case are listed.

Exit codes: 0 all played as the cases say, 1 some did not, 2 the options or folders are wrong.";

struct Options {
    selection: Selection,
    json: PathBuf,
    cases: PathBuf,
}

fn parse(args: &[String], root: &Path) -> Result<Option<Options>, String> {
    let mut options = Options {
        selection: Selection::default(),
        json: root.join("target/conformance.json"),
        cases: root.join("tests/cases"),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned().ok_or_else(|| format!("{arg} needs a value"));
        let one_of = |what: &str, names: Vec<String>| {
            format!("there is no {what} of that name; there are: {}", names.join(", "))
        };
        let selection = &mut options.selection;
        match arg.as_str() {
            "-h" | "--help" => return Ok(None),
            "--quick" => selection.quick = true,
            "--case" => selection.case = Some(value()?),
            "--peer" => {
                let names = || Peer::ALL.iter().map(ToString::to_string).collect();
                selection.peer = Some(Peer::by_name(&value()?).ok_or_else(|| one_of("peer", names()))?);
            }
            "--transport" => {
                let names = || Transport::ALL.iter().map(ToString::to_string).collect();
                selection.transport =
                    Some(Transport::by_name(&value()?).ok_or_else(|| one_of("transport", names()))?);
            }
            "--store" => {
                let names = || Store::ALL.iter().map(ToString::to_string).collect();
                selection.store = Some(Store::by_name(&value()?).ok_or_else(|| one_of("store", names()))?);
            }
            "--json" => options.json = value()?.into(),
            "--cases" => options.cases = value()?.into(),
            other => return Err(format!("unexpected argument `{other}`\n\n{HELP}")),
        }
    }
    Ok(Some(options))
}

fn play(options: &Options, root: &Path) -> Result<bool, String> {
    let Options { selection, json, cases } = options;
    let tiled = std::env::var("AUTH_PEERS").ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let address = tiled.map(|peers| move |name: &str| peers["tiled"][name].as_str().map(str::to_owned));
    let address: Addresses<'_> = match &address {
        Some(address) => Some(address),
        None => None,
    };
    let matrix = run(cases, selection, address).map_err(|error| format!("{}: {error}", cases.display()))?;
    if matrix.rows.is_empty() {
        return Err("no case has such a name".to_owned());
    }
    print!("{}", matrix.shown());

    let requirements = Requirements::read(&root.join("tests/requirements.yml"), root)?;
    let unknown = requirements.unknown(&matrix);
    for (case, tag) in &unknown {
        println!("{case}: the tag {tag:?} is no requirement");
    }
    let gaps = requirements.gaps(&matrix);
    if selection.case.is_none() {
        println!("\n{} of {} requirements have no case:", gaps.len(), requirements.len());
        for gap in &gaps {
            let tests = match gap.tests {
                0 => "no test names it".to_owned(),
                1 => "1 test names it".to_owned(),
                more => format!("{more} tests name it"),
            };
            println!("  {:<4} {:<17} {}", gap.id, tests, gap.what);
        }
    }

    let idle = if selection.is_everything() { matrix.idle() } else { Vec::new() };
    for case in &idle {
        println!("{case}: it was not played at all");
    }

    let mut report = matrix.json();
    report["gaps"] = gaps.iter().map(conformance::cases::Gap::json).collect();
    report["unknown_tags"] = unknown.iter().map(|(case, tag)| json!([case, tag])).collect();
    let text = format!("{report:#}\n");
    let folder = json.parent().unwrap_or(root);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(json, text))
        .map_err(|error| format!("{}: {error}", json.display()))?;

    let [passed, failed, skipped] = matrix.counts();
    println!("\nconformance: {} cases; the matrix as JSON: {}", matrix.rows.len(), json.display());
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(failed == 0 && unknown.is_empty() && idle.is_empty())
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = parse(&args, &root).and_then(|options| match options {
        None => {
            println!("{HELP}");
            Ok(true)
        }
        Some(options) => play(&options, &root),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("conformance: {why}");
            ExitCode::from(2)
        }
    }
}
