//! Messages: what is sent, what is answered, and how both are written.

pub mod form;
pub mod json;
mod request;

pub use request::{Authorization, Body, HEADERS_READ, Method, READ_BUDGET, Request, Response, TOKEN_BUDGET};
