//! Opening a page in a person's browser.
//!
//! [`open`] opens one, and [`WithBrowser`] around a prompt opens each page that the prompt is to tell of. It is the
//! browser that the person uses anyway, where they may be signed in already, and which says whose page it shows (RFC
//! 8252, section 8.12).
//!
//! # Which program opens it
//!
//! The one that `BROWSER` names: the first entry of a list (`:` between entries, on Windows `;`), a program's name or
//! path, or several words with `%s` where the address belongs; without `%s` it is the last argument. A path with blanks
//! in it is one word if it is a file's. Without the variable it is `xdg-open`, `open` on macOS and the system's own
//! handler on Windows. Where neither `DISPLAY` nor `WAYLAND_DISPLAY` is set, as over SSH, `xdg-open` is not tried.
//!
//! No shell sees the address. The program has nothing of our terminal: no input, no output, and no signals typed there.

mod open;
mod opener;
mod start;
mod with_browser;

pub use open::{OpenFault, open};
pub use with_browser::WithBrowser;
