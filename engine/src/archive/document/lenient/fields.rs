//! Fields of records, converted to the types that the records expect.

use serde_json::{Map, Number, Value};

use super::{Repair, times};
use crate::domain::{DiasporaId, Guid};

/// The object that contains a record's fields.
pub(super) type Fields = Map<String, Value>;

/// The time of records without a readable one: recognizably not a real time.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// Converts a scalar value to a text.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Converts a value to an ID: trimmed, in lowercase.
pub(super) fn as_id(value: &Value) -> Result<String, String> {
    let text = as_text(value).ok_or("it is not a text")?.trim().to_lowercase();
    text.parse::<DiasporaId>().map(|id| id.to_string()).map_err(|error| error.to_string())
}

fn as_guid(value: &Value) -> Result<String, String> {
    let text = as_text(value).ok_or("it is not a text")?.trim().to_owned();
    text.parse::<Guid>().map_err(|error| error.to_string())?;
    Ok(text)
}

fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" | "t" | "1" | "yes" | "on" => Some(true),
            "false" | "f" | "0" | "no" | "off" | "" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The largest integer (2^53) up to which a float represents every integer.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Converts a value to an integer, rounded if necessary.
fn as_integer(value: &Value) -> Option<Number> {
    let number = match value {
        Value::Number(number) => number.clone(),
        Value::String(text) => serde_json::from_str(text.trim()).ok()?,
        _ => return None,
    };
    if let Some(integer) = number.as_i64() {
        return Some(integer.into());
    }
    let rounded = number.as_f64()?.round();
    #[expect(clippy::cast_possible_truncation, reason = "the bound is checked first")]
    (rounded.abs() <= MAX_EXACT).then(|| (rounded as i64).into())
}

impl Repair<'_> {
    /// Replaces a field by the result of `read`. Null counts as absent; an unreadable value is removed and noted.
    fn field(&mut self, fields: &mut Fields, name: &str, read: impl FnOnce(&Value) -> Result<Value, String>) {
        let Some(value) = fields.get_mut(name) else { return };
        if !value.is_null() {
            match read(value) {
                Ok(converted) => {
                    *value = converted;
                    return;
                }
                Err(problem) => self.note_lost(name, problem),
            }
        }
        fields.remove(name);
    }

    pub(super) fn text(&mut self, fields: &mut Fields, name: &str) {
        self.field(fields, name, |value| {
            as_text(value).map(Value::from).ok_or("it is not a text".to_owned())
        });
    }

    pub(super) fn flag(&mut self, fields: &mut Fields, name: &str) {
        let problem = "it is neither true nor false";
        self.field(fields, name, |value| as_flag(value).map(Value::from).ok_or(problem.to_owned()));
    }

    pub(super) fn integer(&mut self, fields: &mut Fields, name: &str) {
        let problem = "it is not a number";
        self.field(fields, name, |value| as_integer(value).map(Value::from).ok_or(problem.to_owned()));
    }

    pub(super) fn id(&mut self, fields: &mut Fields, name: &str) {
        self.field(fields, name, |value| as_id(value).map(Value::from));
    }

    pub(super) fn guid(&mut self, fields: &mut Fields, name: &str) {
        self.field(fields, name, |value| as_guid(value).map(Value::from));
    }

    /// Converts an optional time.
    pub(super) fn time(&mut self, fields: &mut Fields, name: &str) {
        self.field(fields, name, |value| {
            let time = times::timestamp(value);
            time.map(|time| time.to_string().into()).ok_or_else(|| "it is not a time".to_owned())
        });
    }

    /// Converts a required time: an unreadable one is noted and replaced by `replacement`.
    pub(super) fn required_time(&mut self, fields: &mut Fields, name: &str, replacement: Option<&Value>) {
        self.time(fields, name);
        if !fields.contains_key(name) {
            if replacement.is_none() && !self.has_lost(name) {
                self.note_lost(name, "it is missing");
            }
            fields.insert(name.to_owned(), replacement.cloned().unwrap_or_else(|| NO_TIME.into()));
        }
    }

    /// Returns whether this field of the current record has been noted as lost.
    fn has_lost(&self, name: &str) -> bool {
        self.lost.last().is_some_and(|lost| lost.path == name || lost.path.ends_with(&format!(".{name}")))
    }

    /// Converts a list. An element for which `repair` returns an error is removed; null is an empty list.
    pub(super) fn list(
        &mut self,
        fields: &mut Fields,
        name: &str,
        mut repair: impl FnMut(&mut Self, &mut Value) -> Result<(), String>,
    ) {
        let elements = match fields.get_mut(name) {
            None => return,
            Some(Value::Array(elements)) => std::mem::take(elements),
            Some(Value::Null) => Vec::new(),
            Some(_) => {
                self.note_lost(name, "it is not a list");
                Vec::new()
            }
        };
        let mut valid = Vec::with_capacity(elements.len());
        for (index, mut element) in elements.into_iter().enumerate() {
            let path = format!("{name}[{index}]");
            match self.within(path.as_str(), |inner| repair(inner, &mut element)) {
                Ok(()) => valid.push(element),
                Err(problem) => self.note_lost(&path, problem),
            }
        }
        fields.insert(name.to_owned(), valid.into());
    }

    /// Converts an optional wrapped record within another.
    pub(super) fn part(
        &mut self,
        fields: &mut Fields,
        name: &str,
        kind: &str,
        repair: impl FnOnce(&mut Self, &mut Fields) -> Result<(), String>,
    ) {
        let Some(value) = fields.get_mut(name) else { return };
        let problem = if value.is_null() {
            None
        } else {
            match self.within(name, |inner| inner.wrapped(value, kind, repair)) {
                Ok(()) => return,
                Err(problem) => Some(problem),
            }
        };
        fields.remove(name);
        if let Some(problem) = problem {
            self.note_lost(name, problem);
        }
    }

    /// Converts a wrapped record, `{"entity_type": …, "entity_data": {…}}`.
    pub(super) fn wrapped(
        &mut self,
        value: &mut Value,
        kind: &str,
        repair: impl FnOnce(&mut Self, &mut Fields) -> Result<(), String>,
    ) -> Result<(), String> {
        let envelope = value.as_object_mut().ok_or("it is not an object")?;
        // The published schema requires the kind only where several are possible.
        if let Some(found) = envelope.get("entity_type").and_then(as_text)
            && found.trim().to_lowercase() != kind
        {
            self.note_lost("entity_type", format!("only a {kind} is allowed here"));
        }
        envelope.insert("entity_type".to_owned(), kind.into());
        let data = envelope.get_mut("entity_data").and_then(Value::as_object_mut);
        repair(self, data.ok_or("it has no entity_data")?)
    }
}

/// Sets a field that is absent.
pub(super) fn default(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    fields.entry(name).or_insert_with(|| value.into());
}

/// Returns an error if a required field is absent.
pub(super) fn require(fields: &Fields, name: &str) -> Result<(), String> {
    if fields.contains_key(name) { Ok(()) } else { Err(format!("it has no readable {name}")) }
}
