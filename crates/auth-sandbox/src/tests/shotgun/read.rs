use super::*;

fn read(rig: &mut Rig, args: &Value) -> Value {
    rig.call("read", &json!([ada(), args]))
}

fn is(path: &str, value: &str) -> Value {
    json!({ "path": path, "relation": "is", "values": [value] })
}

#[test]
fn somebody_is_found_by_login_as_shotguns_own_client_asks() {
    let mut rig = Rig::new();
    let mut args = json!({
        "type": "HumanUser",
        "return_fields": ["id", "login"],
        "filters": {
            "logical_operator": "and",
            "conditions": [is("sg_status_list", "act"), is("login", "grace")],
        },
        "return_only": "active",
        "paging": { "entities_per_page": 1, "current_page": 1 },
        "api_return_image_urls": true,
        "return_paging_info_without_counts": false,
    });
    let found = read(&mut rig, &args);
    assert_eq!(found["results"]["entities"], json!([{ "type": "HumanUser", "id": 2, "login": "grace" }]));
    args["filters"]["conditions"] = json!([is("sg_status_list", "act"), is("login", "alan")]);
    assert_eq!(read(&mut rig, &args)["results"]["entities"], json!([]));
    let script = json!({ "type": "ApiUser", "filters": { "conditions": [is("firstname", "robot")] } });
    assert_eq!(read(&mut rig, &script)["results"]["entities"], json!([{ "type": "ApiUser", "id": 1 }]));
}

#[test]
fn many_are_read_page_by_page() {
    let mut rig = Rig::new();
    let mut page = |size: u64, page: u64| {
        let paging = json!({ "entities_per_page": size, "current_page": page });
        let results = &read(&mut rig, &json!({ "type": "HumanUser", "paging": paging }))["results"];
        let ids = results["entities"].as_array().unwrap().iter().map(|e| e["id"].as_u64().unwrap());
        let info = &results["paging_info"];
        assert_eq!(info["entity_count"], 3);
        (ids.collect::<Vec<_>>(), info["has_next_page"].as_bool().unwrap())
    };
    assert_eq!(page(2, 1), (vec![1, 2], true));
    assert_eq!(page(2, 2), (vec![3], false));
    assert_eq!(page(2, u64::MAX), (vec![], false));
    assert_eq!(page(500, 0), (vec![1, 2, 3], false));
}

#[test]
fn what_there_is_not_is_refused() {
    let mut rig = Rig::new();
    let human = |filter: Value| json!({ "type": "HumanUser", "filters": { "conditions": [filter] } });
    let greater = json!({ "path": "id", "relation": "greater_than", "values": [1] });
    let cases = [
        json!({ "type": "Shot" }),
        json!(null),
        json!({ "type": "HumanUser", "return_fields": ["password"] }),
        human(is("shoe_size", "9")),
        human(greater),
    ];
    for args in cases {
        assert_eq!(read(&mut rig, &args)["error_code"], 104, "{args}");
    }
    let either = json!({
        "type": "HumanUser",
        "filters": { "logical_operator": "or", "conditions": [is("login", "ada"), is("login", "grace")] },
    });
    assert_eq!(read(&mut rig, &either)["results"]["paging_info"]["entity_count"], 2);
}
