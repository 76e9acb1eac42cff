//! Whom to trust, and with what cryptography.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls_platform_verifier::Verifier;

use crate::user_agent::TransportError;

/// The variables that name files of authorities. Shotgun's Python client has one of its own.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SHOTGUN_API_CACERTS"];

/// The longest file of authorities that is read, in bytes. Those of a system take a few hundred thousand.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The authorities that are trusted besides those of the system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads the files that are named, and those that the environment names.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Self, TransportError> {
        let named = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let of_environment = VARIABLES.into_iter().filter_map(named).map(PathBuf::from);
        let mut certificates = Vec::new();
        for file in of_environment.chain(files.iter().cloned()) {
            certificates.extend(read(&file)?);
        }
        Ok(Self(certificates))
    }

    /// What connections are made with: these authorities and those of the system, which are read here.
    pub(crate) fn config(&self) -> Option<Arc<ClientConfig>> {
        let verifier = Verifier::new_with_extra_roots(self.0.iter().cloned(), provider()).ok()?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .ok()?
            // Not less than the usual one: it is the system's.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Some(Arc::new(config))
    }
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let failed = |why: &dyn ToString| TransportError::Authorities {
        file: file.display().to_string(),
        why: why.to_string(),
    };
    let content = content(file).map_err(|error| failed(&error))?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&content).collect();
    match found {
        Ok(found) if found.is_empty() => Err(failed(&"there is no certificate in it")),
        Ok(found) => Ok(found),
        // What a file says that is none of these may be a secret.
        Err(_) => Err(failed(&"it is not in PEM")),
    }
}

/// The file's content. A FIFO is refused: it could keep its reader waiting for ever, and whoever else reads the file
/// that `SSL_CERT_FILE` names would find nothing in it.
fn content(file: &Path) -> io::Result<Vec<u8>> {
    let bad = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if !std::fs::metadata(file)?.is_file() {
        return bad("it is not a regular file");
    }
    let mut content = Vec::new();
    std::fs::File::open(file)?.take(LONGEST + 1).read_to_end(&mut content)?;
    if u64::try_from(content.len()).is_ok_and(|length| length > LONGEST) {
        return bad("it is too large");
    }
    Ok(content)
}

/// The cryptography of every connection: ring, named here so that no other crate's choice of features changes it.
/// TLS 1.2 and 1.3 are spoken, nothing older.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_authority_is_named_and_not_shown() {
        let folder = std::env::temp_dir().join(format!("auth-http-authorities-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let secret = canary::plant("in a file that is no certificate");
        let broken = format!("-----BEGIN CERTIFICATE-----\n{secret}!\n-----END CERTIFICATE-----\n");
        for (name, content) in [("empty", ""), ("text", &secret), ("broken", &broken)] {
            let file = folder.join(name);
            std::fs::write(&file, content).unwrap();
            let error = read(&file).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(name), "{shown}");
            canary::assert_silent(&shown);
        }
        assert!(read(&folder.join("missing")).is_err());
        std::fs::File::create(folder.join("huge")).unwrap().set_len(LONGEST + 1).unwrap();
        for (name, why) in [("huge", "it is too large"), ("", "it is not a regular file")] {
            let error = read(&folder.join(name)).unwrap_err().to_string();
            assert!(error.ends_with(why), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/tls/ca.pem");
        assert_eq!(read(&ours).unwrap().len(), 1);
    }
}
