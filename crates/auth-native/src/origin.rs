use auth_core::site::{Origin, Url};

/// True if an address is at an origin: the same scheme, host and port (N3).
pub(crate) fn is_at(origin: &Origin, address: &str) -> bool {
    address.parse::<Url>().is_ok_and(|url| url.origin() == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_n3() {
        let url: Url = "https://tiled.example:8443/api/v1/".parse().unwrap();
        let cases = [
            ("https://tiled.example:8443/elsewhere?x=1", true),
            ("https://TILED.example:8443/", true),
            ("http://tiled.example:8443/api/v1/", false),
            ("https://tiled.example/api/v1/", false),
            ("https://data.tiled.example:8443/", false),
            ("https://tiled.example.evil:8443/", false),
            ("https://tiled.example:8443@evil.example/", false),
            ("/api/v1/", false),
            ("", false),
        ];
        for (address, same) in cases {
            assert_eq!(is_at(url.origin(), address), same, "{address}");
        }
    }
}
