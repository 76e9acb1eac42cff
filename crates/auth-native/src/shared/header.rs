use auth_core::wire::Authorization;
use http::header::HeaderValue;

/// The header of what was shown last: it is made once for each token, and not for each request.
#[derive(Default)]
pub(super) struct Header(Option<(Authorization, HeaderValue)>);

impl Header {
    /// The header of this; a token that no header can hold was never taken for one.
    pub(super) fn of(&mut self, shown: &Authorization) -> Option<HeaderValue> {
        if let Some((of, value)) = &self.0
            && of == shown
        {
            return Some(value.clone());
        }
        let mut value = HeaderValue::from_str(shown.header().expose()).ok()?;
        value.set_sensitive(true);
        self.0 = Some((shown.clone(), value.clone()));
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Secret;

    use super::*;

    #[test]
    fn each_credential_has_its_own_header_which_is_not_shown_s1() {
        let mut header = Header::default();
        let [first, second] = ["first token", "second token"].map(canary::plant);
        let bearer = |token: &str| Authorization::Bearer(Secret::from(token));
        for (shown, expected) in [
            (bearer(&first), format!("Bearer {first}")),
            (bearer(&first), format!("Bearer {first}")),
            (bearer(&second), format!("Bearer {second}")),
            (Authorization::ApiKey(Secret::from(second.as_str())), format!("Apikey {second}")),
        ] {
            let value = header.of(&shown).unwrap();
            assert_eq!(value.to_str().unwrap(), expected);
            canary::assert_silent(format!("{value:?}"));
        }
        assert_eq!(header.of(&bearer("no\nheader")), None);
    }
}
