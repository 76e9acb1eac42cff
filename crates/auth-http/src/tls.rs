//! Whom to trust, and with what cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The cryptography of every connection: ring, named here so that no other crate's choice of features changes it.
/// TLS 1.2 and 1.3 are spoken, nothing older.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
