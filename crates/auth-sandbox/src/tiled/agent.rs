//! The Python client's version, which the server asks for (spec: Tiled, section 16).

use crate::message::{SiteRequest, SiteResponse};

/// A version of the form `1.2.3`, perhaps `a4`, `b4` or `rc4`, perhaps `.dev5` (PEP 440; the rest of it is not read).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Version {
    release: [u64; 4],
    /// Alpha 0, beta 1, candidate 2, final 3.
    stage: u8,
    number: u64,
}

/// What 0.2.20 asks for: 0.1.0a104.
const OLDEST: Version = Version { release: [0, 1, 0, 0], stage: 0, number: 104 };
/// From 0.1.0b17 on, the client knows the mode `internal`.
const KNOWS_INTERNAL: Version = Version { release: [0, 1, 0, 0], stage: 1, number: 17 };

fn version(request: &SiteRequest) -> Option<(&str, Version, bool)> {
    let text = request.header("user-agent")?.strip_prefix("python-tiled/")?;
    let (version, dev) = parse(text)?;
    Some((text, version, dev))
}

fn parse(text: &str) -> Option<(Version, bool)> {
    let (public, _local) = text.trim().split_once('+').unwrap_or((text.trim(), ""));
    let (public, dev) = match public.split_once(".dev") {
        None => (public, false),
        Some((public, number)) => {
            let _: u64 = number.parse().ok()?;
            (public, true)
        }
    };
    let end = public.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(public.len());
    let (release, pre) = public.split_at(end);
    let mut numbers = [0; 4];
    let mut parts = release.split('.');
    for (slot, part) in numbers.iter_mut().zip(parts.by_ref()) {
        *slot = part.parse().ok()?;
    }
    if parts.next().is_some() {
        return None;
    }
    let stages = [("a", 0), ("b", 1), ("rc", 2)];
    let found = stages.iter().find_map(|(name, stage)| Some((*stage, pre.strip_prefix(name)?)));
    let (stage, number) = match found {
        Some((stage, number)) => (stage, number.parse().ok()?),
        None if pre.is_empty() => (3, 0),
        None => return None,
    };
    Some((Version { release: numbers, stage, number }, dev))
}

/// The answer to a Python client that is too old.
pub(super) fn refusal(request: &SiteRequest) -> Option<SiteResponse> {
    let (text, version, dev) = version(request)?;
    (!dev && version < OLDEST).then(|| {
        let detail = format!(
            "Python Tiled client reports version {text}. Version 0.1.0a104 or higher is needed to communicate with \
             this Tiled server."
        );
        SiteResponse::detail(400, detail)
    })
}

/// True for a Python client that knows the mode `internal` by its old name only.
pub(super) fn says_password(request: &SiteRequest) -> bool {
    version(request).is_some_and(|(_, version, _)| version < KNOWS_INTERNAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_python_clients_are_refused_and_others_not_asked() {
        let cases = [
            ("python-tiled/0.1.0a103", true, true),
            ("python-tiled/0.1.0a104", false, true),
            ("python-tiled/0.1.0b16", false, true),
            ("python-tiled/0.1.0b17", false, false),
            ("python-tiled/0.1.0rc1", false, false),
            ("python-tiled/0.0.9", true, true),
            ("python-tiled/0.1.0a5.dev3", false, true),
            ("python-tiled/0.2.20", false, false),
            ("python-tiled/0.2.20+local", false, false),
            ("python-tiled/1", false, false),
            ("python-tiled/", false, false),
            ("python-tiled/new", false, false),
            ("python-tiled/99999999999999999999.1", false, false),
            ("python-tiled/0.1.0a104b", false, false),
            ("Mozilla/5.0", false, false),
        ];
        for (agent, refused, old_name) in cases {
            let request = SiteRequest::new("GET", "/").with_header("User-Agent", agent);
            assert_eq!(refusal(&request).is_some_and(|r| r.status() == 400), refused, "{agent}");
            assert_eq!(says_password(&request), old_name, "{agent}");
        }
        assert!(refusal(&SiteRequest::new("GET", "/")).is_none());
    }
}
