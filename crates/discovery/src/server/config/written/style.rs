//! Which quotes a text needs so that it is read back as the same text (YAML 1.1).

use chassis::config::yaml::is_text;

use super::Place;

/// How a text is written.
#[derive(Debug, PartialEq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// Line by line, below a bar.
    Literal,
}

/// Chooses as the original does: plain if that is safe, lines as lines, else single quotes, else double ones.
pub(super) fn style(text: &str, place: Place) -> Style {
    if text.is_empty() {
        return Style::Single;
    }
    let is_break = |c: char| matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let lines = text.contains(is_break);
    let special = text.chars().any(is_special);
    let ends_blank = text.ends_with(' ');
    let breaks_inside = |first: char, second: char| {
        let mut pairs = text.chars().zip(text.chars().skip(1));
        pairs.any(|(a, b)| {
            let same = |c: char, kind: char| if kind == '\n' { is_break(c) } else { c == kind };
            same(a, first) && same(b, second)
        })
    };
    let (space_break, break_space) = (breaks_inside(' ', '\n'), breaks_inside('\n', ' '));
    if special || space_break {
        return Style::Double;
    }
    if lines {
        return match place {
            Place::Value if !ends_blank => Style::Literal,
            _ => Style::Double,
        };
    }
    let plain = !text.starts_with(' ') && !ends_blank && !has_indicators(text) && is_text(text);
    match (plain, break_space) {
        (true, _) => Style::Plain,
        (false, false) => Style::Single,
        (false, true) => Style::Double,
    }
}

/// What a character is written as between double quotes, if not as itself.
pub(super) fn escaped(c: char) -> Option<String> {
    let letter = match c {
        '"' => '"',
        '\\' => '\\',
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        c if is_special(c) && (c as u32) < 0x100 => return Some(format!("\\x{:02x}", c as u32)),
        c if is_special(c) => return Some(format!("\\u{:04x}", c as u32)),
        _ => return None,
    };
    Some(format!("\\{letter}"))
}

/// Only between double quotes: what cannot be printed.
fn is_special(c: char) -> bool {
    !matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        || c == '\u{feff}'
}

/// Whether a text has signs that mean something else at their places.
fn has_indicators(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    let ends_word = |c: Option<char>| c.is_none_or(|c| matches!(c, ' ' | '\t' | '\0'));
    let leading = first.is_some_and(|c| "#,[]{}&*!|>'\"%@`".contains(c))
        || (matches!(first, Some('?' | ':' | '-')) && ends_word(characters.next()));
    let after = |c: char| {
        text.match_indices(c).map(move |(at, _)| text[at + c.len_utf8()..].chars().next())
    };
    let before_hash = text.match_indices('#').any(|(at, _)| ends_word(text[..at].chars().last()));
    let document = text.starts_with("---") || text.starts_with("...");
    leading || document || after(':').any(ends_word) || (before_hash && text.contains('#'))
}
