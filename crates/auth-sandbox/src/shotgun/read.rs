//! Reading who there is, as far as signing in needs it (spec: Shotgun, section 2.13).

use serde_json::{Map, Value, json};

use super::config::ShotgunConfig;
use super::rpc::Exception;

/// Entities on a page if the client does not say.
const PAGE: u64 = 500;

pub(super) fn read(config: &ShotgunConfig, args: &Value) -> Result<Value, Exception> {
    let kind = args.get("type").and_then(Value::as_str).unwrap_or_default();
    let all = match kind {
        "HumanUser" => people(config),
        "ApiUser" => scripts(config),
        _ => return Err(Exception::other("there is no such type of entity")),
    };
    let found = all.iter().map(|entity| Ok(matches(entity, args.get("filters"))?.then_some(entity)));
    let found: Vec<&Value> = found.collect::<Result<Vec<_>, Exception>>()?.into_iter().flatten().collect();
    let number = |name| args.get("paging").and_then(|paging| paging.get(name)).and_then(Value::as_u64);
    let (size, page) = (number("entities_per_page").unwrap_or(PAGE), number("current_page").unwrap_or(1));
    let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let before = whole(size).saturating_mul(whole(page).saturating_sub(1));
    let shown = found.iter().skip(before).take(whole(size));
    let entities = shown.map(|entity| only(entity, kind, args.get("return_fields")));
    let entities = entities.collect::<Result<Vec<_>, _>>()?;
    let last = before.saturating_add(entities.len());
    Ok(json!({
        "entities": entities,
        "paging_info": {
            "current_page": page,
            "entities_per_page": size,
            "entity_count": found.len(),
            "has_next_page": last < found.len(),
        },
    }))
}

fn people(config: &ShotgunConfig) -> Vec<Value> {
    let people = config.people.iter().zip(1_u64..);
    let entity = |(person, id): (&super::Person, u64)| {
        let status = if person.disabled { "dis" } else { "act" };
        json!({
            "type": "HumanUser",
            "id": id,
            "login": person.login,
            "name": person.login,
            "sg_status_list": status,
        })
    };
    people.map(entity).collect()
}

fn scripts(config: &ShotgunConfig) -> Vec<Value> {
    let scripts = config.scripts.iter().zip(1_u64..);
    let entity = |(script, id): (&super::Script, u64)| {
        json!({
            "type": "ApiUser",
            "id": id,
            "firstname": script.name,
            "name": script.name,
            "sg_status_list": "act",
        })
    };
    scripts.map(entity).collect()
}

/// True if the filters let an entity through.
fn matches(entity: &Value, filters: Option<&Value>) -> Result<bool, Exception> {
    let Some(filters) = filters else { return Ok(true) };
    let conditions = filters.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let met = conditions.iter().map(|condition| is_met(entity, condition)).collect::<Result<Vec<_>, _>>()?;
    Ok(match filters.get("logical_operator").and_then(Value::as_str) {
        Some("or") => met.contains(&true),
        _ => !met.contains(&false),
    })
}

fn is_met(entity: &Value, condition: &Value) -> Result<bool, Exception> {
    let path = condition.get("path").and_then(Value::as_str).unwrap_or_default();
    let value = entity.get(path).ok_or_else(|| Exception::other("there is no such field to filter by"))?;
    if condition.get("relation").and_then(Value::as_str) != Some("is") {
        return Err(Exception::other("fields are compared with `is` only"));
    }
    Ok(condition.get("values").and_then(Value::as_array).is_some_and(|values| values.contains(value)))
}

/// An entity with what was asked for; its type and id always.
fn only(entity: &Value, kind: &str, fields: Option<&Value>) -> Result<Value, Exception> {
    let fields = fields.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut kept = Map::from_iter([
        ("type".to_owned(), Value::from(kind)),
        ("id".to_owned(), entity.get("id").cloned().unwrap_or_default()),
    ]);
    for field in fields {
        let field = field.as_str().unwrap_or_default();
        let value = entity.get(field).ok_or_else(|| Exception::other("there is no such field to return"))?;
        kept.insert(field.to_owned(), value.clone());
    }
    Ok(Value::Object(kept))
}
