#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambda_stdio_fuzz::targets::poll_set::check(data));
