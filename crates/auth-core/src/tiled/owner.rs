use super::hints::session_name;
use crate::session::{Facts, Session};

/// Whether two sessions of a site are known to belong to the same user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// The same session, or another session of the same user.
    Same,
    /// Sessions of two users.
    Another,
    /// Nothing known of them is comparable.
    Unknown,
}

impl Owner {
    /// Compares the session that the refresh tokens name (`sid`), then the principals, then the identities.
    pub fn compare(one: &Session, other: &Session) -> Self {
        let name = |session: &Session| session.tokens.refresh.as_ref().and_then(session_name);
        let refresh = |session: &Session| session.tokens.refresh.clone();
        let is_same = |same| if same { Self::Same } else { Self::Another };
        if refresh(one).is_some() && refresh(one) == refresh(other) {
            return Self::Same;
        }
        if name(one).is_some() && name(one) == name(other) {
            return Self::Same;
        }
        match (&one.facts, &other.facts) {
            (Facts { principal: Some(one), .. }, Facts { principal: Some(other), .. }) => {
                is_same(one == other)
            }
            (Facts { identity: Some(one), .. }, Facts { identity: Some(other), .. }) => is_same(one == other),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::secret::Secret;
    use crate::session::{Identity, Tokens};

    fn session(refresh: &str, principal: Option<&str>, identity: Option<&str>) -> Session {
        let identity = identity.map(|id| Identity { id: id.into(), provider: "toy".into() });
        Session {
            tokens: Tokens { refresh: Some(Secret::from(refresh)), ..Tokens::default() },
            facts: Facts { principal: principal.map(Into::into), identity, ..Facts::default() },
            ..Session::default()
        }
    }

    #[test]
    fn owners_are_compared_by_session_then_principal_then_identity_h15() {
        let of = |sid: &str, salt: &str| {
            let claims = format!(r#"{{"sid":"{sid}","salt":"{salt}"}}"#);
            format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
        };
        let cases = [
            (session("r1", None, None), session("r1", Some("p"), None), Owner::Same),
            (session("r1", Some("p"), None), session("r2", Some("p"), Some("x")), Owner::Same),
            (session("r1", Some("p"), None), session("r2", Some("q"), None), Owner::Another),
            (session("r1", Some("p"), Some("x")), session("r2", None, Some("x")), Owner::Same),
            (session("r1", None, Some("x")), session("r2", None, Some("y")), Owner::Another),
            (session("r1", None, None), session("r2", None, None), Owner::Unknown),
            (session("r1", Some("p"), None), session("r2", None, Some("y")), Owner::Unknown),
            (session(&of("s", "1"), None, None), session(&of("s", "2"), None, None), Owner::Same),
            (session(&of("s", "1"), None, None), session(&of("t", "2"), None, None), Owner::Unknown),
        ];
        for (one, other, owner) in cases {
            assert_eq!(Owner::compare(&one, &other), owner, "{one:?} {other:?}");
            assert_eq!(Owner::compare(&other, &one), owner, "{other:?} {one:?}");
        }
        assert_eq!(Owner::compare(&Session::default(), &Session::default()), Owner::Unknown);
    }
}
