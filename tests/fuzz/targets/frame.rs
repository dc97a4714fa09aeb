#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ipmp_corpora::frame(bytes));
