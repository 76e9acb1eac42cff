//! Addresses as people give them.

use auth_core::Foreign;
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

/// The shortest address that means the same server: what a person would type.
///
/// ```
/// let uri = auth_native::address("http://127.0.0.1:8000/tiled/api/v1/")?;
/// assert_eq!(auth_native::short_address(&uri).to_string(), "http://127.0.0.1:8000/tiled");
/// # Ok::<(), auth_native::Error>(())
/// ```
pub fn short_address(uri: &TiledUri) -> Foreign {
    let long = uri.api().to_string();
    let short = long.strip_suffix("/api/v1/").unwrap_or(&long);
    let same = short.parse::<TiledUri>().is_ok_and(|other| other.api() == uri.api());
    Foreign::from(if same { short } else { &long })
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
    fn a_short_address_means_the_same_server() {
        let cases = [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("https://Tiled.Example:443/api/v1/metadata/a/b", "https://tiled.example"),
            ("https://tiled.example/deep/root/", "https://tiled.example/deep/root"),
            ("https://tiled.example/apis/v1x/", "https://tiled.example/apis/v1x/"),
            // Without its end this would be read as another address.
            ("https://tiled.example/api/x/api/v1/", "https://tiled.example/api/x/api/v1/"),
        ];
        for (text, short) in cases {
            let uri = address(text).unwrap();
            let shown = short_address(&uri);
            assert_eq!(shown.to_string(), short);
            assert_eq!(address(shown.raw()).unwrap().key(), uri.key(), "{text}");
            assert_eq!(address(&uri.key().site).unwrap().key(), uri.key(), "{text}");
        }
    }

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
