/// What a connection shows to be let in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// The access token of a session, which is renewed.
    Session,
    /// An API key, which is not.
    ApiKey,
    /// Nothing: the server lets everybody in, or the connection was signed out.
    Anonymous,
}
