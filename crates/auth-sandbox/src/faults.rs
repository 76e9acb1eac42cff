//! What goes wrong on the way to a site and back, by plan: the same plan and the same requests give the same faults.

use core::time::Duration;

use auth_core::{Secret, Seed};
use serde_json::{Value, json};

use crate::message::{SiteRequest, SiteResponse};

/// One thing that goes wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Something in front of the site answers in its place; the site does not act.
    Status {
        /// The status, 429 or 503 for example.
        status: u16,
        /// The value of `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// The client is sent elsewhere; the site does not act.
    Redirect {
        /// The status, 301 to 308.
        status: u16,
        /// The value of `Location`.
        location: String,
    },
    /// This answer, whatever it may be; the site does not act. An empty content type is not sent.
    Instead {
        /// The status.
        status: u16,
        /// The value of `Content-Type`.
        content_type: String,
        /// The content.
        body: Secret,
    },
    /// A web page with the status 200, as captive portals send it; the site does not act.
    Page,
    /// So many bytes of JSON with the status 200; the site does not act.
    Huge(usize),
    /// The connection ends before the site acted.
    Drop,
    /// The site acts, and the connection ends before its answer.
    LostReply,
    /// The site acts, and its answer comes this much later.
    Delay(Duration),
    /// The site acts, and half of its answer's content comes.
    Malformed,
}

/// Which requests are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Which(Meant);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Meant {
    Any,
    Ending(String),
    Under(String),
    Calling(String),
}

impl Which {
    /// All of them.
    pub fn any() -> Self {
        Self(Meant::Any)
    }

    /// Those whose path ends so, like `/auth/session/refresh` or `/api/v1/`.
    pub fn ending(path: &str) -> Self {
        Self(Meant::Ending(path.to_owned()))
    }

    /// Those whose path has something more after this, like an id after `/app_session_request/`.
    pub fn under(path: &str) -> Self {
        Self(Meant::Under(path.to_owned()))
    }

    /// Those that call this method of a Shotgun-shaped site, like `info` or `read`.
    pub fn calling(method: &str) -> Self {
        Self(Meant::Calling(method.to_owned()))
    }

    fn is(&self, request: &SiteRequest) -> bool {
        match &self.0 {
            Meant::Any => true,
            Meant::Ending(end) => request.path().ends_with(end.as_str()),
            Meant::Under(path) => {
                request.path().split_once(path.as_str()).is_some_and(|(_, rest)| !rest.is_empty())
            }
            Meant::Calling(method) => serde_json::from_str::<Value>(request.body().expose())
                .is_ok_and(|body| body.get("method_name").and_then(Value::as_str) == Some(method)),
        }
    }
}

#[derive(Clone, Debug)]
enum When {
    /// From this one to that one, counted from 1, both included.
    Between(u32, u32),
    /// By lot: so many of a thousand, which one of the faults by lot too.
    Drawn(Seed, u16),
}

#[derive(Clone, Debug)]
struct Rule {
    which: Which,
    when: When,
    faults: Vec<Fault>,
    /// How many requests were meant so far.
    seen: u32,
}

/// A plan of faults. Of several that apply to one request, the one added first happens.
///
/// ```
/// use auth_sandbox::{Fault, Faults, Which};
/// let plan = Faults::none()
///     .nth(Which::ending("/auth/session/refresh"), 1, Fault::LostReply)
///     .first(Which::any(), 2, Fault::Status { status: 503, retry_after: Some(1) });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<Rule>);

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// It happens to the `n`-th request meant, counted from 1.
    #[must_use]
    pub fn nth(self, which: Which, n: u32, fault: Fault) -> Self {
        self.with(which, When::Between(n, n), vec![fault])
    }

    /// It happens to the first `n` requests meant.
    #[must_use]
    pub fn first(self, which: Which, n: u32, fault: Fault) -> Self {
        self.with(which, When::Between(1, n), vec![fault])
    }

    /// It happens to every request meant.
    #[must_use]
    pub fn always(self, which: Which, fault: Fault) -> Self {
        self.with(which, When::Between(1, u32::MAX), vec![fault])
    }

    /// One of these happens to so many of a thousand requests meant; which ones follows from the seed.
    #[must_use]
    pub fn drawn(self, which: Which, seed: Seed, per_mille: u16, faults: Vec<Fault>) -> Self {
        self.with(which, When::Drawn(seed, per_mille), faults)
    }

    fn with(mut self, which: Which, when: When, faults: Vec<Fault>) -> Self {
        self.0.push(Rule { which, when, faults, seen: 0 });
        self
    }

    /// What happens to this request. Every rule that means it counts it.
    pub(crate) fn next(&mut self, request: &SiteRequest) -> Option<Fault> {
        let meant = self.0.iter_mut().filter(|rule| rule.which.is(request));
        let mut struck = meant.map(Rule::next).collect::<Vec<_>>().into_iter();
        struck.find_map(|fault| fault)
    }
}

impl Rule {
    fn next(&mut self) -> Option<Fault> {
        self.seen = self.seen.saturating_add(1);
        match &self.when {
            When::Between(from, to) => {
                (*from..=*to).contains(&self.seen).then(|| self.faults.first().cloned()).flatten()
            }
            When::Drawn(seed, per_mille) => {
                let lot = seed.derive("fault", self.seen);
                let lot = lot.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
                let strikes = lot % 1_000 < u64::from(*per_mille);
                let at = usize::try_from(lot >> 32).unwrap_or(0) % self.faults.len().max(1);
                strikes.then(|| self.faults.get(at).cloned()).flatten()
            }
        }
    }
}

impl Fault {
    /// This JSON with this status.
    pub fn json(status: u16, body: impl Into<Secret>) -> Self {
        Self::Instead { status, content_type: "application/json".to_owned(), body: body.into() }
    }

    /// A refusal as a Shotgun-shaped site gives it, with this number.
    pub fn exception(code: i64, message: &str) -> Self {
        Self::json(200, json!({ "exception": true, "error_code": code, "message": message }).to_string())
    }

    /// The answer given in the site's place, if the site does not act.
    pub(crate) fn answer(&self) -> Option<SiteResponse> {
        Some(match self {
            Self::Status { status, retry_after } => {
                let response = SiteResponse::detail(*status, "SANDBOX: this fault was asked for");
                match retry_after {
                    None => response,
                    Some(seconds) => response.with_header("retry-after", seconds.to_string()),
                }
            }
            // A line break would end the header.
            Self::Redirect { status, location } => {
                SiteResponse::empty(*status).with_header("location", location.replace(['\r', '\n'], ""))
            }
            Self::Instead { status, content_type, body } => {
                let response = SiteResponse::empty(*status).with_body(body.clone());
                match content_type.replace(['\r', '\n'], "") {
                    unsaid if unsaid.is_empty() => response,
                    said => response.with_header("content-type", said),
                }
            }
            Self::Page => SiteResponse::text(
                200,
                "text/html; charset=utf-8",
                "<!DOCTYPE html><html><title>SANDBOX</title><p>Accept the terms to go online.</html>",
            ),
            Self::Huge(size) => {
                let filling = "x".repeat(size.saturating_sub(2));
                SiteResponse::text(200, "application/json", format!("\"{filling}\""))
            }
            Self::Drop | Self::LostReply | Self::Delay(_) | Self::Malformed => return None,
        })
    }
}

/// The first half of an answer's content: of JSON, never JSON.
pub(crate) fn malformed(response: SiteResponse) -> SiteResponse {
    let body = response.body().expose();
    let half = body.floor_char_boundary(body.len() / 2);
    let cut = body.get(..half).unwrap_or_default().into();
    response.with_body(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(plan: &mut Faults, paths: &[&str]) -> Vec<Option<Fault>> {
        paths.iter().map(|path| plan.next(&SiteRequest::new("GET", path))).collect()
    }

    #[test]
    fn an_explicit_fault_strikes_the_request_it_names() {
        let mut plan = Faults::none().nth(Which::ending("/b"), 2, Fault::Drop);
        assert_eq!(
            run(&mut plan, &["/a", "/b", "/a", "/b", "/b"]),
            [None, None, None, Some(Fault::Drop), None]
        );
        let mut plan = Faults::none().first(Which::any(), 2, Fault::LostReply);
        assert_eq!(
            run(&mut plan, &["/a", "/b", "/c"]),
            [Some(Fault::LostReply), Some(Fault::LostReply), None]
        );
        let mut plan = Faults::none().always(Which::ending("/a"), Fault::Page);
        assert_eq!(run(&mut plan, &["/a", "/b", "/a"]), [Some(Fault::Page), None, Some(Fault::Page)]);
    }

    #[test]
    fn of_two_faults_the_first_happens_and_both_count() {
        let mut plan =
            Faults::none().nth(Which::any(), 1, Fault::Drop).first(Which::ending("/a"), 2, Fault::Malformed);
        assert_eq!(run(&mut plan, &["/a", "/a", "/a"]), [Some(Fault::Drop), Some(Fault::Malformed), None]);
    }

    #[test]
    fn faults_by_lot_are_the_same_for_the_same_seed_and_as_many_as_asked_for() {
        let kinds = vec![Fault::Drop, Fault::LostReply];
        let drawn = |seed: u8, per_mille| {
            let mut plan =
                Faults::none().drawn(Which::any(), Seed::new([seed; 32]), per_mille, kinds.clone());
            run(&mut plan, &vec!["/a"; 2_000])
        };
        assert_eq!(drawn(1, 250), drawn(1, 250));
        assert_ne!(drawn(1, 250), drawn(2, 250));
        let struck = |faults: &[Option<Fault>], kind: Option<&Fault>| {
            faults.iter().flatten().filter(|fault| kind.is_none_or(|kind| kind == *fault)).count()
        };
        let some = drawn(1, 250);
        assert!((400..600).contains(&struck(&some, None)), "{}", struck(&some, None));
        assert!(kinds.iter().all(|kind| struck(&some, Some(kind)) > 150));
        assert_eq!(struck(&drawn(1, 0), None), 0);
        assert_eq!(struck(&drawn(1, 1_000), None), 2_000);
    }

    #[test]
    fn a_plan_without_kinds_does_nothing() {
        let mut plan = Faults::none().drawn(Which::any(), Seed::new([1; 32]), 1_000, Vec::new());
        assert_eq!(run(&mut plan, &["/a"]), [None]);
    }

    #[test]
    fn requests_are_meant_by_their_path_and_by_the_method_they_call() {
        let call = SiteRequest::new("POST", "/api3/json")
            .with_body(Secret::from(r#"{"method_name":"info","params":[]}"#));
        let poll = SiteRequest::new("PUT", "/internal_api/app_session_request/7");
        let ask = SiteRequest::new("POST", "/internal_api/app_session_request");
        let cases = [
            (Which::calling("info"), [true, false, false]),
            (Which::calling("read"), [false, false, false]),
            (Which::under("/app_session_request/"), [false, true, false]),
            (Which::ending("/app_session_request"), [false, false, true]),
        ];
        for (which, meant) in cases {
            assert_eq!([&call, &poll, &ask].map(|request| which.is(request)), meant, "{which:?}");
        }
    }

    #[test]
    fn an_answer_in_the_sites_place_is_what_was_asked_for() {
        let busy = Fault::Status { status: 429, retry_after: Some(7) }.answer().unwrap();
        assert_eq!((busy.status(), busy.header("retry-after")), (429, Some("7")));
        let away =
            Fault::Redirect { status: 307, location: "http://h/\r\nx: y".to_owned() }.answer().unwrap();
        assert_eq!((away.status(), away.header("location")), (307, Some("http://h/x: y")));
        let odd = Fault::Instead { status: 202, content_type: String::new(), body: Secret::from("x") };
        let odd = odd.answer().unwrap();
        assert_eq!((odd.status(), odd.header("content-type"), odd.body().expose()), (202, None, "x"));
        let refusal = Fault::exception(102, "no").answer().unwrap();
        assert_eq!(refusal.body().expose(), r#"{"error_code":102,"exception":true,"message":"no"}"#);
        assert_eq!(Fault::Huge(10_000_000).answer().unwrap().body().len(), 10_000_000);
        assert_eq!(Fault::Page.answer().unwrap().header("content-type"), Some("text/html; charset=utf-8"));
    }

    #[test]
    fn half_an_answer_is_not_json() {
        for whole in [r#"{"a":"ü"}"#, "null", "[]", "{}", ""] {
            let cut = malformed(SiteResponse::text(200, "application/json", whole));
            assert!(serde_json::from_str::<serde_json::Value>(cut.body().expose()).is_err(), "{whole}");
        }
    }
}
