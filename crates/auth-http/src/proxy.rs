//! Which proxy requests go through.

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::Unreachable;
use auth_core::shotgun::Proxy;
use auth_core::site::{Origin, Scheme, Url};
use auth_core::wire::{Request, Response};

/// Which proxy requests go through.
///
/// ```
/// use auth_core::shotgun::Proxy;
/// use auth_http::ProxyChoice;
/// let setting = Proxy::read("proxy.studio.example:3128")?;
/// assert!(matches!(ProxyChoice::from(setting), ProxyChoice::Through(_)));
/// assert_eq!(ProxyChoice::from(Proxy::read("")?), ProxyChoice::Direct);
/// # Ok::<(), auth_core::shotgun::ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum ProxyChoice {
    /// The one that the environment names, if it names one.
    #[default]
    Environment,
    /// None, whatever the environment names.
    Direct,
    /// This one, whatever the environment names. This machine itself is reached through it only if the proxy is on this
    /// machine too (N4).
    Through(Proxy),
}

impl From<Option<Proxy>> for ProxyChoice {
    fn from(proxy: Option<Proxy>) -> Self {
        proxy.map_or(Self::Direct, Self::Through)
    }
}

impl ProxyChoice {
    /// The one to go through to this origin.
    pub(crate) fn of(&self, is_here: bool) -> Chosen<'_> {
        match self {
            Self::Environment if !is_here => Chosen::Environment,
            Self::Through(proxy) if !is_here || is_local(proxy) => Chosen::This(proxy),
            _ => Chosen::None,
        }
    }
}

/// An answer to a request in clear, unless it is a proxy that wants to know who asks: only a proxy answers so, and the
/// server has not been reached (RFC 9110 section 15.5.8). One that makes a tunnel says so when it is to make it.
pub(crate) fn let_in(request: &Request, response: Response) -> Result<Response, Unreachable> {
    if request.url.origin().scheme() == Scheme::Http && response.status() == 407 {
        return Err(Unreachable { fault: TransportFault::Proxy, sent: Sent::No });
    }
    Ok(response)
}

/// What was chosen, for one server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chosen<'a> {
    Environment,
    None,
    This(&'a Proxy),
}

fn is_local(proxy: &Proxy) -> bool {
    let origin = format!("http://{}:{}/", proxy.host, proxy.port).parse::<Url>();
    origin.as_ref().map(Url::origin).is_ok_and(Origin::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_through_a_proxy_on_it_alone_n4() {
        let through = |text| ProxyChoice::from(Proxy::read(text).unwrap());
        let cases = [
            (ProxyChoice::Environment, false, "Environment"),
            (ProxyChoice::Environment, true, "None"),
            (ProxyChoice::Direct, false, "None"),
            (ProxyChoice::Direct, true, "None"),
            (through("proxy.example"), false, "This(Proxy(proxy.example:8080))"),
            (through("proxy.example"), true, "None"),
            (through("a:b@127.0.0.1:1"), true, "This(Proxy(***@127.0.0.1:1))"),
            (through("localhost:1"), true, "This(Proxy(localhost:1))"),
            (through("[::1]:1"), true, "This(Proxy([::1]:1))"),
            (through("[::1]:1"), false, "This(Proxy([::1]:1))"),
        ];
        for (choice, is_here, expected) in cases {
            assert_eq!(format!("{:?}", choice.of(is_here)), expected, "{choice:?} {is_here}");
        }
    }
}
