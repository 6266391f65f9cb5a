//! What is wrong with a form, field by field: a summary above it, and the message at each field.

use std::fmt::Write as _;

/// Problems of one form, in the order of its fields. A field is named by the `id` of its input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldProblems(Vec<(&'static str, String)>);

impl FieldProblems {
    /// One problem.
    pub fn one(field: &'static str, text: String) -> Self {
        Self(vec![(field, text)])
    }

    /// Adds a problem behind those of fields before it.
    pub fn add(&mut self, field: &'static str, text: String) {
        self.0.push((field, text));
    }

    /// Returns true when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them: the `id` of the field, and the text.
    pub fn list(&self) -> &[(&'static str, String)] {
        &self.0
    }

    /// The text for a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, text)| text.as_str())
    }

    /// The attributes of an input: what describes it, whether it is wrong, and the focus for the first wrong one. `help` are
    /// IDs of elements that always describe it, with spaces between. HTML.
    pub fn attributes(&self, field: &str, help: &str) -> String {
        let (mut html, wrong) = (String::new(), self.of(field).is_some());
        let mut described = help.to_owned();
        if wrong {
            _ = write!(described, " {field}-problem");
        }
        if !described.trim().is_empty() {
            _ = write!(html, " aria-describedby=\"{}\"", described.trim());
        }
        if wrong {
            html.push_str(" aria-invalid=\"true\"");
        }
        // A browser scrolls to what has the focus, unless the address has a fragment.
        if self.0.first().is_some_and(|(first, _)| *first == field) {
            html.push_str(" autofocus");
        }
        html
    }
}

impl FromIterator<(&'static str, String)> for FieldProblems {
    fn from_iter<T: IntoIterator<Item = (&'static str, String)>>(problems: T) -> Self {
        Self(problems.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::FieldProblems;

    #[test]
    fn the_first_wrong_field_has_the_focus() {
        let mut problems = FieldProblems::one("name", "missing".to_owned());
        problems.add("email", "wrong".to_owned());
        let name = problems.attributes("name", "name-help");
        assert_eq!(name, " aria-describedby=\"name-help name-problem\" aria-invalid=\"true\" autofocus");
        assert_eq!(
            problems.attributes("email", ""),
            " aria-describedby=\"email-problem\" aria-invalid=\"true\""
        );
        assert_eq!(problems.attributes("age", ""), "");
        assert_eq!(problems.of("email"), Some("wrong"));
        assert!(FieldProblems::default().is_empty());
    }
}
