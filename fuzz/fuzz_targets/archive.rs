//! A tar from anywhere, whole and in small pieces: both tell the same.
#![no_main]

use hizo_vault::archive::{self, Event, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let piece_bytes = 1 + bytes.first().map_or(0, |byte| usize::from(*byte));
    assert_eq!(told([bytes]), told(bytes.chunks(piece_bytes)));
});

/// The members and how many bytes of data were seen; nothing when the archive is refused.
fn told<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Option<(Vec<String>, usize)> {
    let (mut reader, mut members, mut data) = (Reader::new(), Vec::new(), 0);
    for mut input in pieces {
        while let Some(event) = reader.read(&mut input).ok()? {
            match event {
                Event::Member { block, member } => {
                    assert!(archive::check_path(&member.path).is_ok());
                    members.push(format!("{block} {member:?}"));
                }
                Event::Data { bytes, .. } => data += bytes.len(),
                Event::MemberEnd => (),
                Event::End => return Some((members, data)),
            }
        }
    }
    None
}
