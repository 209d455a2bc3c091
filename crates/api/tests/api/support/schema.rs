//! As much of JSON Schema as the documents use; members that a schema does not name are an error, so that nothing
//! goes undocumented.

use serde_json::Value;

/// Checks a value against a schema of a document.
pub(crate) fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    Checker { document, closed: true }.check(schema, value, "")
}

#[derive(Clone, Copy)]
struct Checker<'a> {
    document: &'a Value,
    /// Whether members that are not named are an error.
    closed: bool,
}

impl<'a> Checker<'a> {
    fn check(self, schema: &'a Value, value: &Value, at: &str) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = self.document.pointer(reference.trim_start_matches('#')).unwrap();
            return self.check(schema, value, at);
        }
        let wrong = |reason: String| Err(format!("{at}: {reason}"));
        if let Some(expected) = schema.get("const")
            && expected != value
        {
            return wrong(format!("{value} is not {expected}"));
        }
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(value)
        {
            return wrong(format!("{value} is none of {choices:?}"));
        }
        if !types(&schema["type"]).is_empty() && !types(&schema["type"]).iter().any(|name| is(value, name)) {
            return wrong(format!("{value} is no {}", schema["type"]));
        }
        for part in parts(schema, "allOf") {
            // What a part that stands beside others does not name, the others may.
            let closed = part.get("$ref").is_some();
            Checker { closed, ..self }.check(part, value, at)?;
        }
        for keyword in ["anyOf", "oneOf"] {
            let choices = parts(schema, keyword);
            if !choices.is_empty()
                && !choices
                    .iter()
                    .any(|part| Checker { closed: false, ..self }.check(part, value, at).is_ok())
            {
                return wrong(format!("{value} fits none of {keyword}"));
            }
        }
        self.check_text(schema, value, at)?;
        self.check_members(schema, value, at)?;
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(schema) = schema.get("items") {
                self.check(schema, item, &format!("{at}[{index}]"))?;
            }
        }
        Ok(())
    }

    fn check_text(self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(text) = value.as_str() else { return Ok(()) };
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
        if text.chars().count() as u64 > most {
            return Err(format!("{at}: {text:?} is longer than {most}"));
        }
        Ok(())
    }

    fn check_members(self, schema: &'a Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(members) = value.as_object() else { return Ok(()) };
        for name in schema["required"].as_array().into_iter().flatten() {
            if !members.contains_key(name.as_str().unwrap()) {
                return Err(format!("{at}: {name} is missing"));
            }
        }
        for (name, member) in members {
            let at = format!("{at}.{name}");
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(schema), _) => Checker { closed: true, ..self }.check(schema, member, &at)?,
                (None, additional @ Value::Object(_)) => self.check(additional, member, &at)?,
                (None, Value::Bool(true)) => {}
                (None, _) if self.closed && schema.get("properties").is_some() => {
                    return Err(format!("{at} is not documented"));
                }
                (None, _) => {}
            }
        }
        Ok(())
    }
}

fn parts<'a>(schema: &'a Value, keyword: &str) -> Vec<&'a Value> {
    schema[keyword].as_array().into_iter().flatten().collect()
}

fn types(value: &Value) -> Vec<&str> {
    match value {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let document = serde_json::json!({ "$defs": { "name": { "type": "string", "maxLength": 3 } } });
    let schema = serde_json::json!({
        "type": "object", "required": ["name"],
        "properties": { "name": { "$ref": "#/$defs/name" }, "kind": { "enum": ["a"] }, "none": { "type": ["string", "null"] } },
    });
    let fits = |value: Value| check(&document, &schema, &value);
    assert_eq!(fits(serde_json::json!({ "name": "ada", "kind": "a", "none": null })), Ok(()));
    for wrong in [
        serde_json::json!([]),
        serde_json::json!({}),
        serde_json::json!({ "name": 7 }),
        serde_json::json!({ "name": "adal" }),
        serde_json::json!({ "name": "ada", "kind": "b" }),
        serde_json::json!({ "name": "ada", "none": 7 }),
        serde_json::json!({ "name": "ada", "other": 7 }),
    ] {
        assert!(fits(wrong.clone()).is_err(), "{wrong}");
    }
}
