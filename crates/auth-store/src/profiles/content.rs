use std::collections::BTreeMap;

use auth_core::{Foreign, Secret};
use serde_yaml::Value;

use super::bounds;

/// A name for a server, and how one signs in there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The server's address. It may carry an API key.
    pub uri: Secret,
    /// Who signs in, in files of old.
    pub username: Option<Foreign>,
    /// With which provider, in files of old.
    pub provider: Option<Foreign>,
    /// What else it says, by name: of no use here. Certificates are verified whatever it says.
    pub ignored: Vec<Foreign>,
    pub(super) is_direct: bool,
}

/// Reads the profiles of a file. What is wrong with one is wrong with the file.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Profile>, String> {
    bounds::check(text)?;
    // What the parser says may show what stands in the file.
    let value: Value = serde_yaml::from_str(text).map_err(|error| match error.location() {
        Some(place) => format!("line {} is not YAML", place.line()),
        None => "it is not YAML".to_owned(),
    })?;
    let Value::Mapping(entries) = value else {
        return match value {
            Value::Null => Ok(BTreeMap::new()),
            _ => Err("it is no mapping from names to profiles".to_owned()),
        };
    };
    let named = |(name, profile): (Value, Value)| {
        let name = name.as_str().ok_or("a profile's name is no text")?.to_owned();
        let profile = profile_of(&profile).map_err(|why| format!("the profile {name:?} {why}"))?;
        Ok((name, profile))
    };
    entries.into_iter().map(named).collect()
}

fn profile_of(value: &Value) -> Result<Profile, String> {
    let Value::Mapping(members) = value else { return Err("is no mapping".to_owned()) };
    let mut profile = Profile {
        uri: Secret::default(),
        username: None,
        provider: None,
        ignored: Vec::new(),
        is_direct: false,
    };
    for (name, value) in members {
        let name = name.as_str().ok_or("has a member whose name is no text")?;
        let text = || value.as_str().ok_or_else(|| format!("has a {name} that is no text"));
        match name {
            "uri" => profile.uri = Secret::from(text()?),
            "username" => profile.username = Some(Foreign::from(text()?)),
            "auth_provider" => profile.provider = Some(Foreign::from(text()?)),
            "direct" => profile.is_direct = true,
            _ => profile.ignored.push(Foreign::from(name)),
        }
    }
    match (profile.uri.is_empty(), profile.is_direct) {
        (true, false) => Err("has neither uri nor direct".to_owned()),
        (false, true) => Err("has both uri and direct".to_owned()),
        _ => Ok(profile),
    }
}
