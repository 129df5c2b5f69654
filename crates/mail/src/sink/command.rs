//! Reads a command line (RFC 5321 §4.1). Pure; what a command means at its moment is the session's business.

/// RFC 5321 §4.5.3.1.3, with the angle brackets.
const MAX_PATH: usize = 254;

/// A reply to a line that is not a command.
pub(super) type Refusal = &'static str;

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// EHLO (`extended`) or HELO.
    Hello { extended: bool, client: String },
    /// MAIL, with the size that the client announces.
    Mail { from: String, size: Option<u64>, utf8: bool },
    /// RCPT.
    Recipient(String),
    /// DATA.
    Data,
    /// RSET.
    Reset,
    /// NOOP.
    Noop,
    /// VRFY.
    Verify,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Result<Command, Refusal> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let alone =
        |command| if rest.is_empty() { Ok(command) } else { Err("501 5.5.4 no argument expected") };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => hello(rest, true),
        "HELO" => hello(rest, false),
        "MAIL" => mail(rest),
        "RCPT" => recipient(rest),
        "DATA" => alone(Command::Data),
        "RSET" => alone(Command::Reset),
        "QUIT" => alone(Command::Quit),
        "NOOP" => Ok(Command::Noop),
        "HELP" => Ok(Command::Help),
        "VRFY" if rest.is_empty() => Err("501 5.5.4 VRFY needs an argument"),
        "VRFY" => Ok(Command::Verify),
        "EXPN" | "STARTTLS" | "AUTH" | "BDAT" | "TURN" | "ETRN" => {
            Err("502 5.5.1 command not implemented")
        }
        _ => Err("500 5.5.2 command not recognised"),
    }
}

fn hello(client: &str, extended: bool) -> Result<Command, Refusal> {
    if client.is_empty() || client.contains(' ') {
        return Err("501 5.5.4 name yourself: EHLO your.host.name");
    }
    Ok(Command::Hello { extended, client: client.to_owned() })
}

fn mail(rest: &str) -> Result<Command, Refusal> {
    let (from, parameters) = path(rest, "FROM:").ok_or("501 5.1.7 syntax: MAIL FROM:<address>")?;
    let (mut size, mut utf8) = (None, false);
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", digits) if digits.len() <= 20 && !digits.starts_with('+') => {
                size = Some(digits.parse().map_err(|_| "501 5.5.4 SIZE needs a number")?);
            }
            ("BODY", "7BIT" | "8BITMIME") => {}
            ("SMTPUTF8", "") => utf8 = true,
            _ => return Err("555 5.5.4 parameter not recognised"),
        }
    }
    Ok(Command::Mail { from, size, utf8 })
}

fn recipient(rest: &str) -> Result<Command, Refusal> {
    match path(rest, "TO:") {
        Some((to, parameters)) if !to.is_empty() => {
            if parameters.is_empty() {
                Ok(Command::Recipient(to))
            } else {
                Err("555 5.5.4 parameter not recognised")
            }
        }
        _ => Err("501 5.1.3 syntax: RCPT TO:<address>"),
    }
}

/// Reads `FROM:<path> parameters`. The path may lack a domain: there are programs that send so, and a sink is for them too.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, &'a str)> {
    let given = rest.get(..keyword.len()).filter(|given| given.eq_ignore_ascii_case(keyword))?;
    let rest = rest[given.len()..].trim_start().strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.find(|character| {
        let end = character == '>' && !quoted;
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && quoted && !escaped;
        end
    })?;
    let (path, parameters) = (&rest[..end], &rest[end + 1..]);
    // A route through other servers is passed over, RFC 5321 appendix C.
    let address = if path.starts_with('@') { path.split_once(':')?.1 } else { path };
    let plain = address.contains('"') || !address.contains([' ', '<']);
    let separated = parameters.is_empty() || parameters.starts_with(' ');
    (plain && separated && path.len() <= MAX_PATH).then(|| (address.to_owned(), parameters.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_mail(rest: &str, expected: Result<(&str, Option<u64>, bool), &str>) {
        match (parse(&format!("MAIL {rest}")), expected) {
            (Ok(Command::Mail { from, size, utf8 }), Ok(expected)) => {
                assert_eq!((from.as_str(), size, utf8), expected)
            }
            (Err(refusal), Err(code)) => assert!(refusal.starts_with(code), "{rest}: {refusal}"),
            (got, expected) => panic!("{rest}: {got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_sender_is_read() {
        check_mail("FROM:<a@example.com>", Ok(("a@example.com", None, false)));
        check_mail("from: <a@example.com>", Ok(("a@example.com", None, false)));
        check_mail("FROM:<>", Ok(("", None, false)));
        check_mail("FROM:<Library>", Ok(("Library", None, false)));
        check_mail("FROM:<\"a > b\"@example.com>", Ok(("\"a > b\"@example.com", None, false)));
        check_mail(
            "FROM:<\"a\\\" > b\"@example.com>",
            Ok(("\"a\\\" > b\"@example.com", None, false)),
        );
        check_mail(
            "FROM:<@x.example,@y.example:a@example.com>",
            Ok(("a@example.com", None, false)),
        );
        check_mail(
            "FROM:<a@b.example> SIZE=12 body=8bitmime SMTPUTF8",
            Ok(("a@b.example", Some(12), true)),
        );
    }

    #[test]
    fn a_bad_sender_is_refused() {
        for rest in [
            "",
            "FROM",
            "FROM:",
            "FROM:a@example.com",
            "FROM:<a@example.com",
            "FROM:<a b>",
            "FROM:<<a>>",
            "TO:<a>",
            "FROM:<a>x",
        ] {
            check_mail(rest, Err("501"));
        }
        check_mail(&format!("FROM:<{}@example.com>", "x".repeat(300)), Err("501"));
        check_mail("FROM:<ä", Err("501"));
        check_mail("FRÖM:<a>", Err("501"));
        check_mail("FROM:<a> SIZE=x", Err("501"));
        check_mail("FROM:<a> SIZE=99999999999999999999", Err("501"));
        check_mail("FROM:<a> RET=FULL", Err("555"));
        check_mail("FROM:<a> BODY=BINARYMIME", Err("555"));
    }

    #[test]
    fn a_recipient_is_read() {
        assert_eq!(
            parse("rcpt to:<a@example.com>"),
            Ok(Command::Recipient("a@example.com".to_owned()))
        );
        for (line, code) in
            [("RCPT TO:<>", "501"), ("RCPT", "501"), ("RCPT TO:<a> NOTIFY=NEVER", "555")]
        {
            assert!(parse(line).unwrap_err().starts_with(code), "{line}");
        }
    }

    #[test]
    fn other_commands_are_read() {
        assert_eq!(parse("NOOP whatever"), Ok(Command::Noop));
        assert_eq!(parse("help"), Ok(Command::Help));
        assert_eq!(parse("QUIT "), Ok(Command::Quit));
        for (line, code) in [
            ("", "500"),
            ("BOO", "500"),
            ("EHLO", "501"),
            ("EHLO a b", "501"),
            ("DATA now", "501"),
            ("VRFY", "501"),
            ("EXPN list", "502"),
            ("STARTTLS", "502"),
            ("AUTH PLAIN AAAA", "502"),
        ] {
            assert!(parse(line).unwrap_err().starts_with(code), "{line}");
        }
    }
}
