//! Turns the names that programs use into words that people read.

/// The words of a name in camel, kebab or snake case, in lower case: `createTimestamp` is `create timestamp`.
pub(crate) fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut previous = ' ';
    for c in name.chars() {
        let separator = matches!(c, '-' | '_' | '.' | ' ');
        let starts_word = separator || c.is_uppercase() && !previous.is_uppercase();
        if starts_word && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        if !separator {
            words.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.trim_end().to_owned()
}

/// The words of a name as the start of a sentence: `book-orders` is `Book orders`.
pub(crate) fn title(name: &str) -> String {
    let words = words(name);
    let mut chars = words.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + chars.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{title, words};

    #[test]
    fn names_become_words() {
        for (name, expected) in [
            ("book-orders", "book orders"),
            ("BookOrder", "book order"),
            ("createTimestamp", "create timestamp"),
            ("first_name", "first name"),
            ("ID", "id"),
            ("--odd--", "odd"),
            ("", ""),
        ] {
            assert_eq!(words(name), expected);
        }
    }

    #[test]
    fn titles_start_with_a_capital() {
        for (name, expected) in
            [("book-orders", "Book orders"), ("überweisung", "Überweisung"), ("", "")]
        {
            assert_eq!(title(name), expected);
        }
    }
}
