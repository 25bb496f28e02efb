//! A form with files, from anywhere: what is read of it does not depend on the pieces in which it comes, and is no longer than it.
#![no_main]
#![allow(dead_code)]

use std::io::Read;

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/hizo/src/desk/upload.rs"]
mod upload;

use upload::{Error, Part, Upload};

/// Gives so many bytes at once.
struct Pieces(Vec<u8>, usize);

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(into.len());
        into[..count].copy_from_slice(&self.0[..count]);
        self.0.drain(..count);
        Ok(count)
    }
}

fn parts(body: &[u8], at_once: usize) -> Result<Vec<(Part, Vec<u8>)>, Error> {
    let form = Upload::of("multipart/form-data; boundary=----x", Pieces(body.to_vec(), at_once));
    let mut form = form.expect("this is the type of a form");
    let mut found = Vec::new();
    while let Some(part) = form.next()? {
        let mut bytes = Vec::new();
        form.read(&mut |piece| {
            bytes.extend_from_slice(piece);
            Ok::<_, Error>(())
        })?;
        found.push((part, bytes));
    }
    Ok(found)
}

fuzz_target!(|input: &[u8]| {
    let Some((at_once, body)) = input.split_first() else { return };
    let (whole, pieces) = (parts(body, usize::MAX), parts(body, usize::from(*at_once).max(1)));
    assert_eq!(whole.is_ok(), pieces.is_ok());
    if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
        assert!(whole.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < body.len());
        assert_eq!(whole, pieces);
    }
});
