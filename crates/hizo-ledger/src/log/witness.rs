//! What a log sends to a witness: a head, and the path from the one that the witness has seen (C2SP tlog-witness).
//!
//! See docs/spec/witness.md.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::decimal;
use super::note::NOTE_BYTES_MAX;
use super::tree::PATH_HASHES_MAX;
use crate::id::NodeHash;

/// Length of a request, at most, in bytes: the path, and the longest checkpoint.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + (8 << 10);

/// The bytes are no request to add a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a request to add a checkpoint")]
pub struct NotARequest;

/// The body of an `add-checkpoint` request. Nothing in it is to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the head that the witness has seen, as its asker thinks.
    pub old: u64,
    /// The path from there to the checkpoint.
    pub path: Vec<NodeHash>,
    /// The whole checkpoint note.
    pub checkpoint: Vec<u8>,
}

impl AddCheckpoint {
    /// Reads a request. The checkpoint in it is not looked at.
    ///
    /// # Errors
    /// [`NotARequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotARequest> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(NotARequest);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NotARequest)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NotARequest)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal).ok_or(NotARequest)?;
        let mut path = Vec::new();
        for line in lines {
            let hash = STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok()).ok_or(NotARequest)?;
            if path.len() == PATH_HASHES_MAX {
                return Err(NotARequest);
            }
            path.push(NodeHash::from_bytes(hash));
        }
        Ok(Self { old, path, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// The body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let hashes = self.path.iter().map(|hash| STANDARD.encode(hash.as_bytes()) + "\n");
        let head = format!("old {}\n{}\n", self.old, hashes.collect::<String>());
        [head.as_bytes(), &self.checkpoint].concat()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The example of tlog-witness.
    const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
";

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((request.old, request.path.len()), (20_852_014, 4));
        assert!(request.checkpoint.starts_with(b"example.com/behind-the-sofa\n20852163\n"));
        assert_eq!(request.to_bytes(), EXAMPLE.as_bytes());
        let first = AddCheckpoint { old: 0, path: Vec::new(), checkpoint: b"a\n\nb\n".to_vec() };
        assert_eq!(first.to_bytes(), b"old 0\n\na\n\nb\n");
        assert_eq!(AddCheckpoint::parse(&first.to_bytes()), Ok(first));
    }

    #[test]
    fn what_is_not_in_the_one_form_is_refused() {
        let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        let path = |hashes: usize| format!("old 1\n{}\nnote\n", hash.repeat(hashes));
        assert!(AddCheckpoint::parse(path(63).as_bytes()).is_ok());
        for wrong in [
            path(64),
            String::new(),
            EXAMPLE.replace("old 20852014", "old 020852014"),
            EXAMPLE.replace("old 20852014", "old -1"),
            EXAMPLE.replace("old 20852014", "old"),
            EXAMPLE.replace("old 20852014", "old 20852014 "),
            EXAMPLE.replace("old 20852014", "new 20852014"),
            EXAMPLE.replace("old 20852014", "old 18446744073709551616"),
            EXAMPLE.replace("5+pKlUdi", "5+pKlUd"),
            EXAMPLE.replace("kaw=", "kax="),
            EXAMPLE.replace('\n', "\r\n"),
            hash.to_owned(),
            "old 1\nPlRNCg==\n\nnote\n".to_owned(),
        ] {
            assert_eq!(AddCheckpoint::parse(wrong.as_bytes()), Err(NotARequest), "{wrong:.60?}");
        }
        assert_eq!(AddCheckpoint::parse(b"old 1\n\n\xff"), Err(NotARequest));
        assert_eq!(AddCheckpoint::parse(&[b'a'; REQUEST_BYTES_MAX + 1]), Err(NotARequest));
    }
}
