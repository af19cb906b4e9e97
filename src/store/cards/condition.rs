//! Which cards and rows a program wants, and in which order: `where` and `order_by`.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The operators of a test.
const OPERATORS: [&str; 11] = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "exists", "contains", "starts_with"];

/// What has to hold of a card or a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// All of them.
    All(Vec<Condition>),
    /// One of them.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// A test of the field at a path.
    Field { path: Vec<String>, operator: String, value: Value },
}

impl Condition {
    /// Reads a `where`; absent holds of everything.
    pub(super) fn of(clause: Option<&Value>) -> Result<Self, String> {
        match clause {
            None | Some(Value::Null) => Ok(Self::All(Vec::new())),
            Some(clause) => Self::within(&mut Vec::new(), clause),
        }
    }

    fn within(path: &mut Vec<String>, clause: &Value) -> Result<Self, String> {
        let Value::Object(fields) = clause else { return Err("where clause must be a table".into()) };
        let mut all = Vec::new();
        for (key, value) in fields {
            all.push(match key.as_str() {
                "_and" => Self::All(Self::list(path, value)?),
                "_or" => Self::Any(Self::list(path, value)?),
                "_not" => Self::Not(Box::new(Self::within(path, value)?)),
                _ => {
                    path.push(key.clone());
                    let condition = Self::field(path, value);
                    path.pop();
                    condition?
                }
            });
        }
        Ok(Self::All(all))
    }

    fn field(path: &mut Vec<String>, value: &Value) -> Result<Self, String> {
        let test = |operator: &str, value: &Value| Self::Field {
            path: path.clone(),
            operator: operator.to_owned(),
            value: value.clone(),
        };
        match value {
            Value::Object(tests) if tests.keys().all(|key| OPERATORS.contains(&key.as_str())) => {
                Ok(Self::All(tests.iter().map(|(operator, value)| test(operator, value)).collect()))
            }
            Value::Object(_) => Self::within(path, value),
            scalar => Ok(test("eq", scalar)),
        }
    }

    fn list(path: &mut Vec<String>, clauses: &Value) -> Result<Vec<Self>, String> {
        match clauses {
            Value::Array(clauses) => clauses.iter().map(|clause| Self::within(path, clause)).collect(),
            // What a program writes as an empty list.
            Value::Object(none) if none.is_empty() => Ok(Vec::new()),
            _ => Err("_and and _or must be arrays of tables".into()),
        }
    }

    /// Whether it holds of these fields.
    pub(super) fn holds(&self, fields: &Map<String, Value>) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(fields)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(fields)),
            Self::Not(condition) => !condition.holds(fields),
            Self::Field { path, operator, value } => test(at(fields, path), operator, value),
        }
    }
}

/// The order that a program wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order(Vec<(Vec<String>, Direction)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

impl Order {
    /// Reads an `order_by`; absent leaves everything where it is.
    pub(super) fn of(clause: Option<&Value>) -> Result<Self, String> {
        let keys: Option<Vec<&str>> = match clause {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::String(key)) => Some(vec![key]),
            Some(Value::Array(keys)) => keys.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        let keys = keys.ok_or("order_by must be a string or array of strings")?;
        let key = |key: &str| {
            let (path, direction) = match key.strip_prefix('-') {
                Some(path) => (path, Direction::Descending),
                None => (key, Direction::Ascending),
            };
            (path.split('.').map(str::to_owned).collect(), direction)
        };
        Ok(Self(keys.into_iter().map(key).collect()))
    }

    /// Which of two comes first. Ascending, what lacks the field comes last.
    pub(super) fn compare(&self, a: &Map<String, Value>, b: &Map<String, Value>) -> Ordering {
        let by = |(path, direction): &(Vec<String>, Direction)| {
            let order = match (at(a, path), at(b, path)) {
                (Some(a), Some(b)) => compare(a, b).unwrap_or_else(|| rank(a).cmp(&rank(b))),
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
            };
            if *direction == Direction::Descending { order.reverse() } else { order }
        };
        self.0.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// The field at a path.
fn at<'a>(fields: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(fields.get(first)?, |value, key| value.get(key)).filter(|value| !value.is_null())
}

fn test(field: Option<&Value>, operator: &str, wanted: &Value) -> bool {
    let among = |field: &Value| wanted.as_array().is_some_and(|list| list.iter().any(|item| same(field, item)));
    let Some(field) = field else {
        return match operator {
            "ne" | "nin" => true,
            "exists" => *wanted == Value::Bool(false),
            _ => false,
        };
    };
    let ordered = |fits: fn(Ordering) -> bool| compare(field, wanted).is_some_and(fits);
    match operator {
        "eq" => same(field, wanted),
        "ne" => !same(field, wanted),
        "lt" => ordered(Ordering::is_lt),
        "lte" => ordered(Ordering::is_le),
        "gt" => ordered(Ordering::is_gt),
        "gte" => ordered(Ordering::is_ge),
        "in" => among(field),
        "nin" => !among(field),
        "exists" => *wanted != Value::Bool(false),
        "contains" => match (field, wanted) {
            (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
            (Value::Array(list), part) => list.iter().any(|item| same(item, part)),
            _ => false,
        },
        "starts_with" => {
            matches!((field, wanted), (Value::String(text), Value::String(head)) if text.starts_with(head.as_str()))
        }
        _ => false,
    }
}

/// Whether two values are equal; numbers by what they count, whatever their form.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// The order of two values of a kind.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// The order of the kinds of value.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(clause: &Value, fields: &Value) -> bool {
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        Condition::of(Some(clause)).unwrap().holds(fields)
    }

    #[test]
    fn nested_tables_are_paths_and_tables_of_operators_tests() {
        let card = || json!({ "stats": { "pass_rate": 0.5, "n": 4 }, "tags": ["a", "b"], "name": "x" });
        assert!(holds(&json!({ "stats": { "pass_rate": { "gte": 0.5, "lt": 1 }, "n": 4.0 } }), &card()));
        assert!(!holds(&json!({ "stats": { "pass_rate": { "gt": 0.5 } } }), &card()));
        assert!(holds(&json!({ "tags": ["a", "b"], "name": { "starts_with": "x" } }), &card()));
        assert!(holds(&json!({ "tags": { "contains": "b" }, "name": { "in": ["x", "y"] } }), &card()));
        assert!(holds(&json!({ "_or": [{ "name": "y" }, { "_not": { "name": "z" } }] }), &card()));
        assert!(holds(&json!({ "_and": {} }), &card()) && !holds(&json!({ "_or": {} }), &card()));
        assert!(holds(&json!({ "stats": { "_or": [{ "n": 1 }, { "n": 4 }] } }), &card()));
    }

    #[test]
    fn a_missing_field_is_only_unequal_and_absent() {
        for (test, truth) in [
            (json!({ "eq": 1 }), false),
            (json!({ "ne": 1 }), true),
            (json!({ "nin": [1] }), true),
            (json!({ "lt": 1 }), false),
            (json!({ "exists": false }), true),
            (json!({ "exists": true }), false),
        ] {
            assert_eq!(holds(&json!({ "x": { "y": test } }), &json!({ "x": 5 })), truth, "{test}");
        }
    }

    #[test]
    fn ascending_order_puts_what_lacks_the_field_last() {
        let mut rows: Vec<Map<String, Value>> = [json!({}), json!({"a": {"b": 2}}), json!({"a": {"b": 1.5}})]
            .into_iter()
            .map(|row| row.as_object().unwrap().clone())
            .collect();
        let order = Order::of(Some(&json!("a.b"))).unwrap();
        rows.sort_by(|a, b| order.compare(a, b));
        assert_eq!(json!(rows), json!([{"a": {"b": 1.5}}, {"a": {"b": 2}}, {}]));
        let order = Order::of(Some(&json!(["-a.b"]))).unwrap();
        rows.sort_by(|a, b| order.compare(a, b));
        assert_eq!(json!(rows), json!([{}, {"a": {"b": 2}}, {"a": {"b": 1.5}}]));
    }
}
