//! Text in XML.

/// Writes text so that it is text in an element as well as in an attribute, as the Java codec does.
pub(crate) fn push_escaped(target: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => target.push_str("&amp;"),
            '<' => target.push_str("&lt;"),
            '>' => target.push_str("&gt;"),
            '"' => target.push_str("&quot;"),
            '\'' => target.push_str("&apos;"),
            '\r' => target.push_str("&#xd;"),
            character if is_allowed(character) => target.push(character),
            // XML 1.0 has no way to say these. Registrations with them are refused, so none should arrive here.
            _ => target.push('\u{fffd}'),
        }
    }
}

/// Whether XML 1.0 can carry the character (production 2, Char).
pub(crate) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
