use crate::error::{Error, Misuse, TransportFault, Trouble};
use crate::flow::contract::{Machine, Pending};
use crate::flow::retry::Attempts;
use crate::flow::{Event, Outcome, Step};
use crate::seed::Seed;
use crate::shotgun::{ShotgunSite, SiteInfo, info};
use crate::site::Url;
use crate::time::Now;
use crate::wire::{Request, Response};

/// How many redirects are followed.
const HOPS: u8 = 5;

/// Asks a site what it is and how one signs in to it. No credential is sent (spec: Shotgun, sections 2.11, 3).
///
/// A gateway without an answer and a connection that ends are asked again; a permanent redirect within the site's origin
/// is followed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Discover {
    site: ShotgunSite,
    seed: Seed,
    url: Url,
    hops: u8,
    attempts: Attempts,
    pending: Pending,
}

impl Discover {
    /// For the site at an address.
    pub fn new(site: ShotgunSite, seed: Seed) -> Self {
        let url = site.rpc();
        Self { site, seed, url, hops: 0, attempts: Attempts::default(), pending: Pending::default() }
    }

    fn send(&self) -> Step<SiteInfo> {
        Step::Send(Request { url: self.url.clone(), ..info::request(&self.site) })
    }

    fn answered(&mut self, response: &Response) -> Step<SiteInfo> {
        if let Some(url) = followed(&self.url, response).filter(|_| self.hops < HOPS) {
            self.hops += 1;
            self.url = url;
            return self.send();
        }
        Step::Done(info::read(&self.site, response).map(Outcome::clean))
    }
}

/// Where a request that is to be the same at another place of its origin goes (RFC 9110 section 15.4.9).
pub(super) fn followed(url: &Url, response: &Response) -> Option<Url> {
    let to = response.header("location").filter(|_| response.status() == 308)?;
    url.join(to).ok().filter(|to| to.origin() == url.origin() && to != url)
}

impl Machine for Discover {
    type Output = SiteInfo;

    fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    fn outstanding(&self) -> &Pending {
        &self.pending
    }

    fn advance(&mut self, now: Now, event: Event) -> Result<Step<SiteInfo>, Misuse> {
        if self.pending.is_send()
            && let Some(until) = self.attempts.again(now, &event, &self.seed)
        {
            return Ok(Step::Wait { until });
        }
        Ok(match event {
            Event::Cancel => Step::Done(Err(Error::Cancelled)),
            Event::Start => self.send(),
            Event::TimedOut if !self.pending.is_send() => self.send(),
            Event::Response(response) => self.answered(&response),
            Event::Unreachable { fault, .. } => Step::Done(Err(Trouble::Unreachable(fault).into())),
            _ => Step::Done(Err(Trouble::Unreachable(TransportFault::Timeout).into())),
        })
    }
}

#[cfg(test)]
#[path = "../../tests/shotgun_flow_discover.rs"]
mod tests;
