//! The password grant (RFC 6749 section 4.3). RFC 9700 section 2.4 advises against it: it is used where a server
//! offers nothing else.

use crate::secret::Secret;
use crate::site::Url;
use crate::wire::{Body, Request, form};

/// Asks for tokens with a name and a password, which go in the body and nowhere else.
pub fn request(endpoint: Url, username: &str, password: &Secret) -> Request {
    let fields = [("grant_type", "password"), ("username", username), ("password", password.expose())];
    Request::token(endpoint, Body::Form(form::encode(&fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_exactly_the_three_fields() {
        let request = request("http://127.0.0.1/token".parse().unwrap(), "al ice", &Secret::from("p&w=é"));
        assert_eq!(
            request.content().map(Secret::expose),
            Some("grant_type=password&username=al+ice&password=p%26w%3D%C3%A9")
        );
        assert_eq!(request.authorization, None);
    }
}
