//! Expressions of profiles: `prod`, `!prod`, `a & b`, `a | b`, `a & (b | !c)`.

/// How deep an expression may be nested.
const DEPTH: usize = 32;

/// Whether an expression holds when these profiles are active. What is no expression never holds; `&` and `|` mix only
/// with parentheses, as in Spring.
pub(super) fn hold(expression: &str, profiles: &[String]) -> bool {
    let mut rest = Rest { text: expression, profiles };
    let holds = rest.expression(0);
    rest.skip_blanks();
    rest.text.is_empty() && holds == Some(true)
}

struct Rest<'a> {
    text: &'a str,
    profiles: &'a [String],
}

impl Rest<'_> {
    /// Terms that one kind of sign joins; nothing when that is not what the text says.
    fn expression(&mut self, depth: usize) -> Option<bool> {
        let mut holds = self.term(depth)?;
        let mut sign = None;
        loop {
            self.skip_blanks();
            let Some(next) = self.text.chars().next().filter(|c| matches!(c, '&' | '|')) else {
                return Some(holds);
            };
            if sign.is_some_and(|sign| sign != next) {
                return None;
            }
            sign = Some(next);
            self.text = &self.text[1..];
            let term = self.term(depth)?;
            holds = if next == '&' { holds && term } else { holds || term };
        }
    }

    fn term(&mut self, depth: usize) -> Option<bool> {
        self.skip_blanks();
        if depth > DEPTH {
            return None;
        }
        if let Some(rest) = self.text.strip_prefix('!') {
            self.text = rest;
            return self.term(depth + 1).map(|holds| !holds);
        }
        if let Some(rest) = self.text.strip_prefix('(') {
            self.text = rest;
            let holds = self.expression(depth + 1)?;
            self.skip_blanks();
            self.text = self.text.strip_prefix(')')?;
            return Some(holds);
        }
        let end = self.text.find(['&', '|', '!', '(', ')']).unwrap_or(self.text.len());
        let (name, rest) = self.text.split_at(end);
        self.text = rest;
        let name = name.trim_end();
        (!name.is_empty()).then(|| self.profiles.iter().any(|profile| profile == name))
    }

    fn skip_blanks(&mut self) {
        self.text = self.text.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::hold;

    fn check(expression: &str, expected: bool) {
        let profiles = ["prod", "eu-west"].map(str::to_owned);
        assert_eq!(hold(expression, &profiles), expected, "{expression}");
    }

    #[test]
    fn expressions_are_those_of_spring() {
        for expression in
            ["prod", " !dev", "prod & eu-west", "dev | prod", "prod & (dev | !test)", "!(dev|test)"]
        {
            check(expression, true);
        }
        for expression in ["dev", "!prod", "prod & dev", "!(prod)", "prod & !(eu-west)"] {
            check(expression, false);
        }
        let deep = format!("{}prod{}", "(".repeat(100), ")".repeat(100));
        for wrong in [
            "",
            "prod & dev | eu-west",
            "prod &",
            "(prod",
            "prod)",
            "& prod",
            "!",
            "prod ! dev",
            &deep,
        ] {
            check(wrong, false);
        }
    }
}
