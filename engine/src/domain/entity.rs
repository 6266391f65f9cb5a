//! The envelope of every record in the archive document: `{"entity_type": …, "entity_data": {…}}`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An entity type of the federation protocol.
pub trait EntityType {
    /// The value of `entity_type`.
    const NAME: &'static str;
}

/// A record in its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity<T>(pub T);

#[derive(Serialize)]
struct SerializedEntity<'a, T> {
    entity_type: &'static str,
    entity_data: &'a T,
}

#[derive(Deserialize)]
struct DeserializedEntity<T> {
    entity_type: String,
    entity_data: T,
}

impl<T: Serialize + EntityType> Serialize for Entity<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SerializedEntity { entity_type: T::NAME, entity_data: &self.0 }.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + EntityType> Deserialize<'de> for Entity<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entity = DeserializedEntity::<T>::deserialize(deserializer)?;
        if entity.entity_type == T::NAME {
            Ok(Self(entity.entity_data))
        } else {
            let message = format!("a {} was found instead of a {}", entity.entity_type, T::NAME);
            Err(serde::de::Error::custom(message))
        }
    }
}

impl<T: JsonSchema + EntityType> JsonSchema for Entity<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Entity", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let data = generator.subschema_for::<T>();
        json_schema!({
            "type": "object",
            "properties": { "entity_type": { "const": T::NAME }, "entity_data": data },
            "required": ["entity_type", "entity_data"]
        })
    }
}
