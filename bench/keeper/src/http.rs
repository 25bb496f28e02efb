//! One connection that speaks HTTP/1.1 and spends little, so that the keeper beside it can spend the rest.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::id::ObjectId;
use serde_json::Value;

use crate::Failure;
use crate::owner::{Draft, Owner};

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came back, with one of the two statuses of a thing that was done.
pub(crate) struct Answer {
    pub(crate) is_new: bool,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    pub(crate) fn ask(&mut self, request: &str, token: Option<&str>, body: &[u8]) -> Result<Answer, Failure> {
        self.send(request, token, body.len(), body)?;
        self.answer(request)
    }

    /// The head, and as much of the body as is given.
    pub(crate) fn send(
        &mut self,
        request: &str,
        token: Option<&str>,
        length: usize,
        body: &[u8],
    ) -> Result<(), Failure> {
        let token = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
        let mut bytes =
            format!("{request} HTTP/1.1\r\nhost: k\r\n{token}content-length: {length}\r\n\r\n").into_bytes();
        bytes.extend_from_slice(body);
        self.more(&bytes)
    }

    pub(crate) fn more(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(bytes)?)
    }

    pub(crate) fn answer(&mut self, request: &str) -> Result<Answer, Failure> {
        let end = loop {
            match self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.fill()?,
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0").parse::<usize>()?;
        while self.read.len() < end + length {
            self.fill()?;
        }
        let body = self.read[end..end + length].to_vec();
        self.read.drain(..end + length);
        match head.split(' ').nth(1) {
            Some(status @ ("200" | "201")) => Ok(Answer { is_new: status == "201", body }),
            _ => Err(format!("{request}: {head}{}", String::from_utf8_lossy(&body)).into()),
        }
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let held = self.read.len();
        self.read.resize(held + (1 << 16), 0);
        let read = self.stream.read(&mut self.read[held..])?;
        self.read.truncate(held + read);
        if read == 0 { Err("the keeper hung up".into()) } else { Ok(()) }
    }

    /// A token for the owner's space.
    pub(crate) fn session(&mut self, owner: &Owner) -> Result<String, Failure> {
        let asked = format!("{{\"note\": \"{}\"}}", owner.session_note()?);
        let answer: Value = serde_json::from_slice(&self.ask("POST /v1/sessions", None, asked.as_bytes())?.body)?;
        Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
    }

    /// Begins the owner's space.
    pub(crate) fn begin(&mut self, owner: &mut Owner) -> Result<String, Failure> {
        let (token, genesis) = (self.session(owner)?, owner.genesis()?);
        self.put(owner, &token, &genesis)?;
        let note = String::from_utf8(genesis.note)?.replace('\n', "\\n");
        let asked = format!("{{\"note\": \"{note}\", \"slot_key\": \"{}\"}}", STANDARD.encode(owner.slot_key));
        self.ask(&format!("POST /v1/spaces/{}", owner.space), Some(&token), asked.as_bytes())?;
        Ok(token)
    }

    pub(crate) fn put(&mut self, owner: &Owner, token: &str, draft: &Draft) -> Result<(), Failure> {
        for object in &draft.objects {
            self.ask(&put(owner, object.id()), Some(token), object.as_bytes())?;
        }
        Ok(())
    }

    pub(crate) fn append(&mut self, owner: &Owner, token: &str, note: &[u8]) -> Result<(), Failure> {
        let answer = self.ask(&format!("POST /v1/spaces/{}/records", owner.space), Some(token), note)?;
        if answer.is_new { Ok(()) } else { Err("it had been appended".into()) }
    }
}

/// How an object is put.
pub(crate) fn put(owner: &Owner, object: ObjectId) -> String {
    format!("PUT /v1/spaces/{}/objects/{object}", owner.space)
}
