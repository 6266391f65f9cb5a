//! Values of statements.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveDateTime};

use crate::domain::Timestamp;

/// A value for a `?` in a statement. NULL also has a type, because PostgreSQL needs it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// A row ID, a count or a time in milliseconds.
    Integer(Option<i64>),
    /// A text.
    Text(Option<Cow<'a, str>>),
    /// Bytes.
    Bytes(Option<Cow<'a, [u8]>>),
    /// A boolean, in a pod's database only.
    Boolean(Option<bool>),
    /// A point in time, in a pod's database only.
    Time(Option<NaiveDateTime>),
    /// A date, in a pod's database only.
    Date(Option<NaiveDate>),
}

macro_rules! value_from {
    ($($from:ty => $value:ident, $convert:expr;)*) => {$(
        impl<'a> From<$from> for Value<'a> {
            fn from(value: $from) -> Self {
                let convert: fn($from) -> _ = $convert;
                Self::$value(convert(value))
            }
        }
    )*};
}

value_from! {
    i64 => Integer, Some;
    Option<i64> => Integer, |value| value;
    &'a str => Text, |value| Some(Cow::Borrowed(value));
    &'a String => Text, |value| Some(Cow::Borrowed(value.as_str()));
    String => Text, |value| Some(Cow::Owned(value));
    Option<&'a str> => Text, |value| value.map(Cow::Borrowed);
    Option<String> => Text, |value| value.map(Cow::Owned);
    &'a [u8] => Bytes, |value| Some(Cow::Borrowed(value));
    Vec<u8> => Bytes, |value| Some(Cow::Owned(value));
    bool => Boolean, Some;
    Option<bool> => Boolean, |value| value;
    Timestamp => Time, |value| Some(value.to_utc());
    Option<NaiveDate> => Date, |value| value;
}
