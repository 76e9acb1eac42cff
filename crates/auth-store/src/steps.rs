//! Every change to a file system goes through here, one step each, so that tests can stop or fail any of them.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};

/// The kinds of change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    MakeDirectory,
    Create,
    Write,
    Sync,
    Rename,
    Link,
    Unlink,
    Truncate,
    SyncDirectory,
    Lock,
}

/// Makes one change to what is called `name`, again if a signal came between.
pub(crate) fn step<T>(step: Step, name: &OsStr, mut change: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match intercepted(step, name).and_then(|()| change()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "in tests it fails on request")]
fn intercepted(_: Step, _: &OsStr) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
fn intercepted(step: Step, name: &OsStr) -> io::Result<()> {
    script::next(step, name)
}

/// What the steps of this thread are to meet with.
#[cfg(test)]
pub(crate) mod script {
    use std::cell::RefCell;
    use std::ffi::OsStr;
    use std::io;

    use super::Step;

    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub(crate) enum Script {
        #[default]
        Pass,
        /// As if the process ended after so many steps: none of the later ones happens.
        StopAfter(usize),
        /// Only the step of this number (from zero) fails, with this error number.
        FailAt(usize, i32),
        /// Every step of this kind fails, with this error number.
        Fail(Step, i32),
        /// The same for several kinds.
        FailEach(&'static [(Step, i32)]),
    }

    /// What another program does just before a step of some number (from zero).
    type Meddler = (usize, Box<dyn FnOnce()>);

    thread_local! {
        static MEDDLER: RefCell<Option<Meddler>> = const { RefCell::new(None) };
        static RUN: RefCell<(Script, Vec<(Step, String)>)> = const { RefCell::new((Script::Pass, Vec::new())) };
    }

    /// Runs `work` under a script; answers with what it made of it and the steps it asked for.
    pub(crate) fn under<T>(script: Script, work: impl FnOnce() -> T) -> (T, Vec<(Step, String)>) {
        RUN.set((script, Vec::new()));
        let result = work();
        (result, RUN.take().1)
    }

    /// Runs `work` while another program does something just before the step of this number.
    pub(crate) fn meddled<T>(
        at: usize,
        meddle: impl FnOnce() + 'static,
        work: impl FnOnce() -> T,
    ) -> (T, Vec<(Step, String)>) {
        MEDDLER.set(Some((at, Box::new(meddle))));
        let done = under(Script::Pass, work);
        MEDDLER.set(None);
        done
    }

    pub(super) fn next(step: Step, name: &OsStr) -> io::Result<()> {
        let due = |(at, _): &mut Meddler| RUN.with_borrow(|(_, log)| log.len() == *at);
        if let Some((_, meddle)) = MEDDLER.with_borrow_mut(|meddler| meddler.take_if(due)) {
            meddle();
        }
        RUN.with_borrow_mut(|(script, log)| {
            let number = log.len();
            log.push((step, name.to_string_lossy().into_owned()));
            match *script {
                Script::StopAfter(steps) if number >= steps => Err(io::Error::other("stopped")),
                Script::FailAt(at, errno) if number == at => Err(io::Error::from_raw_os_error(errno)),
                Script::Fail(kind, errno) if kind == step => Err(io::Error::from_raw_os_error(errno)),
                Script::FailEach(kinds) => match kinds.iter().find(|(kind, _)| *kind == step) {
                    Some((_, errno)) => Err(io::Error::from_raw_os_error(*errno)),
                    None => Ok(()),
                },
                _ => Ok(()),
            }
        })
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::script::{Script, under};
    use super::*;

    #[test]
    fn an_interrupted_step_is_made_again_f4() {
        let errno = rustix::io::Errno::INTR.raw_os_error();
        let (result, log) = under(Script::FailAt(0, errno), || step(Step::Write, OsStr::new("x"), || Ok(7)));
        assert_eq!((result.unwrap(), log.len()), (7, 2));
    }
}
