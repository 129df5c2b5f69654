//! What fuzzing has kept, read again: every input once made a reader take a new way.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use discovery::{fuzz, server::config_fuzz};

fn replay(target: &str, read: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let kept = fs::read_to_string(folder.join(format!("{target}.base64"))).unwrap();
    assert!(kept.lines().count() > 20, "{target} has too few");
    kept.lines().for_each(|line| read(&BASE64_STANDARD.decode(line).unwrap()));
}

#[test]
fn no_kept_input_makes_a_reader_fail() {
    replay("eureka_json", fuzz::registration_in_json);
    replay("eureka_xml", fuzz::registration_in_xml);
    replay("config_yaml", |bytes| config_fuzz::file("yml", bytes));
    replay("config_properties", |bytes| config_fuzz::file("properties", bytes));
    replay("config_cipher", config_fuzz::cipher);
}
