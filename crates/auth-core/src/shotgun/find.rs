//! Finding one entity of a site, as signing in needs it (spec: Shotgun, section 2.13).

use serde_json::{Value, json};

use super::SiteInfo;
use crate::secret::Secret;
use crate::wire::json::{Json, NotJson};

/// The method that is called.
pub const READ: &str = "read";

/// The first version that can be told to leave URLs of pictures in an answer.
const PICTURES: [u32; 3] = [3, 3, 0];
/// The first version that can leave out how many entities there are.
const NO_COUNTS: [u32; 3] = [7, 4, 0];

/// The arguments of [`READ`] that find the first entity of a kind whose fields have these values.
///
/// ```
/// use auth_core::shotgun::find;
/// # use auth_core::shotgun::{AuthenticationKind, SiteInfo};
/// # let info = SiteInfo {
/// #     version: [8, 60, 0],
/// #     authentication: AuthenticationKind::Default,
/// #     unified_login: false,
/// #     app_session: false,
/// #     page: 500,
/// # };
/// let args = find::args(&info, "HumanUser", &[("login", "ada")], &["id", "login"]);
/// assert!(args.expose().contains(r#""path":"login","relation":"is","values":["ada"]"#));
/// ```
pub fn args(info: &SiteInfo, kind: &str, filters: &[(&str, &str)], fields: &[&str]) -> Secret {
    let conditions: Vec<Value> = filters
        .iter()
        .map(|(path, value)| json!({ "path": path, "relation": "is", "values": [value] }))
        .collect();
    let mut args = json!({
        "type": kind,
        "return_fields": fields,
        "filters": { "logical_operator": "and", "conditions": conditions },
        "return_only": "active",
        "paging": { "entities_per_page": 1, "current_page": 1 },
    });
    if info.version >= PICTURES {
        args["api_return_image_urls"] = Value::Bool(true);
    }
    let counts =
        if info.version >= NO_COUNTS { "return_paging_info_without_counts" } else { "return_paging_info" };
    args[counts] = Value::Bool(false);
    Secret::from(args.to_string())
}

/// The entity in the results of [`READ`]; `None` if nothing was found.
pub fn first(results: &Secret) -> Result<Option<Value>, NotJson> {
    let json = Json::read(results)?;
    Ok(json.value().get("entities").and_then(|entities| entities.get(0)).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shotgun::AuthenticationKind;

    fn info(version: [u32; 3]) -> SiteInfo {
        SiteInfo {
            version,
            authentication: AuthenticationKind::Default,
            unified_login: false,
            app_session: false,
            page: 500,
        }
    }

    #[test]
    fn what_is_asked_for_depends_on_the_version() {
        let cases = [
            ([3, 2, 9], None, "return_paging_info"),
            ([3, 3, 0], Some(&Value::Bool(true)), "return_paging_info"),
            ([7, 3, 9], Some(&Value::Bool(true)), "return_paging_info"),
            ([7, 4, 0], Some(&Value::Bool(true)), "return_paging_info_without_counts"),
        ];
        for (version, pictures, counts) in cases {
            let args: Value =
                serde_json::from_str(args(&info(version), "ApiUser", &[], &["id"]).expose()).unwrap();
            assert_eq!(args.get("api_return_image_urls"), pictures, "{version:?}");
            assert_eq!(args[counts], Value::Bool(false), "{version:?}");
            let members = 6 + usize::from(pictures.is_some());
            assert_eq!(args.as_object().unwrap().len(), members, "{version:?}");
        }
    }

    #[test]
    fn the_first_entity_is_taken() {
        let first = |text: &str| super::first(&Secret::from(text));
        assert_eq!(first(r#"{"entities":[{"id":1},{"id":2}]}"#), Ok(Some(json!({ "id": 1 }))));
        for nothing in [r#"{"entities":[]}"#, "{}", "null", "7", r#"{"entities":7}"#] {
            assert_eq!(first(nothing), Ok(None), "{nothing}");
        }
        assert_eq!(first("<html>"), Err(NotJson));
    }
}
