//! The conformance suite: cases that are files, played in every way there is.
//!
//! A [`Case`] is one conversation, pinned to the letter: what the person does, what is sent, what is answered, how it
//! ends. A [`Cell`] is one way to play it: who answers, by which transport, with which store. [`run`] plays all of
//! them and gives a [`Matrix`].

mod bare;
mod case;
mod cell;
mod matrix;
mod names;
mod person;
mod play;
mod requirements;
mod scripted;
mod site;
mod store;
mod text;

pub use case::Case;
pub use cell::{Cell, Peer, Store, Transport};
pub use matrix::{Addresses, Became, Matrix, Row, Selection, files, run};
pub use play::{Failure, play};
pub use requirements::{Gap, Requirements};
