//! The names before an encrypted text: `{key:alias}`, `{secret:word}`, and `{plain}` before a text that begins with a brace.

const PLAIN: &str = "{plain}";

/// The names as they stand before a text to encrypt, without those of the application and its profiles, which are known
/// when it is decrypted.
pub(in super::super) fn names(text: &str) -> String {
    let end = text.find(PLAIN).unwrap_or(text.len() - without_names(text).len());
    let kept = parts(&text[..end])
        .filter(|part| !part.starts_with("{name:") && !part.starts_with("{profiles:"));
    kept.collect()
}

/// The text after its names.
pub(in super::super) fn without_names(text: &str) -> &str {
    if let Some(at) = text.find(PLAIN) {
        return &text[at + PLAIN.len()..];
    }
    let length: usize = parts(text).map(str::len).sum();
    &text[length..]
}

/// The parts `{name:value}` that a text begins with.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.strip_prefix('{')?.find('}')? + 2;
        let (part, after) = rest.split_at(end);
        rest = after;
        part.contains(':').then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_before_the_text() {
        for (text, expected_names, expected_text) in [
            ("abc", "", "abc"),
            ("{key:x}abc", "{key:x}", "abc"),
            ("{key:x}{secret:y}abc}", "{key:x}{secret:y}", "abc}"),
            ("{name:a}{key:x}abc", "{key:x}", "abc"),
            ("{plain}{a:b}abc", "", "{a:b}abc"),
            ("{cipher:}abc", "{cipher:}", "abc"),
            ("{open", "", "{open"),
            ("{}abc", "", "{}abc"),
            ("", "", ""),
        ] {
            assert_eq!(
                (names(text).as_str(), without_names(text)),
                (expected_names, expected_text),
                "{text}"
            );
        }
    }
}
