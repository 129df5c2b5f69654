//! One state of an instance, with its texts in both forms, which are made once.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use crate::instance::{Form, Instance};

/// An instance as it is until something but the time of its last sign of life changes.
#[derive(Debug)]
pub(crate) struct Record {
    instance: Arc<Instance>,
    json: OnceLock<Written>,
    xml: OnceLock<Written>,
}

/// A record and when the instance was last heard of, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    record: Arc<Record>,
    renewed: i64,
}

/// A text and where in it the time of the last sign of life stands.
#[derive(Debug)]
struct Written {
    text: Box<str>,
    renewed: Range<usize>,
}

impl Listed {
    pub(crate) fn new(record: Arc<Record>, renewed: i64) -> Self {
        Listed { record, renewed }
    }

    /// The instance, but for the time of its last sign of life.
    pub(crate) fn description(&self) -> &Instance {
        &self.record.instance
    }

    /// The instance as of now.
    pub(crate) fn instance(&self) -> Arc<Instance> {
        let instance = &self.record.instance;
        if instance.lease_info.last_renewal_timestamp == self.renewed {
            return instance.clone();
        }
        Arc::new(with_renewal(instance, self.renewed))
    }

    /// How many bytes [`Listed::push`] appends.
    pub(crate) fn length(&self, form: Form) -> usize {
        let written = self.record.written(form);
        written.text.len() - written.renewed.len() + self.renewed.to_string().len()
    }

    /// Appends the instance as a list of applications has it.
    pub(crate) fn push(&self, form: Form, target: &mut String) {
        let written = self.record.written(form);
        let (before, after) =
            (&written.text[..written.renewed.start], &written.text[written.renewed.end..]);
        target.push_str(before);
        target.push_str(&self.renewed.to_string());
        target.push_str(after);
    }
}

impl Record {
    pub(crate) fn new(instance: Instance) -> Self {
        Record { instance: Arc::new(instance), json: OnceLock::new(), xml: OnceLock::new() }
    }

    /// The instance, but for the time of its last sign of life.
    pub(crate) fn description(&self) -> &Instance {
        &self.instance
    }

    fn written(&self, form: Form) -> &Written {
        let kept = match form {
            Form::Json => &self.json,
            Form::Xml => &self.xml,
        };
        kept.get_or_init(|| write(&self.instance, form))
    }
}

fn with_renewal(instance: &Instance, renewed: i64) -> Instance {
    let mut instance = instance.clone();
    instance.lease_info.last_renewal_timestamp = renewed;
    instance
}

/// Writes the text. Two texts that differ in nothing but the time tell where the time stands.
fn write(instance: &Instance, form: Form) -> Written {
    let text_at = |renewed: i64| {
        let instance = with_renewal(instance, renewed);
        let mut text = String::new();
        match form {
            Form::Json => text = serde_json::to_string(&instance).unwrap_or_default(),
            Form::Xml => instance.push_xml(&mut text, 2),
        }
        text
    };
    let (one, other) = (text_at(1), text_at(2));
    let place = one.bytes().zip(other.bytes()).position(|(one, other)| one != other);
    let place = place.unwrap_or_default();
    Written { text: one.into_boxed_str(), renewed: place..place + 1 }
}
