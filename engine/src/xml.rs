//! Reads small XML documents into a tree, within limits, and writes them.
//!
//! Entities, envelopes and XRD documents have a few levels of elements with text. Document types are rejected, and so
//! are all references except XML's five predefined ones and numeric ones, so a small document cannot expand to a large
//! text.

use std::io;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, BytesText, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, Writer, XmlVersion};

/// The most levels of nested elements; an account migration has three.
const MAX_DEPTH: usize = 16;
/// The most elements in a document.
const MAX_ELEMENTS: usize = 10_000;
/// The most attributes of one element.
const MAX_ATTRIBUTES: usize = 16;
/// The most namespaces in scope at once.
const MAX_NAMESPACES: usize = 16;

/// An error of reading XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// The document is too large.
    #[error("the XML has {size} bytes; at most {limit} are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The document is not UTF-8.
    #[error("the XML is not UTF-8 text")]
    NotUtf8,
    /// The document has a document type, which could define any entities.
    #[error("the XML has a document type (DOCTYPE), which is never needed here and may be an attack")]
    DocumentType,
    /// The document has a reference that XML itself does not define.
    #[error("the XML refers to {0:?}, which XML does not define")]
    UnknownReference(String),
    /// Elements are nested too deeply.
    #[error("the XML nests more than {MAX_DEPTH} elements")]
    TooDeep,
    /// The document has too many elements or attributes.
    #[error("the XML has more than {MAX_ELEMENTS} elements, or more than {MAX_ATTRIBUTES} attributes on one")]
    TooMany,
    /// The document contains a character that XML does not allow.
    #[error("the XML contains a character that XML does not allow (U+{0:04X})")]
    Character(u32),
    /// The document is not well-formed.
    #[error("the XML is broken at byte {at}: {reason}")]
    Malformed {
        /// The position in bytes at which reading stopped.
        at: u64,
        /// The problem found there.
        reason: String,
    },
}

/// An element: its name, its text and its child elements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The name without its prefix.
    pub name: String,
    /// The namespace URI; empty without one. Not written.
    pub namespace: String,
    /// Names, without prefix, and values. Not written.
    pub attributes: Vec<(String, String)>,
    /// All text directly in the element.
    pub text: String,
    /// The child elements.
    pub children: Vec<Element>,
}

impl Element {
    /// Creates an empty element.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds a child element with text.
    #[must_use]
    pub fn with(mut self, name: &str, text: impl Into<String>) -> Self {
        self.children.push(Self { text: text.into(), ..Self::new(name) });
        self
    }

    /// Adds a child element with text, if there is any.
    #[must_use]
    pub fn with_some(self, name: &str, text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => self.with(name, text),
            None => self,
        }
    }

    /// Adds a child element.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Returns the first child of this name. diaspora* also uses the first of several.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Parses a document of at most `limit` bytes.
    ///
    /// # Errors
    /// [`XmlError`] with the problem.
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, XmlError> {
        if bytes.len() > limit {
            return Err(XmlError::TooLarge { size: bytes.len(), limit });
        }
        let text = str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
        TreeBuilder::default().read(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Returns the document with this root, without a declaration, indented by two spaces for each level. Characters
    /// that XML does not allow become U+FFFD.
    pub fn to_xml(&self) -> String {
        let mut bytes = Vec::new();
        // Writing to memory cannot fail.
        _ = self.write(&mut Writer::new_with_indent(&mut bytes, b' ', 2));
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn write(&self, writer: &mut Writer<&mut Vec<u8>>) -> io::Result<()> {
        let element = writer.create_element(self.name.as_str());
        if !self.children.is_empty() {
            element.write_inner_content(|inner| self.children.iter().try_for_each(|child| child.write(inner)))
        } else if self.text.is_empty() {
            element.write_empty()
        } else {
            let text = self.text.replace(|c| !is_allowed(c), "\u{fffd}");
            element.write_text_content(BytesText::new(&text))
        }
        .map(drop)
    }
}

/// Returns whether XML allows the character (XML 1.0, production 2).
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A document that is being read.
#[derive(Default)]
struct TreeBuilder {
    /// The open elements.
    open_elements: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl TreeBuilder {
    fn read(mut self, text: &str) -> Result<Element, XmlError> {
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
        loop {
            let at = reader.buffer_position();
            let broken = |reason: String| XmlError::Malformed { at, reason };
            let (namespace, event) =
                reader.read_resolved_event().map_err(|error| broken(error.to_string()))?;
            match event {
                Event::Start(start) => {
                    let namespace = match namespace {
                        ResolveResult::Bound(namespace) => namespace.0.to_owned(),
                        ResolveResult::Unbound => String::new(),
                        ResolveResult::Unknown(prefix) => {
                            return Err(broken(format!("the prefix {prefix:?} has no namespace")));
                        }
                    };
                    self.start(&start, namespace).map_err(|error| error.at(at))?;
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text.xml10_content()).map_err(|error| error.at(at))?,
                Event::CData(text) => self.text(&text.xml10_content()).map_err(|error| error.at(at))?,
                Event::GeneralRef(reference) => {
                    let text = resolve(&reference).map_err(|error| error.at(at))?;
                    self.text(&text).map_err(|error| error.at(at))?;
                }
                Event::Decl(declaration) => check_encoding(&declaration)?,
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
                Event::Eof => break,
            }
        }
        let at = text.len() as u64;
        if !self.open_elements.is_empty() {
            return Err(XmlError::Malformed { at, reason: "it ends in the middle of an element".to_owned() });
        }
        self.root.ok_or_else(|| XmlError::Malformed { at, reason: "there is no element in it".to_owned() })
    }

    fn start(&mut self, start: &BytesStart<'_>, namespace: String) -> Result<(), Problem> {
        if self.root.is_some() {
            return Err(Problem::Rule("there is a second root element".to_owned()));
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Problem::Xml(XmlError::TooMany));
        }
        if self.open_elements.len() >= MAX_DEPTH {
            return Err(Problem::Xml(XmlError::TooDeep));
        }
        let mut element = Element { namespace, ..Element::new(start.local_name().as_ref()) };
        for attribute in start.attributes() {
            if element.attributes.len() >= MAX_ATTRIBUTES {
                return Err(Problem::Xml(XmlError::TooMany));
            }
            let attribute = attribute.map_err(|error| Problem::Rule(error.to_string()))?;
            element.attributes.push(read_attribute(&attribute)?);
        }
        self.open_elements.push(element);
        Ok(())
    }

    fn end(&mut self) {
        let Some(element) = self.open_elements.pop() else { return };
        match self.open_elements.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Problem> {
        check_characters(text)?;
        match self.open_elements.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_ascii().is_empty() => {}
            None => return Err(Problem::Rule("there is text outside of the root element".to_owned())),
        }
        Ok(())
    }
}

/// An error before its position is known.
enum Problem {
    Xml(XmlError),
    Rule(String),
}

impl Problem {
    fn at(self, at: u64) -> XmlError {
        match self {
            Self::Xml(error) => error,
            Self::Rule(reason) => XmlError::Malformed { at, reason },
        }
    }
}

fn read_attribute(attribute: &Attribute<'_>) -> Result<(String, String), Problem> {
    let value = attribute
        .normalized_value(XmlVersion::Implicit1_0)
        .map_err(|error| Problem::Rule(error.to_string()))?;
    check_characters(&value)?;
    Ok((attribute.key.local_name().as_ref().to_owned(), value.into_owned()))
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, Problem> {
    let character = reference.resolve_char_ref().map_err(|error| Problem::Rule(error.to_string()))?;
    match character {
        Some(character) => Ok(character.to_string()),
        None => resolve_xml_entity(reference)
            .map(str::to_owned)
            .ok_or_else(|| Problem::Xml(XmlError::UnknownReference(reference.chars().take(40).collect()))),
    }
}

fn check_characters(text: &str) -> Result<(), Problem> {
    match text.chars().find(|c| !is_allowed(*c)) {
        Some(character) => Err(Problem::Xml(XmlError::Character(character.into()))),
        None => Ok(()),
    }
}

fn check_encoding(declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if ["utf-8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known)) => {
            Ok(())
        }
        Some(_) => Err(XmlError::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Element, XmlError> {
        Element::parse(text.as_bytes(), 1 << 20)
    }

    #[test]
    fn reads_the_xml_of_pods() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- hello --><x:a xmlns:x='urn:x' \
                    kind='1 &lt; 2'>\r\n <b>&#xDC;n&#239;&amp;<![CDATA[<&]]></b><b/><c xmlns='urn:y'/></x:a>\n";
        let root = parse(text).unwrap();
        assert_eq!((root.name.as_str(), root.namespace.as_str()), ("a", "urn:x"));
        assert_eq!(root.attribute("kind"), Some("1 < 2"));
        assert_eq!(root.text, "\n ");
        assert_eq!(root.child("b").unwrap().text, "Ünï&<&");
        assert_eq!(root.child("c").unwrap().namespace, "urn:y");
        assert_eq!(root.children.len(), 3);
    }

    #[test]
    fn rejects_everything_else() {
        let deep = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&deep(MAX_DEPTH + 1)), Err(XmlError::TooDeep));
        assert_eq!(parse(&format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS))), Err(XmlError::TooMany));
        let attributes = (0..=MAX_ATTRIBUTES).fold(String::new(), |text, n| text + &format!(" a{n}=''"));
        assert_eq!(parse(&format!("<a{attributes}/>")), Err(XmlError::TooMany));
        let namespaces =
            (0..=MAX_NAMESPACES).fold(String::new(), |text, n| text + &format!(" xmlns:a{n}='u'"));
        assert!(parse(&format!("<a{namespaces}/>")).is_err());
        assert_eq!(Element::parse(b"<aaa/>", 5), Err(XmlError::TooLarge { size: 6, limit: 5 }));
        assert_eq!(parse("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), Err(XmlError::DocumentType));
        assert_eq!(parse("<a>&b;</a>"), Err(XmlError::UnknownReference("b".to_owned())));
        assert_eq!(parse("<a>\u{1}</a>"), Err(XmlError::Character(1)));
        assert_eq!(parse("<a>&#xFFFF;</a>"), Err(XmlError::Character(0xffff)));
        assert_eq!(Element::parse(b"<a>\xff</a>", 99), Err(XmlError::NotUtf8));
        assert_eq!(parse("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), Err(XmlError::NotUtf8));
        for text in [
            "",
            "text",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<x:a/>",
            "<a b='1' b='2'/>",
            "<a b=1/>",
            "<a>&#0;</a>",
            "<a>&#x110000;</a>",
            "<a>& b</a>",
            "<a b='&c;'/>",
            "<a",
            "<!-- ",
        ] {
            assert!(matches!(parse(text), Err(XmlError::Malformed { .. })), "{text:?}: {:?}", parse(text));
        }
    }

    proptest! {
        #[test]
        fn is_unchanged_after_writing_and_reading(texts in proptest::collection::vec("\\PC*|[\\s<>&'\"\\]]*", 0..5)) {
            let mut root = Element::new("root").with_child(Element::new("nested").with("x", "y"));
            for text in &texts {
                root = root.with("text", text.replace(|c| !is_allowed(c), "?"));
            }
            let mut parsed = parse(&root.to_xml()).unwrap();
            parsed.text.clear();
            parsed.children[0].text.clear();
            prop_assert_eq!(parsed, root);
        }

        #[test]
        fn any_text_can_be_written_and_read(text in any::<String>()) {
            prop_assert!(parse(&Element::new("a").with("b", text).to_xml()).is_ok());
        }
    }
}
