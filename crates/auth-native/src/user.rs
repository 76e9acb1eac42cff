use auth_core::Foreign;
use auth_core::session::Identity;
use auth_core::tiled::Principal;

/// Who is signed in, by the server's own word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    principal: Principal,
}

impl From<Principal> for User {
    fn from(principal: Principal) -> Self {
        Self { principal }
    }
}

impl User {
    /// The name signed in with; for a service, which has none, the account's own name.
    pub fn name(&self) -> &Foreign {
        self.identity().map_or(&self.principal.uuid, |identity| &identity.id)
    }

    /// Who vouches for the name.
    pub fn provider(&self) -> Option<&Foreign> {
        self.identity().map(|identity| &identity.provider)
    }

    /// Everything the server said of the account.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    fn identity(&self) -> Option<&Identity> {
        self.principal.identities.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_a_name_and_a_service_its_account() {
        let alice = Identity { id: "alice".into(), provider: "toy".into() };
        let principal = Principal { uuid: "9f0a".into(), identities: vec![alice], ..Principal::default() };
        let person = User::from(principal.clone());
        assert_eq!((person.name(), person.provider()), (&"alice".into(), Some(&"toy".into())));
        let service = User::from(Principal { identities: Vec::new(), ..principal });
        assert_eq!((service.name(), service.provider()), (&"9f0a".into(), None));
    }
}
