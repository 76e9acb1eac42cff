//! The data a site serves: one empty container, enough for a client to open.

use auth_core::time::Timestamp;
use serde_json::{Value, json};

use super::access::caller;
use super::{TiledSite, base};
use crate::message::{SiteRequest, SiteResponse};

impl TiledSite {
    /// The description of a node: of the root, there is no other.
    pub(super) fn metadata(&self, now: Timestamp, request: &SiteRequest, node: &str) -> SiteResponse {
        if let Err(refusal) = self.may_read(now, request, node) {
            return refusal;
        }
        let api = base::api(&self.config, request);
        let root = json!({
            "id": "",
            "attributes": {
                "ancestors": [],
                "structure_family": "container",
                "specs": [],
                "metadata": { "SANDBOX": true },
                "structure": { "contents": null, "count": 0 },
                "access_tags": null,
                "sorting": [{ "key": "_", "direction": 1 }],
                "data_sources": null,
            },
            "links": {
                "self": format!("{api}/metadata/"),
                "search": format!("{api}/search/"),
                "search_deep": format!("{api}/search-deep/"),
                "full": format!("{api}/container/full/"),
            },
            "meta": null,
        });
        SiteResponse::json(200, &json!({ "data": root, "error": null, "links": null, "meta": {} }))
    }

    /// What is in a node: nothing.
    pub(super) fn search(&self, now: Timestamp, request: &SiteRequest, node: &str) -> SiteResponse {
        if let Err(refusal) = self.may_read(now, request, node) {
            return refusal;
        }
        let page = format!("{}/search/?page[limit]=100", base::api(&self.config, request));
        let links = json!({ "self": page, "first": page, "next": null });
        SiteResponse::json(200, &json!({ "data": [], "error": null, "links": links, "meta": { "count": 0 } }))
    }

    /// What nobody here may read.
    pub(super) fn principals(&self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        let caller = match caller(self, now, request) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        caller
            .lacks("read:principals", self, request)
            .unwrap_or_else(|| SiteResponse::json(200, &Value::Array(Vec::new())))
    }

    fn may_read(&self, now: Timestamp, request: &SiteRequest, node: &str) -> Result<(), SiteResponse> {
        caller(self, now, request)?.lacks("read:metadata", self, request).map_or(Ok(()), Err)?;
        let parts: Vec<_> = node.split('/').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let parts: Vec<_> = parts.iter().map(|part| format!("'{part}'")).collect();
        Err(SiteResponse::detail(404, format!("No such entry: [{}]", parts.join(", "))))
    }
}
