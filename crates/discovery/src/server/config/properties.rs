//! Java's `.properties` format: lines `key=value`, comments, continued lines, escapes; and Spring's documents in one file.

use std::{iter::Peekable, str::Chars};

use super::source::{Property, Value};

/// Reads every pair of every document; a line `#---` ends one. Any text is valid. A document without pairs is left out.
pub(super) fn documents(text: &str) -> Vec<Vec<Property>> {
    let mut lines = text.lines().enumerate();
    let (mut documents, mut found) = (Vec::new(), Vec::new());
    while let Some((number, first)) = lines.next() {
        if matches!(first.trim_end(), "#---" | "!---") {
            documents.push(std::mem::take(&mut found));
            continue;
        }
        let indent = first.chars().take_while(|c| is_blank(*c)).count();
        let mut line: String = first.chars().skip(indent).collect();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while ends_in_continuation(&line) {
            line.pop();
            let Some((_, next)) = lines.next() else { break };
            line.push_str(next.trim_start_matches(is_blank));
        }
        found.push(pair(&line, number + 1, indent));
    }
    documents.push(found);
    documents.retain(|document| !document.is_empty());
    documents
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn ends_in_continuation(line: &str) -> bool {
    line.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// Splits at the first `=`, `:` or blank that is not escaped; blanks around it belong to neither side.
fn pair(line: &str, number: usize, indent: usize) -> Property {
    let total = line.chars().count();
    let mut rest = line.chars().peekable();
    let key = unescaped(&mut rest, |c| matches!(c, '=' | ':') || is_blank(c));
    skip_blanks(&mut rest);
    if rest.next_if(|c| matches!(c, '=' | ':')).is_some() {
        skip_blanks(&mut rest);
    }
    let column = indent + total - rest.clone().count() + 1;
    let value = unescaped(&mut rest, |_| false);
    Property { key, value: Value::Text(value), place: (number, column), secret: false }
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| is_blank(*c)).is_some() {}
}

fn unescaped(rest: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    while let Some(c) = rest.next_if(|c| !ends(*c)) {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('f') => text.push('\u{c}'),
            Some('u') => {
                let digits: String =
                    (0..4).filter_map(|_| rest.next_if(char::is_ascii_hexdigit)).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                text.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::documents;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = documents(text).concat();
        let found: Vec<_> = found.into_iter().map(|p| (p.key, p.value.to_string())).collect();
        let found: Vec<_> =
            found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_line_may_end_a_document() {
        let found = documents("#---\na=1\n#---\n# x\n!---  \nb=2\n# ---\nc=3");
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn reads_the_three_separators() {
        check("a=1\nb: 2\nc 3\nd\n", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "")]);
        check("a = b = c", &[("a", "b = c")]);
    }

    #[test]
    fn leaves_out_comments_and_empty_lines() {
        check("# x\n\n  ! y\n \t\na=1 # not a comment\n", &[("a", "1 # not a comment")]);
    }

    #[test]
    fn reads_escapes_and_continued_lines() {
        check("a\\ b\\=c=d\\u00e9\\n\\\\", &[("a b=c", "d\u{e9}\n\\")]);
        check("list=one,\\\n   two\nb=\\\\\nc=1", &[("list", "one,two"), ("b", "\\"), ("c", "1")]);
        check("a=\\uZZ", &[("a", "\u{fffd}ZZ")]);
        check("a=b\\", &[("a", "b")]);
    }

    #[test]
    fn tells_where_a_value_stands() {
        let found = documents("\n  book.title = x");
        assert_eq!(found[0][0].place, (2, 16));
    }
}
