//! Programs that tests need and that are not part of Rust.

use std::process::Command;

use crate::{run, sys};

/// Sees to it that a program of Debian's package of the same name is there; root gets it installed. `Err` says why it
/// is not, and what helps.
pub(crate) fn ensure_apt(program: &str) -> Result<(), String> {
    if sys::find(program).is_some() {
        return Ok(());
    }
    if !sys::is_root() || sys::find("apt-get").is_none() {
        return Err(format!("{program} is missing: install it (on Debian: apt-get install {program})"));
    }
    eprintln!("tools: installing Debian's {program}");
    for args in [&["update"][..], &["install", "-y", "--no-install-recommends", program]] {
        let mut apt = Command::new("apt-get");
        run::quietly(apt.args(args).env("DEBIAN_FRONTEND", "noninteractive")).map_err(|printed| {
            let why = run::reason(&printed);
            format!("{program} is missing, and apt-get {} failed: {why}", args.join(" "))
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_there_is_not_installed() {
        assert_eq!(ensure_apt("sh"), Ok(()));
    }
}
