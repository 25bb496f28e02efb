//! A manifest's text from anywhere: what parses has one form, and its commitment can be computed.
#![no_main]

use hizo_vault::commit::Commitment;
use hizo_vault::manifest::{Layer, Manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(layer) = Layer::parse(text) else { return };
    let lines: Vec<u8> = layer.entries.iter().flat_map(|entry| entry.line()).collect();
    assert!(text.ends_with(&lines));
    for content in layer.entries.iter().filter_map(|entry| entry.kind.content()) {
        let end = content.stretches().fold(0, |end, (range, _)| if range.start == end { range.end } else { u64::MAX });
        assert_eq!(end, content.size, "stretches leave a gap");
    }
    if let Ok(manifest) = Manifest::full(layer) {
        let nothing = Commitment { sha256: [0; 32], blake3: [0; 32] };
        assert!(manifest.check(&nothing).is_err());
    }
});
