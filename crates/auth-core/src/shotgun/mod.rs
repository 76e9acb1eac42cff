//! Shotgun, now Autodesk Flow Production Tracking: what is asked of a site and what it answers.

mod method;

pub use method::SignInMethod;
