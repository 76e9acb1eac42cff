//! The ways to sign in to a site.

/// A way to sign in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum SignInMethod {
    /// A login and a password.
    Password,
    /// A browser that the program controls.
    Web,
    /// A browser of the system: the App Session Launcher.
    AppSession,
}
