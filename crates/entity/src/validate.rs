//! Holds values against the rules of their fields, with the words of Java's bean validation.

use chassis::problem::FieldError;
use database::Value;

use crate::{Entity, Rule};

/// Everything that is wrong with the values, in the order of the fields.
pub(crate) fn validate(entity: &Entity, values: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (field, value) in entity.fields.iter().zip(values) {
        let broken = field.rules.iter().filter_map(|rule| broken(*rule, &field.rules, value));
        errors.extend(broken.map(|message| FieldError {
            object_name: entity.object_name(),
            field: field.name.clone().into_owned(),
            message,
        }));
    }
    errors
}

/// What the database's columns cannot take, though no rule forbids it; a sentence for the caller. Characters are counted as
/// PostgreSQL counts them.
pub(crate) fn too_wide(entity: &Entity, values: &[Value]) -> Option<String> {
    entity.fields.iter().zip(values).find_map(|(field, value)| match (field.width, value) {
        (Some(width), Value::Text(text)) if exceeds(text, width) => {
            Some(format!("{} must have at most {width} characters", field.name))
        }
        _ => None,
    })
}

fn exceeds(text: &str, width: u32) -> bool {
    usize::try_from(width).is_ok_and(|width| text.len() > width && text.chars().count() > width)
}

fn broken(rule: Rule, rules: &[Rule], value: &Value) -> Option<String> {
    match (rule, value) {
        (Rule::Required, Value::Null) => Some("must not be null".to_owned()),
        (Rule::MinLength(least), Value::Text(text)) if length(text) < least => Some(size(rules)),
        (Rule::MaxLength(most), Value::Text(text)) if length(text) > most => Some(size(rules)),
        (Rule::Min(least), Value::Integer(number)) if *number < least => {
            Some(format!("must be greater than or equal to {least}"))
        }
        (Rule::Max(most), Value::Integer(number)) if *number > most => {
            Some(format!("must be less than or equal to {most}"))
        }
        _ => None,
    }
}

/// Java puts both bounds into one annotation, hence into one message.
fn size(rules: &[Rule]) -> String {
    let least = rules
        .iter()
        .find_map(|rule| if let Rule::MinLength(least) = rule { Some(*least) } else { None });
    let most = rules
        .iter()
        .find_map(|rule| if let Rule::MaxLength(most) = rule { Some(*most) } else { None });
    format!(
        "size must be between {} and {}",
        least.unwrap_or(0),
        most.unwrap_or(i32::MAX.unsigned_abs())
    )
}

fn length(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{codec::tests::ORDER, decode};

    fn check(body: &str, expected: &[&str]) {
        let (_, values) = decode(&ORDER, body.as_bytes()).unwrap();
        let errors: Vec<String> = validate(&ORDER, &values)
            .iter()
            .map(|error| format!("{} {}", error.field, error.message))
            .collect();
        assert_eq!(errors, expected, "{body}");
    }

    #[test]
    fn a_column_takes_so_many_characters() {
        let mut entity = ORDER;
        entity.fields.to_mut()[0].width = Some(3);
        for (title, expected) in [
            ("abc", None),
            ("🐋🐋🐋", None),
            ("abcd", Some("title must have at most 3 characters")),
        ] {
            let mut values = vec![Value::Null; 6];
            values[0] = title.into();
            assert_eq!(too_wide(&entity, &values).as_deref(), expected, "{title}");
            assert_eq!(too_wide(&ORDER, &values), None);
        }
    }

    #[test]
    fn names_every_broken_rule() {
        check(r#"{"title":"Books","placed":0}"#, &[]);
        check("{}", &["title must not be null", "placed must not be null"]);
        check(r#"{"title":"","placed":0}"#, &[]);
        check(
            r#"{"title":"123456789012345678901","placed":0}"#,
            &["title size must be between 0 and 20"],
        );
        check(r#"{"title":"🐋🐋🐋🐋🐋🐋🐋🐋🐋🐋","placed":0}"#, &[]);
        check(
            r#"{"title":"🐋🐋🐋🐋🐋🐋🐋🐋🐋🐋!","placed":0}"#,
            &["title size must be between 0 and 20"],
        );
        check(
            r#"{"title":"x","count":0,"placed":0}"#,
            &["count must be greater than or equal to 1"],
        );
        check(r#"{"title":"x","count":10,"placed":0}"#, &["count must be less than or equal to 9"]);
    }
}
