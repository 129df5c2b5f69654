//! What fuzzing has kept, read again: every input once made a reader take a new way.

use std::{fs, path::Path};

use discovery::{fuzz, server::config_fuzz};

fn replay(target: &str, read: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        read(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 20, "{count} inputs for {target}");
}

#[test]
fn no_kept_input_makes_a_reader_fail() {
    replay("eureka_json", fuzz::registration_in_json);
    replay("eureka_xml", fuzz::registration_in_xml);
    replay("config_yaml", |bytes| config_fuzz::file("yml", bytes));
    replay("config_properties", |bytes| config_fuzz::file("properties", bytes));
    replay("config_cipher", config_fuzz::cipher);
}
