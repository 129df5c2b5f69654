//! Names of elements, coded as the Java codec does (XStream's `XmlFriendlyNameCoder`): `_` is doubled, `$` is `_-`, and what
//! no name may have is `_.` with four hexadecimal digits.

/// Appends a name in its coded form.
pub(crate) fn push_encoded(target: &mut String, name: &str) {
    for (place, character) in name.chars().enumerate() {
        match character {
            '_' => target.push_str("__"),
            '$' => target.push_str("_-"),
            character if may_stand(character, place == 0) => target.push(character),
            character => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    target.push_str(&format!("_.{unit:04x}"));
                }
            }
        }
    }
    if name.is_empty() {
        // An element has to be called something; the coded form of nothing reads as nothing.
        target.push('_');
    }
}

/// The name that a coded name stands for. A lone underscore is one: clients that write XML by hand do not double it.
pub(crate) fn decode(coded: &str) -> String {
    if coded == "_" {
        return String::new();
    }
    let mut units: Vec<u16> = Vec::with_capacity(coded.len());
    let mut rest = coded;
    while let Some(character) = rest.chars().next() {
        let hexadecimal = rest.strip_prefix("_.").and_then(|rest| rest.get(..4));
        let unit = hexadecimal.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        if let Some(unit) = unit {
            units.push(unit);
            rest = rest.get(6..).unwrap_or_default();
        } else if let Some(after) = rest.strip_prefix("__") {
            units.push(u16::from(b'_'));
            rest = after;
        } else if let Some(after) = rest.strip_prefix("_-") {
            units.push(u16::from(b'$'));
            rest = after;
        } else {
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
    }
    String::from_utf16_lossy(&units)
}

/// Whether a name may have the character, `first` in the front (XML 1.0, fifth edition, productions 4 and 4a, without the
/// colon, which would name a namespace).
fn may_stand(character: char, first: bool) -> bool {
    let starts = matches!(character,
        'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}');
    let follows = matches!(character,
        '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}');
    starts || (follows && !first)
}
