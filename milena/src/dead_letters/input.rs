//! What a person says beside the command line: files, and answers at the terminal.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use chassis::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::Misuse;

/// The longest secret, in bytes.
const SECRET: u64 = 64 * 1024;
/// The longest answer at the terminal, in bytes.
const ANSWER: u64 = 4 * 1024;

/// Reads a file of at most `most` bytes; `-` is the standard input.
pub(super) fn bytes(file: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let name = file.display();
    let mut bytes = Vec::new();
    let input: Box<dyn Read> = match file == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(file).with_context(|| format!("open {name}"))?),
    };
    input.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("read {name}"))?;
    ensure!(bytes.len() as u64 <= most, "{name} has more than {most} bytes");
    Ok(bytes)
}

/// Reads a secret, without the line break behind it.
pub(super) fn secret(file: &Path) -> anyhow::Result<Secret<String>> {
    let text = String::from_utf8(bytes(file, SECRET)?)
        .map_err(|_| Misuse(format!("{} is no text", file.display())))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Misuse(format!("{} is empty", file.display())).into());
    }
    Ok(Secret::new(text.to_owned()))
}

/// Asks for a password, which is not shown.
pub(super) fn password(user: &str) -> anyhow::Result<Secret<String>> {
    let input = io::stdin();
    if !input.is_terminal() {
        let text = "there is no terminal to ask for the password: name a --password-file";
        return Err(Misuse(text.to_owned()).into());
    }
    let before = tcgetattr(&input).context("ask the terminal")?;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &hidden).context("hide what is typed")?;
    let answer = ask(&format!("Password of {user}: "));
    tcsetattr(&input, OptionalActions::Flush, &before).context("show again what is typed")?;
    eprintln!();
    Ok(Secret::new(answer?))
}

/// Whether a person says yes.
pub(super) fn confirms(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(
            Misuse("there is no terminal to ask whether that is meant: --yes".to_owned()).into()
        );
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    Ok(["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes)))
}

fn ask(question: &str) -> anyhow::Result<String> {
    // Questions are no answers: what is written to the standard output may go into a file.
    eprint!("{question}");
    io::stderr().flush().context("ask")?;
    let mut answer = Vec::new();
    let mut input = io::stdin().lock().take(ANSWER);
    io::BufRead::read_until(&mut input, b'\n', &mut answer).context("read the answer")?;
    let answer = String::from_utf8(answer).context("read the answer")?;
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_text_of_a_file_without_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        for (content, expected) in [
            (&b"hunter2\n"[..], Ok("hunter2")),
            (b" with spaces \r\n", Ok(" with spaces ")),
            (b"\n", Err("is empty")),
            (&[0xff], Err("is no text")),
            (&[b'x'; 70_000], Err("more than 65536 bytes")),
        ] {
            std::fs::write(&file, content).unwrap();
            match (secret(&file), expected) {
                (Ok(found), Ok(text)) => assert_eq!(found.expose(), text),
                (Err(error), Err(text)) => {
                    assert!(format!("{error:#}").contains(text), "{error:#}")
                }
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
        assert!(secret(&folder.path().join("absent")).is_err());
    }
}
