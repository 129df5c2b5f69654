//! Instants as PostgreSQL keeps them: microseconds since 2000, with the two ends of its range for ever.

use jiff::Timestamp;
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{
        PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, types::Oid,
    },
};

/// 2000-01-01T00:00:00Z in microseconds of Unix time.
const EPOCH: i64 = 946_684_800_000_000;
/// The first instant that PostgreSQL can keep, 4714-11-24 BC, in microseconds since 2000.
const FIRST: i64 = -211_813_488_000_000_000;
/// What PostgreSQL calls `-infinity`.
const ALWAYS_BEFORE: i64 = i64::MIN;

/// A `timestamp with time zone` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant(i64);

impl Instant {
    /// An instant to compare with, whatever PostgreSQL can keep: what is before that is before everything.
    pub(super) fn to_compare(instant: Timestamp) -> Self {
        let Instant(microseconds) = instant.into();
        Instant(if microseconds < FIRST { ALWAYS_BEFORE } else { microseconds })
    }
}

impl From<Timestamp> for Instant {
    /// Rounds to the nearest microsecond, as PostgreSQL's driver for Java does.
    fn from(instant: Timestamp) -> Self {
        let microseconds = (instant.as_nanosecond() + 500).div_euclid(1000);
        Instant(i64::try_from(microseconds).unwrap_or(ALWAYS_BEFORE).saturating_sub(EPOCH))
    }
}

impl From<Instant> for Timestamp {
    /// Takes an instant that is too far away, or for ever, for the nearest that there is.
    fn from(Instant(microseconds): Instant) -> Self {
        let nearest = if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let nanoseconds = (i128::from(microseconds) + i128::from(EPOCH)) * 1000;
        Timestamp::from_nanosecond(nanoseconds).unwrap_or(nearest)
    }
}

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        // `timestamp with time zone`, the same number in every PostgreSQL.
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl PgHasArrayType for Instant {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1185))
    }
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Instant {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => Ok(Instant(i64::from_be_bytes(value.as_bytes()?.try_into()?))),
            PgValueFormat::Text => Err("an instant came as a text".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_the_nearest_microsecond() {
        for (given, kept) in [
            ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
            ("2026-11-24T01:46:51.391455499Z", "2026-11-24T01:46:51.391455Z"),
            ("2022-09-05T18:08:31.123456789Z", "2022-09-05T18:08:31.123457Z"),
            ("1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z"),
            ("-009999-01-03T00:00:00.000000001Z", "-009999-01-03T00:00:00Z"),
            ("9999-12-30T22:00:00.999999499Z", "9999-12-30T22:00:00.999999Z"),
        ] {
            let given: Timestamp = given.parse().unwrap();
            assert_eq!(Timestamp::from(Instant::from(given)), kept.parse::<Timestamp>().unwrap());
        }
    }

    #[test]
    fn takes_what_is_too_far_away_for_the_nearest() {
        for (microseconds, nearest) in [
            (i64::MAX, Timestamp::MAX),
            (i64::MAX - 1, Timestamp::MAX),
            (i64::MIN, Timestamp::MIN),
            (i64::MIN + 1, Timestamp::MIN),
        ] {
            assert_eq!(Timestamp::from(Instant(microseconds)), nearest);
        }
    }

    #[test]
    fn compares_with_instants_before_the_first() {
        let before = "-004713-11-23T00:00:00Z".parse().unwrap();
        assert_eq!(Instant::to_compare(before), Instant(i64::MIN));
        let first = "-004713-11-24T00:00:00Z".parse().unwrap();
        assert_eq!(Instant::to_compare(first), Instant(FIRST));
    }
}
