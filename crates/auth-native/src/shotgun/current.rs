use std::sync::{Arc, PoisonError, RwLock};

use super::User;

/// The user of a whole program, for those parts of it that nobody hands a user to (`get_authenticated_user` and
/// `set_authenticated_user`; spec: Shotgun, section 25).
///
/// It is no global: a program makes one and gives it to its parts. All clones are one.
///
/// ```
/// use auth_native::Secret;
/// use auth_native::shotgun::{CurrentUser, ScriptUser, User};
///
/// let current = CurrentUser::default();
/// let elsewhere = current.clone();
/// let key = Secret::from("a key");
/// current.set(Some(User::Script(ScriptUser::new("studio.example".parse()?, "robot", key))));
/// assert_eq!(elsewhere.get().unwrap().to_string(), "robot");
/// # Ok::<(), auth_native::UrlError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CurrentUser(Arc<RwLock<Option<User>>>);

impl CurrentUser {
    /// The user; `None` if none was set.
    pub fn get(&self) -> Option<User> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the user, or that there is none, and gives the one before.
    pub fn set(&self, user: Option<User>) -> Option<User> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), user)
    }
}
