use serde_json::Value;

fn peers() -> Value {
    let text = std::env::var("AUTH_PEERS").unwrap_or_default();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn text(value: &Value, what: &str) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => missing(what),
    }
}

#[expect(clippy::panic, reason = "a test without its peer cannot go on")]
fn missing(what: &str) -> ! {
    panic!("no {what} was started for this test: run it with `cargo xtask test`")
}

/// The address of a Tiled server, by the name of its configuration in `tests/peers/tiled`.
pub fn tiled(name: &str) -> String {
    text(&peers()["tiled"][name], &format!("Tiled server {name:?}"))
}

/// A Python that has the `tiled` package.
pub fn python() -> String {
    text(&peers()["python"], "Python with tiled")
}
