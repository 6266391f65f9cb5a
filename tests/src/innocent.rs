//! Archive documents that say the same in another way, as other programs would write them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A source of choices that are the same for the same seed.
pub struct Choices(u64);

impl Choices {
    /// The choices of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below another.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % most.max(1)
    }

    fn once_in(&mut self, most: usize) -> bool {
        self.below(most) == 0
    }
}

/// Puts the fields of every object in another order.
pub fn reordered(value: &Value, order: &mut dyn FnMut(&mut Vec<String>)) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<String> = fields.keys().cloned().collect();
            order(&mut names);
            let fields = names.into_iter().filter_map(|name| {
                let value = reordered(fields.get(&name)?, order);
                Some((name, value))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(|element| reordered(element, order)).collect(),
        other => other.clone(),
    }
}

/// The same document with its fields shuffled, white space anywhere, other forms of numbers, of characters and of times,
/// capital letters and white space in IDs, unknown fields, and nulls where the published schema allows them. What
/// somebody signed stays as it is.
pub fn varied(document: &Value, choices: &mut Choices) -> String {
    let mut out = String::new();
    write(&mut out, document, &Place { name: "", signed: false }, choices);
    out
}

/// Where a value stands.
struct Place<'a> {
    /// The field, or the list.
    name: &'a str,
    /// Whether it belongs to what somebody signed.
    signed: bool,
}

fn space(out: &mut String, choices: &mut Choices) {
    out.push_str(["", "", " ", "\n", "\t\r\n"][choices.below(5)]);
}

fn write(out: &mut String, value: &Value, place: &Place<'_>, choices: &mut Choices) {
    space(out, choices);
    match value {
        Value::String(text) => {
            let text = varied_text(text, place, choices);
            write_text(out, &text, choices);
        }
        Value::Number(number) => match number.as_i64() {
            Some(whole) if !place.signed && matches!(place.name, "height" | "width") => {
                let form = choices.below(4);
                out.push_str(
                    &[format!("{whole}"), format!("{whole}.0"), format!("{whole}e0"), format!("{whole}0E-1")]
                        [form],
                );
            }
            _ => out.push_str(&number.to_string()),
        },
        Value::Array(list) => {
            out.push('[');
            for (index, element) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(out, element, place, choices);
            }
            space(out, choices);
            out.push(']');
        }
        Value::Object(fields) => write_object(out, fields, place, choices),
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
    }
    space(out, choices);
}

/// A text that means the same where it stands.
fn varied_text(text: &str, place: &Place<'_>, choices: &mut Choices) -> String {
    match place.name {
        "author" | "account_id" | "root_author" | "blocks" | "subscribed_users_ids" | "username" => {
            let mut id: String =
                text.chars().map(|c| if choices.once_in(4) { c.to_ascii_uppercase() } else { c }).collect();
            if choices.once_in(4) {
                id.push(' ');
            }
            id
        }
        "created_at" | "edited_at" if !place.signed && text.len() == 20 => {
            let (day, time) = (&text[..10], &text[11..19]);
            match choices.below(5) {
                0 => format!("{day} {time} UTC"),
                1 => format!("{day} {time} +0000"),
                2 => format!("{day}T{time}.123Z"),
                3 => format!("{day}T{time}+00:00"),
                _ => text.to_owned(),
            }
        }
        _ => text.to_owned(),
    }
}

fn write_text(out: &mut String, text: &str, choices: &mut Choices) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '/' if choices.once_in(2) => out.push_str("\\/"),
            c if c.is_control() || choices.once_in(12) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a text does not fail.
                    _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_object(out: &mut String, fields: &Map<String, Value>, place: &Place<'_>, choices: &mut Choices) {
    let mut named: Vec<(String, Value)> = fields.clone().into_iter().collect();
    let relayable = fields.contains_key("property_order");
    if !place.signed {
        add_nothing(&mut named, fields, choices);
        if choices.once_in(3) {
            named.push((
                "x_unknown".to_owned(),
                serde_json::json!({ "photos": [1, null, {}], "text": "unknown" }),
            ));
        }
    }
    for last in (1..named.len()).rev() {
        named.swap(last, choices.below(last + 1));
    }
    out.push('{');
    for (index, (name, value)) in named.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        space(out, choices);
        write_text(out, name, choices);
        space(out, choices);
        out.push(':');
        // Unknown fields in unknown fields in … would be too deep one day.
        let signed = place.signed || (relayable && name == "entity_data") || name == "x_unknown";
        write(out, value, &Place { name, signed }, choices);
    }
    space(out, choices);
    out.push('}');
}

/// Null where nothing is and the schema has it so.
fn add_nothing(named: &mut Vec<(String, Value)>, fields: &Map<String, Value>, choices: &mut Choices) {
    let optional: &[&str] = if fields.contains_key("remote_photo_name") {
        &["text"]
    } else if fields.contains_key("text") && fields.contains_key("public") {
        &["location", "poll", "photos"]
    } else if fields.contains_key("private_key") {
        &["auto_follow_back_aspect"]
    } else if fields.contains_key("searchable") {
        &["full_name", "first_name", "last_name", "gender", "bio", "birthday", "location", "image_url"]
    } else {
        &[]
    };
    for name in optional {
        if !fields.contains_key(*name) && choices.once_in(2) {
            named.push(((*name).to_owned(), Value::Null));
        }
    }
    // Previews of pages, which newer versions put into posts.
    if optional.contains(&"poll") && choices.once_in(4) {
        let nothing = serde_json::json!({"url": null, "title": null, "description": null, "image": null});
        let embed = serde_json::json!({"entity_type": "embed", "entity_data": nothing});
        named.push(("embed".to_owned(), embed));
    }
    for (name, value) in named.iter_mut() {
        if name == "photos" && value.as_array().is_some_and(Vec::is_empty) && choices.once_in(2) {
            *value = Value::Null;
        }
    }
}
