//! Reads the skeleton of a document: enters its objects, and passes fields and elements to the visitor.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Read;

use serde_json::value::RawValue;

use super::splitter::Splitter;
use super::{DocumentError, DocumentVisitor, Next, Place, Section, repair};
use crate::archive::limits::Limits;
use crate::archive::lists::List;

/// The most fields of one object of the skeleton; the format has 17 at most.
const MAX_FIELDS: usize = 1024;
/// The most bytes of a field's name in the skeleton.
const MAX_FIELD_NAME_BYTES: usize = 512;

/// Reads the archive document. The visitor receives the fields of the document, of `user` and of `others_data`.
///
/// # Errors
/// [`DocumentError`] for exceeded limits, invalid JSON, and values that the visitor rejects.
pub fn read_document(
    reader: impl Read,
    limits: &Limits,
    visitor: &mut impl DocumentVisitor,
) -> Result<(), DocumentError> {
    read(reader, limits, visitor, Section::Root)
}

/// Reads `extras.json`. The visitor receives the fields of its one object, all in [`Section::Extras`].
///
/// # Errors
/// [`DocumentError`] for exceeded limits, invalid JSON, and values that the visitor rejects.
pub fn read_extras(
    reader: impl Read,
    limits: &Limits,
    visitor: &mut impl DocumentVisitor,
) -> Result<(), DocumentError> {
    read(reader, limits, visitor, Section::Extras)
}

fn read<R: Read, V: DocumentVisitor>(
    reader: R,
    limits: &Limits,
    visitor: &mut V,
    outermost: Section,
) -> Result<(), DocumentError> {
    let mut skeleton = SkeletonReader { text: Splitter::new(reader, limits), visitor };
    if skeleton.object(outermost)? == Next::Stop {
        return Ok(());
    }
    match skeleton.text.peek_after_end()? {
        None => Ok(()),
        Some(_) => Err(skeleton.text.unexpected("the end of the document")),
    }
}

struct SkeletonReader<'v, R, V> {
    text: Splitter<R>,
    visitor: &'v mut V,
}

impl<R: Read, V: DocumentVisitor> SkeletonReader<'_, R, V> {
    /// Reads an object of the skeleton, field by field.
    fn object(&mut self, section: Section) -> Result<Next, DocumentError> {
        self.text.expect(b'{')?;
        if self.text.take_if(b'}')? {
            return Ok(Next::Continue);
        }
        let mut names = HashSet::new();
        loop {
            let name = self.name(&mut names)?;
            self.text.expect(b':')?;
            if self.content(section, &name)? == Next::Stop {
                return Ok(Next::Stop);
            }
            if self.text.take_if(b'}')? {
                return Ok(Next::Continue);
            }
            self.text.expect(b',')?;
        }
    }

    /// Reads the name of a field, which must be unique in its object.
    fn name(&mut self, names: &mut HashSet<String>) -> Result<String, DocumentError> {
        if self.text.peek_some()? != b'"' {
            return Err(self.text.unexpected("the name of a field"));
        }
        let (offset, bytes) = self.text.value(1)?;
        let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Utf8 { offset })?;
        if text.len() > MAX_FIELD_NAME_BYTES {
            return Err(DocumentError::FieldNameTooLong { offset, limit: MAX_FIELD_NAME_BYTES });
        }
        let name: String = serde_json::from_str(text).map_err(|error| syntax(offset, &error))?;
        if !names.insert(name.clone()) {
            return Err(DocumentError::DuplicateField { name, offset });
        }
        if names.len() > MAX_FIELDS {
            return Err(DocumentError::TooManyFields { limit: MAX_FIELDS });
        }
        Ok(name)
    }

    /// Reads the value of a field.
    fn content(&mut self, section: Section, name: &str) -> Result<Next, DocumentError> {
        match (self.text.peek_some()?, section, name) {
            (b'{', Section::Root, "user") => self.object(Section::User),
            (b'{', Section::Root, "others_data") => self.object(Section::OthersData),
            (b'[', ..) => self.array(section, name),
            (b'{', ..) if self.visitor.is_lenient() && List::of(section, name).is_some() => {
                self.array(section, name)
            }
            _ => self.value(section, name, None),
        }
    }

    /// Reads an array. Some programs write lists as objects with numbers as names: their values are the elements, in
    /// order.
    fn array(&mut self, section: Section, name: &str) -> Result<Next, DocumentError> {
        self.visitor.array(&Place { section, name, index: None, offset: self.text.offset() });
        let is_object = self.text.take_if(b'{')?;
        let end = if is_object { b'}' } else { b']' };
        if !is_object {
            self.text.expect(b'[')?;
        }
        if self.text.take_if(end)? {
            return Ok(Next::Continue);
        }
        for index in 0_u64.. {
            if is_object {
                self.name(&mut HashSet::new())?;
                self.text.expect(b':')?;
            }
            if self.value(section, name, Some(index))? == Next::Stop {
                return Ok(Next::Stop);
            }
            if self.text.take_if(end)? {
                break;
            }
            self.text.expect(b',')?;
        }
        Ok(Next::Continue)
    }

    /// Reads one whole value.
    fn value(&mut self, section: Section, name: &str, index: Option<u64>) -> Result<Next, DocumentError> {
        // The levels: the outermost object, `user` or `others_data`, and the array.
        let is_inner = matches!(section, Section::User | Section::OthersData);
        let depth = 1 + u32::from(is_inner) + u32::from(index.is_some());
        let (offset, bytes) = self.text.value(depth)?;
        if !self.visitor.wants(section, name) {
            return Ok(Next::Continue);
        }
        let value = raw_value(offset, bytes, self.visitor.is_lenient())?;
        let place = Place { section, name, index, offset };
        if index.is_some() {
            self.visitor.element(&place, &value)
        } else {
            self.visitor.field(&place, &value)
        }
    }
}

/// Checks that bytes are a value; its strings are repaired if necessary and `is_lenient`.
fn raw_value(offset: u64, bytes: &[u8], is_lenient: bool) -> Result<Cow<'_, RawValue>, DocumentError> {
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Utf8 { offset });
    let has_surrogates = text.as_ref().is_ok_and(|text| repair::may_have_surrogates(text));
    let value =
        text.and_then(|text| serde_json::from_str::<&RawValue>(text).map_err(|error| syntax(offset, &error)));
    if is_lenient
        && (has_surrogates || value.is_err())
        && let Ok(repaired) = RawValue::from_string(repair::repair_strings(bytes))
    {
        return Ok(Cow::Owned(repaired));
    }
    value.map(Cow::Borrowed)
}

fn syntax(offset: u64, error: &serde_json::Error) -> DocumentError {
    DocumentError::Syntax { offset, problem: format!("the value that begins there: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    /// Reassembles the document.
    #[derive(Default)]
    struct Collector(Map<String, Value>);

    impl Collector {
        fn slot(&mut self, place: &Place<'_>) -> &mut Value {
            let map = match place.section {
                Section::Root | Section::Extras => &mut self.0,
                Section::User => self.0.entry("user").or_insert_with(|| json!({})).as_object_mut().unwrap(),
                Section::OthersData => {
                    self.0.entry("others_data").or_insert_with(|| json!({})).as_object_mut().unwrap()
                }
            };
            map.entry(place.name).or_insert(Value::Null)
        }
    }

    impl DocumentVisitor for Collector {
        fn array(&mut self, place: &Place<'_>) {
            *self.slot(place) = json!([]);
        }

        fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
            *self.slot(place) = serde_json::from_str(value.get()).unwrap();
            Ok(Next::Continue)
        }

        fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
            let list = self.slot(place).as_array_mut().unwrap();
            assert_eq!(place.index, Some(list.len() as u64));
            list.push(serde_json::from_str(value.get()).unwrap());
            Ok(Next::Continue)
        }
    }

    /// Returns one byte at a time, so that every value crosses the window's end.
    struct OneByteReader<'a>(&'a [u8]);

    impl Read for OneByteReader<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn code(text: &[u8], limits: &Limits) -> &'static str {
        let whole =
            read_document(text, limits, &mut Collector::default()).map_or_else(|error| error.code(), |()| "");
        let bytewise = read_document(OneByteReader(text), limits, &mut Collector::default())
            .map_or_else(|e| e.code(), |()| "");
        assert_eq!(whole, bytewise, "{}", String::from_utf8_lossy(text));
        whole
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[\"\\\\{}\\[\\],:u0-9]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_visitor_receives_the_whole_document(
            user in proptest::collection::btree_map("[a-z\"\\\\]{1,8}", json_value(), 1..6),
            others in proptest::collection::btree_map("[a-z]{1,8}", json_value(), 1..4),
            other in json_value(),
        ) {
            let document = json!({"version": "2.0", "user": user, "others_data": others, "more": other});
            for text in [serde_json::to_string(&document).unwrap(), serde_json::to_string_pretty(&document).unwrap()] {
                let mut collector = Collector::default();
                read_document(text.as_bytes(), &Limits::default(), &mut collector).unwrap();
                prop_assert_eq!(&Value::Object(collector.0), &document);
                let mut collector = Collector::default();
                read_document(OneByteReader(text.as_bytes()), &Limits::default(), &mut collector).unwrap();
                prop_assert_eq!(&Value::Object(collector.0), &document);
            }
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            code(&bytes, &Limits::default());
        }
    }

    #[test]
    fn invalid_documents_have_their_own_errors() {
        let limits = Limits::default();
        for (text, expected) in [
            ("", "document_truncated"),
            ("[]", "document_not_json"),
            ("hello", "document_not_json"),
            ("{\"user\":{\"a\":1}", "document_truncated"),
            ("{\"a\":\"b", "document_truncated"),
            ("{\"a\":1}x", "document_not_json"),
            ("{\"a\":1,}", "document_not_json"),
            ("{\"a\" 1}", "document_not_json"),
            ("{\"a\":[1,]}", "document_not_json"),
            ("{\"a\":{]}", "document_not_json"),
            ("{\"a\":01}", "document_not_json"),
            ("{\"a\":tru}", "document_not_json"),
            ("{\"user\":{\"a\":1,\"a\":2}}", "document_duplicate_field"),
            ("{\"a\":1,\"\\u0061\":2}", "document_duplicate_field"),
            ("{\"a\":1}\0\0\n\u{1a}", ""),
            ("{\"a\":1}\0{}", "document_not_json"),
            ("{\"a\":\0 1}", "document_not_json"),
            ("{\"a\":1,\"b\":[],\"user\":{},\"others_data\":null}\n", ""),
        ] {
            assert_eq!(code(text.as_bytes(), &limits), expected, "{text}");
        }
        assert_eq!(code(b"{\"\xff\":1}", &limits), "document_not_utf8");
    }

    #[test]
    fn strings_are_repaired_in_unsigned_documents_only() {
        for (bytes, strict, repaired) in [
            (&b"\"a\xff\""[..], Some("document_not_utf8"), "a\u{fffd}"),
            (b"\"a\tb\nc\"", Some("document_not_json"), "a\tb\nc"),
            // Valid as far as serde_json checks raw values; a record with it would be refused.
            (br#""a\ud83d""#, None, "a\u{fffd}"),
            (br#""\ud83c\udf3c""#, None, "🌼"),
        ] {
            let refusal = raw_value(0, bytes, false).err().map(|error| error.code());
            assert_eq!(refusal, strict);
            let value = raw_value(0, bytes, true).unwrap();
            assert_eq!(serde_json::from_str::<String>(value.get()).unwrap(), repaired);
            let document = [&b"{\"user\":{\"posts\":["[..], bytes, b"]}}"].concat();
            assert_eq!(code(&document, &Limits::default()), "");
        }
    }

    #[test]
    fn a_list_may_be_an_object() {
        let document = json!({
            "user": {"posts": {"0": {"a": 1}, "1": {}}, "blocks": {}, "profile": {"0": 1}},
            "others_data": {"relayables": {"x": []}},
        });
        let text = document.to_string();
        let mut collector = Collector::default();
        read_document(OneByteReader(text.as_bytes()), &Limits::default(), &mut collector).unwrap();
        let expected = json!({
            "user": {"posts": [{"a": 1}, {}], "blocks": [], "profile": {"0": 1}},
            "others_data": {"relayables": [[]]},
        });
        assert_eq!(Value::Object(collector.0), expected);
        assert_eq!(code(b"{\"user\":{\"posts\":{\"0\":1]}}", &Limits::default()), "document_not_json");
    }

    #[test]
    fn limits_are_enforced() {
        let limits = Limits { json_depth: 4, record_bytes: 64, unpacked_bytes: 1000, ..Limits::default() };
        assert_eq!(code(b"{\"user\":{\"a\":[{}]}}", &limits), "");
        assert_eq!(code(b"{\"user\":{\"a\":[[[]]]}}", &limits), "document_too_deep");
        assert_eq!(code(b"{\"user\":{\"a\":[\"[[[[[[[[\"]}}", &limits), "");
        let many =
            format!("{{{}\"z\":1}}", (0..1100).fold(String::new(), |text, i| text + &format!("\"{i}\":1,")));
        assert_eq!(code(many.as_bytes(), &limits), "document_too_large");
        assert_eq!(code(many.as_bytes(), &Limits::default()), "document_too_many_fields");
        let name = format!("{{\"{}\":1}}", "n".repeat(600));
        assert_eq!(code(name.as_bytes(), &Limits::default()), "document_field_name_too_long");
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(900));
        assert_eq!(
            code(long.as_bytes(), &Limits { record_bytes: 64, ..Limits::default() }),
            "document_value_too_large"
        );
    }

    #[test]
    fn a_visitor_can_stop_and_skip_fields() {
        struct First(Vec<String>);
        impl DocumentVisitor for First {
            fn wants(&self, _: Section, name: &str) -> bool {
                name != "skipped"
            }
            fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
                self.0.push(format!("{place}@{}={value}", place.offset));
                Ok(if place.name == "last" { Next::Stop } else { Next::Continue })
            }
            fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
                self.field(place, value)
            }
        }
        let mut first = First(Vec::new());
        let text = br#"{"skipped":{"not": json},"user":{"a":[1, 2],"last":3}} rubbish"#;
        read_document(&text[..], &Limits::default(), &mut first).unwrap();
        assert_eq!(first.0, ["user.a[0]@38=1", "user.a[1]@41=2", "user.last@51=3"]);
    }
}
