#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambda_stdio_fuzz::targets::runtime_api::check(data));
