//! A chain of notes from anywhere. The input is cut where a record's first line begins.
#![no_main]

use hizo_ledger::space::Chain;
use libfuzzer_sys::fuzz_target;

const FIRST_LINE: &[u8] = b"hizo/record/v1\n";

fuzz_target!(|input: &[u8]| {
    let places = input.windows(FIRST_LINE.len()).enumerate().filter(|(_, window)| *window == FIRST_LINE);
    let mut starts: Vec<usize> = places.map(|(place, _)| place).collect();
    starts.push(input.len());
    let notes = starts.windows(2).filter_map(|pair| input.get(pair[0]..pair[1]));
    let mut records = 0;
    if let Ok(chain) = Chain::replay(notes, |_| records += 1) {
        assert_eq!(chain.head().number + 1, records);
    }
});
