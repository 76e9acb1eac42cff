//! Addresses as people give them.

#[cfg(any(feature = "async", feature = "blocking"))]
use auth_core::site::Scheme;
use auth_core::tiled::TiledUri;

use crate::Error;

/// Reads the address of a Tiled server, whatever part of it was given (spec: Tiled, section 1). One that carries an
/// API key is refused.
///
/// ```
/// let uri = auth_native::address("http://127.0.0.1:8000/api/v1/metadata/raw")?;
/// assert_eq!(uri.api().to_string(), "http://127.0.0.1:8000/api/v1/");
/// assert!(auth_native::address("http://127.0.0.1:8000?api_key=secret").is_err());
/// # Ok::<(), auth_native::Error>(())
/// ```
pub fn address(text: &str) -> Result<TiledUri, Error> {
    let uri: TiledUri = text.parse()?;
    if uri.api_key().is_some() { Err(Error::ApiKey) } else { Ok(uri) }
}

/// True if what is sent there can be read on the way.
#[cfg(any(feature = "async", feature = "blocking"))]
pub(crate) fn is_exposed(uri: &TiledUri) -> bool {
    uri.origin().scheme() == Scheme::Http && !uri.origin().is_loopback()
}

/// The same server over TLS, at the usual port, if this is an address in clear.
#[cfg(any(feature = "async", feature = "blocking"))]
pub(crate) fn encrypted(uri: &TiledUri) -> Option<String> {
    let origin = uri.origin();
    let plain = is_exposed(uri) && origin.port() == Scheme::Http.default_port();
    plain.then(|| format!("https://{}{}", origin.host(), uri.api().path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_an_address_is_refused_and_not_shown_h1() {
        let error = address("https://tiled.example/?api_key=canary").unwrap_err();
        assert_eq!(error, Error::ApiKey);
        for text in
            ["http://u:canary@h/", "http://h h/?api_key=canary", "http://h/?api_key=canary&api_key=canary"]
        {
            let error = address(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[cfg(any(feature = "async", feature = "blocking"))]
    #[test]
    fn what_can_be_read_on_the_way_is_exposed_n1() {
        let cases = [
            ("http://tiled.example", true, Some("https://tiled.example/api/v1/")),
            ("http://tiled.example:8000", true, None),
            ("http://127.0.0.1.example", true, Some("https://127.0.0.1.example/api/v1/")),
            ("https://tiled.example", false, None),
            ("http://localhost:80", false, None),
            ("http://127.9.9.9", false, None),
            ("http://[::1]:8000", false, None),
        ];
        for (text, exposed, over_tls) in cases {
            let uri = address(text).unwrap();
            assert_eq!((is_exposed(&uri), encrypted(&uri).as_deref()), (exposed, over_tls), "{text}");
        }
    }
}
