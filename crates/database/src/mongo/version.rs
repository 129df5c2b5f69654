//! The version of a document that has no field for one: a Java service that shares the collection writes whole documents
//! and would drop it. So the version is a hash of the content, the same in every process and release.

use crate::Value;

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
struct Hash(u64);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// The version of values as MongoDB keeps them; always positive.
pub(super) fn of(values: &[Value]) -> i64 {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    for value in values {
        match value {
            Value::Null => hash.add(&[0]),
            Value::Text(text) => {
                hash.add(&[1]);
                hash.add(&text.len().to_le_bytes());
                hash.add(text.as_bytes());
            }
            Value::Integer(number) => {
                hash.add(&[2]);
                hash.add(&number.to_le_bytes());
            }
            Value::Real(number) => {
                hash.add(&[3]);
                hash.add(&number.to_bits().to_le_bytes());
            }
            Value::Boolean(truth) => hash.add(&[4, u8::from(*truth)]),
            Value::Instant(instant) => {
                hash.add(&[5]);
                hash.add(&super::document::milliseconds(*instant).to_le_bytes());
            }
        }
    }
    // The last bits of this hash depend on fewer bits of the content than the first ones.
    i64::from_le_bytes(((hash.0 >> 1) | u64::from(hash.0 >> 1 == 0)).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Value {
        Value::Instant(text.parse().unwrap())
    }

    #[test]
    fn is_the_same_in_every_release() {
        let values = [
            Value::Text("Moby Dick".to_owned()),
            Value::Integer(600),
            Value::Real(9.5),
            Value::Boolean(true),
            instant("2022-09-11T08:37:30.664Z"),
            Value::Null,
        ];
        assert_eq!(of(&values), 2_197_812_943_570_679_365);
    }

    #[test]
    fn tells_contents_apart_and_nothing_else() {
        let text = |text: &str| Value::Text(text.to_owned());
        let different = [
            vec![],
            vec![Value::Null],
            vec![Value::Null, Value::Null],
            vec![text("")],
            vec![text("a"), text("b")],
            vec![text("ab"), text("")],
            vec![text("b"), text("a")],
            vec![Value::Integer(1)],
            vec![Value::Real(1.0)],
            vec![Value::Boolean(true)],
            vec![Value::Boolean(false)],
            vec![Value::Integer(0)],
            vec![instant("1970-01-01T00:00:00Z")],
            vec![instant("1970-01-01T00:00:00.001Z")],
        ];
        let mut versions: Vec<i64> = different.iter().map(|values| of(values)).collect();
        assert!(versions.iter().all(|version| *version > 0), "{versions:?}");
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), different.len());
        // MongoDB does not keep the rest.
        let precise = of(&[instant("1970-01-01T00:00:00.001999Z")]);
        assert_eq!(precise, of(&[instant("1970-01-01T00:00:00.001Z")]));
    }
}
