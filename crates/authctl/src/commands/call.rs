//! Calling a method of a Shotgun site.

use std::io::Read as _;

use auth_native::Secret;
use auth_native::shotgun::{LoginOptions, ScriptUser, ShotgunSite, User};
use serde_json::Value;

use crate::client::Client;
use crate::exit::Exit;
use crate::kind::Kind;
use crate::output;
use crate::plan::{Arguments, Call};
use crate::report::{Doing, Failure};
use crate::script::Script;

pub(crate) fn run(plan: Call) -> Result<Exit, Failure> {
    let Call { site, method, arguments, script, never_ask, allow_http } = plan;
    let arguments = read(arguments)?;
    let client = Client::new()?;
    let site = match Kind::of(&site, &client.known()?, None) {
        Kind::Shotgun(site) | Kind::Unknown(Some(site)) => site,
        Kind::Tiled | Kind::Unknown(None) => return Err(no_methods()),
    };
    let studio = client.studio(never_ask, allow_http)?;
    let doing = if script.is_some() { Doing::AsScript } else { Doing::Calling };
    let failed = |error| client.failure(&error, &site.to_string(), doing);
    let user = if let Some(script) = script {
        User::Script(of_script(&client, &site, script, never_ask)?)
    } else {
        let options = LoginOptions { reuse: true, allow_http, ..LoginOptions::default() };
        let signed_in = studio.login(&site, options).map_err(failed)?;
        signed_in.warnings.iter().for_each(|warning| output::warning(warning));
        signed_in.value
    };
    let connection = studio.connect(user);
    let result = connection.call(&method, arguments.as_ref());
    connection.warnings().iter().for_each(|warning| output::warning(warning));
    output::object(&result.map_err(failed)?)?;
    Ok(Exit::OK)
}

/// The script, whose key is asked for if it comes from nowhere else.
fn of_script(
    client: &Client,
    site: &ShotgunSite,
    script: Script,
    never_ask: bool,
) -> Result<ScriptUser, Failure> {
    let key = match script.key.read()? {
        Some(key) => key,
        None => asked(client, site, &script, never_ask)?,
    };
    let user = ScriptUser::new(site.clone(), script.name, key);
    Ok(match script.sudo {
        Some(login) => user.sudo_as_login(login),
        None => user,
    })
}

fn asked(client: &Client, site: &ShotgunSite, script: &Script, never_ask: bool) -> Result<Secret, Failure> {
    if never_ask {
        return Err(Failure::usage(
            "the script's key is given nowhere",
            "Use --script-key-file FILE or --script-key-fd N, or set AUTHCTL_SCRIPT_KEY.",
        ));
    }
    client.ask_key(site, &script.name)
}

fn read(arguments: Arguments) -> Result<Option<Value>, Failure> {
    let text = match arguments {
        Arguments::None => return Ok(None),
        Arguments::Typed(text) => text,
        Arguments::Stdin => {
            let mut text = String::new();
            let read = std::io::stdin().lock().read_to_string(&mut text);
            read.map_err(|error| not_json(&error.to_string()))?;
            text
        }
    };
    serde_json::from_str(&text).map(Some).map_err(|error| not_json(&error.to_string()))
}

fn not_json(why: &str) -> Failure {
    Failure::usage(
        &format!("the arguments are not JSON: {why}"),
        "Write them as JSON, like '{\"type\": \"HumanUser\"}', or - to read them from standard input.",
    )
}

fn no_methods() -> Failure {
    Failure::usage(
        "methods are called on Shotgun sites, and this is a Tiled server",
        "Name a Shotgun site; for a Tiled server `authctl token` gives a token to use with curl.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_any_json_or_none() {
        assert_eq!(read(Arguments::None), Ok(None));
        assert_eq!(read(Arguments::Typed("{\"a\": [1]}".into())), Ok(Some(json!({ "a": [1] }))));
        let failure = read(Arguments::Typed("{a}".into())).unwrap_err();
        assert!(failure.message.starts_with("the arguments are not JSON: "), "{failure:?}");
    }
}
