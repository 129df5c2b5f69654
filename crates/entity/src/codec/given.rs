//! A JSON object taken apart: what it gives, and what it does not.

use std::fmt;

use database::{Id, Value};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    CodecError,
    read::{self, Token},
};
use crate::Entity;

/// What a body gives of an entity.
#[derive(Debug, PartialEq)]
pub(crate) struct Given {
    pub(crate) id: Option<Id>,
    /// One per field; none where the body does not have the member, [`Value::Null`] where it says null.
    pub(crate) values: Vec<Option<Value>>,
}

impl Given {
    /// Reads a body. Of members with the same name, the last counts; what stands after the object is not read: both as in
    /// the Java services.
    ///
    /// # Errors
    /// When it is no JSON object or a member has the wrong type.
    pub(crate) fn read(entity: &Entity, body: &[u8]) -> Result<Given, CodecError> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let mut reader = serde_json::Deserializer::from_slice(body);
        let members = Members(entity).deserialize(&mut reader).map_err(wrong)?;
        let id = match members.id {
            None => None,
            Some(raw) => read::id(entity.id, Token::of(raw).map_err(wrong)?)
                .ok_or_else(|| wrong(format!("id {raw} has the wrong type")))?,
        };
        let mut values = Vec::with_capacity(entity.fields.len());
        for (field, raw) in entity.fields.iter().zip(members.fields) {
            let Some(raw) = raw else {
                values.push(None);
                continue;
            };
            let value = read::value(&field.kind, Token::of(raw).map_err(wrong)?);
            let value =
                value.ok_or_else(|| wrong(format!("member {} has the wrong type", field.name)))?;
            values.push(Some(value));
        }
        Ok(Given { id, values })
    }
}

fn wrong(reason: impl ToString) -> CodecError {
    CodecError { reason: reason.to_string() }
}

/// The texts of the members that are of interest.
struct Raw<'de> {
    id: Option<&'de RawValue>,
    fields: Vec<Option<&'de RawValue>>,
}

/// Reads an object without reading into its members, so that depth and unknown members cost nothing.
struct Members<'e>(&'e Entity);

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Raw<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw<'de>, A::Error> {
        let mut raw = Raw { id: None, fields: vec![None; self.0.fields.len()] };
        while let Some(member) = map.next_key_seed(Name(self.0))? {
            match member {
                Member::Id => raw.id = Some(map.next_value()?),
                Member::Field(at) => raw.fields[at] = Some(map.next_value()?),
                Member::Unknown => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(raw)
    }
}

enum Member {
    Id,
    Field(usize),
    Unknown,
}

/// Reads a member's name.
struct Name<'e>(&'e Entity);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            "id" => Member::Id,
            _ => self.0.position(name).map_or(Member::Unknown, Member::Field),
        })
    }
}
