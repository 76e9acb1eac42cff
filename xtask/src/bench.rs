//! `cargo xtask bench`: how the project compares with its peers, as tables of ratios.

pub(crate) mod herd;
mod hot;
mod lock;
mod package;
mod page;
pub(crate) mod programs;
mod sample;
mod slow_disk;
mod small;
mod stampede;
mod start;
mod store;
mod subject;

use crate::workspace;

use page::Section;

/// Measures something.
type Bench = fn() -> Result<Section, String>;

/// What can be measured. Each gives a section of the page.
const BENCHES: &[(&str, Bench)] = &[
    ("stampede", stampede::measure),
    ("store", store::measure),
    (slow_disk::NAME, slow_disk::measure),
    ("lock", lock::measure),
    ("start", start::measure),
    ("hot", hot::measure),
    ("small", small::measure),
];

pub(crate) fn command(args: &[String]) -> Result<bool, String> {
    let names: Vec<&str> = args.iter().map(String::as_str).collect();
    if names.is_empty() || names.iter().any(|name| matches!(*name, "-h" | "--help")) {
        println!("{}", help());
        return Ok(true);
    }
    let known = |name: &str| BENCHES.iter().find(|(known, _)| *known == name);
    if let Some(stranger) = names.iter().find(|name| **name != "all" && known(name).is_none()) {
        return Err(format!("there is no bench `{stranger}`\n\n{}", help()));
    }
    let wanted = BENCHES.iter().filter(|(name, _)| names.contains(&"all") || names.contains(name));
    for (name, measure) in wanted {
        if *name == slow_disk::NAME && !slow_disk::is_slow() {
            slow_disk::run_again()?;
            continue;
        }
        println!("bench: {name}");
        let section = measure()?;
        print!("{}", section.text());
        page::write(&workspace::root().join(page::PAGE), &section)?;
    }
    Ok(true)
}

fn help() -> String {
    let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
    format!(
        "Measures the project beside its peers, prints a table and writes it to {}.\n\
         Nothing is asserted: what it prints is for people to read.\n\n\
         Usage: cargo xtask bench NAME...\n\n\
         Names: {}, all",
        page::PAGE,
        names.join(", ")
    )
}
