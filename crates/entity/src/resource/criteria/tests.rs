//! Which conditions a query makes, and which it cannot.

use super::*;
use crate::codec::tests::ORDER;

fn read(parameters: &[(&str, &str)]) -> Result<Vec<(Option<usize>, Test)>, String> {
    let mut criteria = Criteria::default();
    for (name, text) in parameters {
        criteria
            .read(&ORDER, name, text)
            .map_err(|problem| format!("{} {}", problem.status().as_u16(), problem.detail()))?;
    }
    Ok(criteria.conditions().cloned().map(|Condition { column, test }| (column, test)).collect())
}

fn check(name: &str, text: &str, column: Option<usize>, test: Test) {
    assert_eq!(read(&[(name, text)]), Ok(vec![(column, test)]), "{name}={text}");
}

#[test]
fn each_operator_is_a_test() {
    let text = |text: &str| Value::from(text);
    check("title.equals", "Moby, Dick", Some(0), Test::OneOf(vec![text("Moby, Dick")]));
    check("title.equals", "", Some(0), Test::OneOf(vec![text("")]));
    check("title.notEquals", "x", Some(0), Test::NoneOf(vec![text("x")]));
    check("title.in", "a,b", Some(0), Test::OneOf(vec![text("a"), text("b")]));
    check("title.contains", "ob", Some(0), Test::Contains("ob".into()));
    check("title.doesNotContain", "ob", Some(0), Test::Lacks("ob".into()));
    check("title.greaterThan", "M", Some(0), Test::Greater(text("M")));
    check("state.in", "NEW, PAID", Some(1), Test::OneOf(vec![text("NEW"), text("PAID")]));
    check("state.notIn", "NEW", Some(1), Test::NoneOf(vec![text("NEW")]));
    check("state.specified", "false", Some(1), Test::IsSet(false));
    check("count.lessThan", "4", Some(2), Test::Less(Value::Integer(4)));
    check("count.lessThanOrEqual", "-4", Some(2), Test::AtMost(Value::Integer(-4)));
    check("price.greaterThanOrEqual", "1.5", Some(3), Test::AtLeast(Value::Real(1.5)));
    check("gift.equals", "yes", Some(4), Test::OneOf(vec![Value::Boolean(true)]));
    let instant = Value::Instant("2026-01-01T00:00:00Z".parse().unwrap());
    check("placed.greaterThan", "2026-01-01T01:00:00+01:00", Some(5), Test::Greater(instant));
    check("id.in", "7,8", None, Test::OneOf(vec![Value::Integer(7), Value::Integer(8)]));
}

#[test]
fn the_same_list_given_several_times_is_one() {
    let number = Value::Integer;
    let twice = read(&[("count.in", "1,2"), ("count.in", "3")]);
    assert_eq!(twice, Ok(vec![(Some(2), Test::OneOf(vec![number(1), number(2), number(3)]))]));
    let both = read(&[("count.in", "1"), ("count.equals", "2")]).unwrap();
    assert_eq!(both.len(), 2);
}

#[test]
fn what_is_no_filter_means_nothing() {
    for name in ["title", "nosuch.equals", "title.nosuch", "title.", ".equals", "a.b.c", "", "."] {
        assert_eq!(read(&[(name, "1")]), Ok(Vec::new()), "{name}");
    }
    for name in ["count.equals", "gift.specified", "placed.lessThan", "state.in"] {
        assert_eq!(read(&[(name, " ")]), Ok(Vec::new()), "{name}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_by_name() {
    for (name, text, reason) in [
        ("count.equals", "x", "'x' is not a whole number of 32 bits"),
        ("count.equals", "3000000000", "'3000000000' is not a whole number of 32 bits"),
        ("count.in", "1,,2", "'' is not a whole number of 32 bits"),
        (
            "id.equals",
            "9223372036854775808",
            "'9223372036854775808' is not a whole number of 64 bits",
        ),
        ("price.lessThan", "NaN", "'NaN' is not a number"),
        ("gift.equals", "maybe", "'maybe' is not true or false"),
        ("title.specified", "maybe", "'maybe' is not true or false"),
        ("placed.equals", "today", "'today' is not an instant like 2026-01-31T12:00:00Z"),
        ("state.equals", "LOST", "'LOST' is none of NEW, PAID"),
        ("state.contains", "N", "state cannot be compared so"),
        ("gift.greaterThan", "true", "gift cannot be compared so"),
        ("id.contains", "7", "id cannot be compared so"),
    ] {
        let told = format!("400 Parameter '{name}' cannot be used: {reason}");
        assert_eq!(read(&[(name, text)]), Err(told));
    }
}

#[test]
fn there_are_only_so_many() {
    let most = vec!["1"; VALUES].join(",");
    assert!(read(&[("count.in", &most)]).is_ok());
    let told = "400 Parameter 'count.in' cannot be used: there can be at most 100 values";
    assert_eq!(read(&[("count.in", &format!("{most},1"))]), Err(told.into()));
    assert_eq!(read(&[("count.in", &most), ("count.in", "1")]), Err(told.into()));
    assert!(read(&[("count.equals", "1"); CONDITIONS]).is_ok());
    let told = "400 Parameter 'count.equals' cannot be used: a list can have at most 32 filters";
    assert_eq!(read(&[("count.equals", "1"); CONDITIONS + 1]), Err(told.into()));
}
