//! Reads values that some clients write as text and others do not; writes them as the Java codec does.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// Text; null is the empty text.
pub(super) fn text<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(source)?.unwrap_or_default())
}

/// A number, or a text that holds one.
pub(super) fn number<'de, D: Deserializer<'de>, T: FromStr>(source: D) -> Result<T, D::Error> {
    plain(source)?.parse().map_err(|_| D::Error::custom("expected a number that fits"))
}

/// A number, a truth value or a text, as text.
fn plain<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    match Value::deserialize(source)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(D::Error::custom("expected a number, true, false or text")),
    }
}

fn write<S: serde::Serializer>(value: impl Display, target: S) -> Result<S::Ok, S::Error> {
    target.collect_str(&value)
}

/// A truth value, written as text.
pub(super) mod truth {
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &bool, target: S) -> Result<S::Ok, S::Error> {
        super::write(value, target)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
        super::plain(source)?.parse().map_err(|_| D::Error::custom("expected true or false"))
    }
}

/// Milliseconds since 1970, written as text.
pub(super) mod millis {
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &i64, target: S) -> Result<S::Ok, S::Error> {
        super::write(value, target)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<i64, D::Error> {
        super::number(source)
    }
}

/// Names and values; an empty map is written with the class that the Java codec names for it.
pub(super) mod metadata {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Value};

    const CLASS: &str = "@class";

    pub(crate) fn serialize<S: Serializer>(
        map: &Map<String, Value>,
        target: S,
    ) -> Result<S::Ok, S::Error> {
        if map.is_empty() {
            let empty =
                Map::from_iter([(CLASS.to_owned(), Value::from("java.util.Collections$EmptyMap"))]);
            return empty.serialize(target);
        }
        map.serialize(target)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<Arc<Map<String, Value>>, D::Error> {
        let mut map: Map<String, Value> = Option::deserialize(source)?.unwrap_or_default();
        map.shift_remove(CLASS);
        Ok(Arc::new(map))
    }
}
