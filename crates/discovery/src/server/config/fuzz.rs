//! Entry points for fuzzing: any bytes in, no panic, and what is written is read back.

use chassis::Secret;

use super::{
    cipher::{Cipher, CipherOptions, without_names},
    expand::expand,
    flat::{self, Nested, Ordered},
    json::{self, Head, Origins},
    source::{self, Source, Value},
    written,
};

/// Reads bytes as a file of properties of this extension, and writes every form of it.
///
/// # Panics
/// When what was written as YAML does not say the same.
pub fn file(extension: &str, bytes: &[u8]) {
    let Some(sources) = sources(extension, bytes) else { return };
    let head = Head { name: "a", profiles: "b", label: None, version: None };
    let text = json::environment(&head, &sources, Origins::With);
    // No answer at all is fine here: placeholders may lead in a circle.
    drop(expand(&text, &sources));
    let counting = flat::flat(&sources);
    let Ok(nested) = flat::nested(&counting) else { return };
    let written = written::yaml(&nested);
    let read = source::parse("a.yml", written.as_bytes());
    let read = read.unwrap_or_else(|error| panic!("{error}\n{written}"));
    let read: Vec<Source> = read.into_iter().map(|document| of(document.properties)).collect();
    let again =
        flat::nested(&flat::flat(&read)).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(texts(&again), texts(&nested), "{written}");
}

/// Decrypts bytes with a password.
pub fn cipher(bytes: &[u8]) {
    let key = Secret::new("a".to_owned());
    let (Ok(text), Ok(cipher)) =
        (std::str::from_utf8(bytes), Cipher::new(&key, &CipherOptions::default()))
    else {
        return;
    };
    drop(cipher.decrypt(without_names(text)));
}

fn sources(extension: &str, bytes: &[u8]) -> Option<Vec<Source>> {
    let documents = source::parse(&format!("a.{extension}"), bytes).ok()?;
    Some(documents.into_iter().rev().map(|document| of(document.properties)).collect())
}

fn of(properties: std::sync::Arc<Vec<source::Property>>) -> Source {
    Source { name: "a".to_owned(), file: "a".to_owned(), commit: None, properties }
}

/// Every text with its path.
fn texts(root: &Ordered<Nested>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting: Vec<(String, &Nested)> =
        root.iter().map(|(key, value)| (key.to_owned(), value)).collect();
    while let Some((path, value)) = waiting.pop() {
        match value {
            Nested::Leaf(Value::Text(text)) => found.push((path, text.clone())),
            // What is missing in a list is read back as nothing.
            Nested::Null => found.push((path, String::new())),
            Nested::Leaf(_) => {}
            Nested::List(items) => {
                let items = items.iter().enumerate();
                waiting.extend(items.map(|(at, item)| (format!("{path}[{at}]"), item)));
            }
            Nested::Mapping(members) => {
                waiting.extend(members.iter().map(|(key, value)| (format!("{path}.{key}"), value)));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word of these next to every other, in each format: small, and the whole of it is tried.
    const PIECES: [&str; 40] = [
        "a",
        "b:",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "#",
        " #",
        "'",
        "\"",
        "\\",
        "|",
        ">",
        "|2-\n",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x",
        "*x",
        "!!str ",
        "<<: ",
        "? ",
        "---\n",
        "%",
        "@",
        "\t",
        "\u{85}",
        "\u{1f56f}",
        "\u{0}",
        "on",
        "1",
        "0x1",
        "1:30",
        ".inf",
        "~",
        "${a}",
        "{cipher}00",
        "=",
    ];

    #[test]
    fn small_texts_of_any_kind_are_survived() {
        for extension in ["yml", "properties"] {
            for first in PIECES {
                for second in PIECES {
                    for third in ["", "\nb: y\n", " z]"] {
                        file(extension, format!("{first}{second}{third}").as_bytes());
                        file(extension, format!("k: {first}{second}{third}").as_bytes());
                    }
                }
            }
        }
    }

    #[test]
    fn texts_are_read_back_as_they_were() {
        let texts = PIECES
            .iter()
            .flat_map(|first| PIECES.iter().map(move |second| format!("{first}{second}")));
        for text in texts.chain([
            "a b ".repeat(60),
            "a\n b\nc ".into(),
            " ".into(),
            "a  b".repeat(50),
            "\n\n".into(),
            "\t x\n".repeat(30),
        ]) {
            let escaped: String =
                text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            if text.chars().all(|c| c <= '\u{ffff}') {
                file("properties", format!("k={escaped}").as_bytes());
                file("properties", format!("k[0].l={escaped}").as_bytes());
            }
        }
    }

    #[test]
    fn the_corpus_is_survived() {
        let folder =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/recorded/config/spring/folder");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
                continue;
            };
            let bytes = std::fs::read(&path).unwrap();
            file(extension, &bytes);
            cipher(&bytes);
            for cut in (0..bytes.len()).step_by(31) {
                file(extension, &bytes[..cut]);
            }
            seen += 1;
        }
        assert!(seen > 20);
    }

    #[test]
    fn any_text_is_no_reason_to_stop_decrypting() {
        for first in PIECES {
            for second in ["", "{key:a}", "00", &"ab".repeat(16), &"ab".repeat(17), "}"] {
                cipher(format!("{first}{second}").as_bytes());
                cipher(format!("{second}{first}").as_bytes());
            }
        }
        cipher(b"\xff");
    }
}
