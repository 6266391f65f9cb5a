//! Problems of a form, field by field: the message at each field, and links to them above the form if there are several.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Problems of one form, in the order of its fields. A field is identified by the `id` of its input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldProblems(Vec<(Cow<'static, str>, String)>);

impl FieldProblems {
    /// Returns a list of one problem.
    pub fn one(field: &'static str, text: String) -> Self {
        Self(vec![(field.into(), text)])
    }

    /// Appends a problem; fields must be added in order.
    pub fn add(&mut self, field: &'static str, text: String) {
        self.0.push((field.into(), text));
    }

    /// Returns whether there are no problems.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the `id`s of the fields if there are several: a summary links to them. It does not repeat the messages,
    /// which are at the fields, and the first field has the focus.
    pub fn summary(&self) -> Vec<&str> {
        let fields: Vec<&str> = self.0.iter().map(|(field, _)| field.as_ref()).collect();
        if fields.len() > 1 { fields } else { Vec::new() }
    }

    /// Returns the text for a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    /// Returns the HTML attributes of an input: description, validity, and focus for the first invalid one. `help`
    /// lists the IDs of elements that always describe it, separated by spaces.
    pub fn attributes(&self, field: &str, help: &str) -> String {
        let (mut html, is_invalid) = (String::new(), self.of(field).is_some());
        let mut description_ids = help.to_owned();
        if is_invalid {
            _ = write!(description_ids, " {field}-problem");
        }
        if !description_ids.trim().is_empty() {
            _ = write!(html, " aria-describedby=\"{}\"", description_ids.trim());
        }
        if is_invalid {
            html.push_str(" aria-invalid=\"true\"");
        }
        // A browser scrolls to the focused element, unless the URL has a fragment.
        if self.0.first().is_some_and(|(first, _)| *first == field) {
            html.push_str(" autofocus");
        }
        html
    }
}

impl<Field: Into<Cow<'static, str>>> FromIterator<(Field, String)> for FieldProblems {
    fn from_iter<T: IntoIterator<Item = (Field, String)>>(problems: T) -> Self {
        Self(problems.into_iter().map(|(field, text)| (field.into(), text)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::FieldProblems;

    #[test]
    fn the_first_invalid_field_has_the_focus() {
        let mut problems = FieldProblems::one("name", "missing".to_owned());
        assert!(problems.summary().is_empty(), "one message is at its field only");
        problems.add("email", "wrong".to_owned());
        let name = problems.attributes("name", "name-help");
        assert_eq!(name, " aria-describedby=\"name-help name-problem\" aria-invalid=\"true\" autofocus");
        assert_eq!(
            problems.attributes("email", ""),
            " aria-describedby=\"email-problem\" aria-invalid=\"true\""
        );
        assert_eq!(problems.attributes("age", ""), "");
        assert_eq!(problems.of("email"), Some("wrong"));
        assert_eq!(problems.summary(), ["name", "email"]);
        assert!(FieldProblems::default().is_empty());
    }
}
