//! The text forms in which Prometheus reads figures: its own, version 0.0.4, and OpenMetrics 1.0.

use std::fmt::Write;

/// What kind of figures a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Figures of one name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    /// Without `_total`.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    pub(crate) samples: Vec<Sample>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// What follows the family's name.
    pub(crate) suffix: &'static str,
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: f64,
}

/// Which of the two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Prometheus,
    OpenMetrics,
}

/// Writes the families, or only the figures with one of the `included` names if there are any; each has the label
/// `application`.
pub(crate) fn write(
    families: &[Family],
    application: &str,
    included: &[&str],
    format: Format,
) -> String {
    let mut text = String::with_capacity(16 * 1024);
    for family in families {
        let named = |sample: &&Sample| {
            let suffix = sample.suffix;
            let is =
                |name: &&str| name.strip_prefix(family.name).is_some_and(|rest| rest == suffix);
            included.is_empty() || included.iter().any(is)
        };
        let mut samples = family.samples.iter().filter(named).peekable();
        if samples.peek().is_some() {
            family.head(format, &mut text);
        }
        for sample in samples {
            sample.line(family.name, application, format, &mut text);
        }
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

impl Family {
    pub(crate) fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Family { name, help, kind, samples: Vec::new() }
    }

    /// A family of one figure, or of none.
    pub(crate) fn gauge(name: &'static str, help: &'static str, value: Option<f64>) -> Self {
        let mut family = Family::new(name, Kind::Gauge, help);
        family.samples.extend(value.map(|value| Sample { suffix: "", labels: Vec::new(), value }));
        family
    }

    pub(crate) fn add(
        &mut self,
        suffix: &'static str,
        labels: Vec<(&'static str, String)>,
        value: f64,
    ) {
        self.samples.push(Sample { suffix, labels, value });
    }

    fn head(&self, format: Format, text: &mut String) {
        let Family { name, help, kind, .. } = self;
        let kind_name = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a text cannot fail.
        let _ = match (format, kind) {
            (Format::OpenMetrics, _) => {
                writeln!(text, "# TYPE {name} {kind_name}\n# HELP {name} {help}")
            }
            (Format::Prometheus, Kind::Counter) => {
                writeln!(text, "# HELP {name}_total {help}\n# TYPE {name}_total {kind_name}")
            }
            (Format::Prometheus, _) => {
                writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind_name}")
            }
        };
    }
}

impl Sample {
    fn line(&self, family: &str, application: &str, format: Format, text: &mut String) {
        text.push_str(family);
        text.push_str(self.suffix);
        text.push_str("{application=\"");
        escape(application, text);
        text.push('"');
        for (name, value) in &self.labels {
            let _ = write!(text, ",{name}=\"");
            escape(value, text);
            text.push('"');
        }
        // The Java services end a list of labels with a comma where they may.
        text.push_str(if format == Format::Prometheus { ",} " } else { "} " });
        let _ = match self.value {
            value if value.is_infinite() && value > 0.0 => writeln!(text, "+Inf"),
            value => writeln!(text, "{value:?}"),
        };
    }
}

fn escape(value: &str, text: &mut String) {
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<Family> {
        let mut parcels = Family::new("parcels", Kind::Counter, "How many there were");
        parcels.add("_total", vec![("to", "a \"b\"\\\n".to_owned())], 2.0);
        let shelves = Family::gauge("shelves", "How many there are", Some(0.5));
        vec![parcels, shelves, Family::gauge("boxes", "Nobody knows", None)]
    }

    fn check(included: &[&str], format: Format, expected: &str) {
        assert_eq!(write(&families(), "depot", included, format), expected);
    }

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        check(
            &[],
            Format::Prometheus,
            "# HELP parcels_total How many there were\n# TYPE parcels_total counter\n\
             parcels_total{application=\"depot\",to=\"a \\\"b\\\"\\\\\\n\",} 2.0\n\
             # HELP shelves How many there are\n# TYPE shelves gauge\nshelves{application=\"depot\",} 0.5\n",
        );
        check(
            &["parcels_total"],
            Format::OpenMetrics,
            "# TYPE parcels counter\n# HELP parcels How many there were\n\
             parcels_total{application=\"depot\",to=\"a \\\"b\\\"\\\\\\n\"} 2.0\n# EOF\n",
        );
        check(&["nothing"], Format::Prometheus, "");
    }
}
