//! Any text is split into words or refused, and words written as a line are read back as the same words.
#![no_main]

use bellhop_core::tokenise::{join, tokenise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let Ok(words) = tokenise(line) else { return };
    let joined = join(&words);
    // Quoting makes a line longer, so the longest may not be read back.
    if joined.len() <= bellhop_core::tokenise::LONGEST {
        assert_eq!(tokenise(&joined).expect("what was joined can be read"), words, "{line:?} was joined as {joined:?}");
    }
});
