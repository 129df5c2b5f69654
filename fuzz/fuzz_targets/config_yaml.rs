#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| discovery::server::config_fuzz::file("yml", bytes));
