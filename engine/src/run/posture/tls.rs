//! Does a bucket policy refuse plain HTTP to everybody, for everything?

use serde_json::Value;

/// The statement that does it; `BUCKET` stands for the bucket's name.
pub const STATEMENT: &str = r#"{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;

/// Why plain HTTP gets through, if it does.
pub(super) fn gap(policy: &str, bucket: &str) -> Option<&'static str> {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return Some("the policy is not JSON");
    };
    let statements = policy.get("Statement").map(items).unwrap_or_default();
    let denials: Vec<&Value> =
        statements.into_iter().filter(|statement| denies_plain_http(statement)).collect();
    if denials.is_empty() {
        return Some("no statement denies plain HTTP to everybody");
    }
    // One statement may speak of the bucket, another of its objects.
    let covers = |tail: &str| denials.iter().any(|statement| names(statement, bucket, tail));
    match (covers(""), covers("/*")) {
        (true, true) => None,
        (true, false) => Some("plain HTTP is denied for the bucket, not for its objects"),
        (false, true) => Some("plain HTTP is denied for objects, not for the bucket"),
        (false, false) => Some("plain HTTP is denied for a part of the objects only"),
    }
}

/// A value, or all of a list.
fn items(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}

fn words(value: Option<&Value>) -> Vec<&str> {
    value.map(items).unwrap_or_default().into_iter().filter_map(Value::as_str).collect()
}

fn denies_plain_http(statement: &Value) -> bool {
    let everybody = match statement.get("Principal") {
        Some(Value::String(word)) => word == "*",
        Some(principal) => words(principal.get("AWS")).contains(&"*"),
        None => false,
    };
    let everything = words(statement.get("Action")).iter().any(|action| ["*", "s3:*"].contains(action));
    statement.get("Effect").and_then(Value::as_str) == Some("Deny")
        && everybody
        && everything
        && statement.get("Condition").is_some_and(is_plain_http)
}

/// Just this condition: any other besides it lets some requests through.
fn is_plain_http(condition: &Value) -> bool {
    let Some(operators) = condition.as_object().filter(|operators| operators.len() == 1) else {
        return false;
    };
    operators.iter().all(|(operator, keys)| {
        let Some(keys) = keys.as_object().filter(|keys| keys.len() == 1) else { return false };
        let is_false = |value: &Value| {
            value == &Value::Bool(false)
                || value.as_str().is_some_and(|word| word.eq_ignore_ascii_case("false"))
        };
        matches!(operator.as_str(), "Bool" | "BoolIfExists")
            && keys.iter().all(|(key, value)| {
                key.eq_ignore_ascii_case("aws:SecureTransport") && items(value).into_iter().any(is_false)
            })
    })
}

/// Is the bucket itself (`tail` empty), or are all its objects (`/*`), among the resources?
fn names(statement: &Value, bucket: &str, tail: &str) -> bool {
    words(statement.get("Resource")).into_iter().any(|resource| {
        if resource == "*" {
            return true;
        }
        let Some(place) = resource.splitn(6, ':').nth(5).filter(|_| resource.starts_with("arn:")) else {
            return false;
        };
        place == "*" || place == format!("{bucket}{tail}") || place == format!("{bucket}*")
    })
}
