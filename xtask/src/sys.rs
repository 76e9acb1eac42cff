//! The little that depends on the system: users, process groups, programs on the path.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Whether `program` can be found on the path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

/// Whether this runs in continuous integration, where leaving something out is a failure.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Whether we are root; false where that cannot be told.
pub(crate) fn is_root() -> bool {
    // std has no getuid, and unsafe code is forbidden here.
    Command::new("id")
        .arg("-u")
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

/// A command that starts `program` and is killed by the kernel when we die, however we die: nothing of ours runs on
/// SIGKILL, and a parent-death signal cannot be asked for without unsafe code or this program. `None` without setpriv.
///
/// The signal comes when the *thread* that spawned the child ends, so spawn from the main thread only.
pub(crate) fn dies_with_us(program: &Path) -> Option<Command> {
    let mut command = Command::new(find("setpriv")?);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    Some(command)
}

/// Puts the child in a process group of its own, so that whatever it starts can be killed with it.
#[cfg(unix)]
pub(crate) fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
pub(crate) fn own_group(_command: &mut Command) {}

/// Kills a child and, where it leads one, its whole process group; waits for the child.
pub(crate) fn kill(child: &mut Child, leads_group: bool) {
    if leads_group {
        // std cannot signal a group; a child that is already gone is no error.
        let group = format!("-{}", child.id());
        let quiet = || Stdio::null();
        let _gone =
            Command::new("kill").args(["-KILL", "--", &group]).stdout(quiet()).stderr(quiet()).status();
    }
    let _gone = child.kill();
    let _status = child.wait();
}

/// Sets the permission bits of a path; does nothing where there are none.
pub(crate) fn chmod(path: &Path, mode: u32) -> Result<(), String> {
    #[cfg(unix)]
    {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, permissions)
            .map_err(|e| format!("cannot change the mode of {}: {e}", path.display()))?;
    }
    #[cfg(not(unix))]
    let _unused = (path, mode);
    Ok(())
}

/// Gives a path to another user and group.
pub(crate) fn chown(path: &Path, id: u32) -> Result<(), String> {
    #[cfg(unix)]
    std::os::unix::fs::chown(path, Some(id), Some(id))
        .map_err(|e| format!("cannot give {} to user {id}: {e}", path.display()))?;
    #[cfg(not(unix))]
    let _unused = (path, id);
    Ok(())
}
