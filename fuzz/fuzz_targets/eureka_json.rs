#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| discovery::fuzz::registration_in_json(bytes));
