//! Somebody who stands between a client and its keeper, and lies: every answer passes through a function of the test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as far as a liar looks at it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Lines of the head but the first.
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// An answer that can be changed.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// What is made of an answer; nothing to let it pass.
type Lie = Box<dyn FnMut(&Asked, &Answer) -> Option<Answer> + Send>;

/// What is answered without asking the keeper; nothing to ask it.
type Refusal = Box<dyn FnMut(&Asked) -> Option<Answer> + Send>;

/// Listens until the test is over.
pub(crate) struct Liar {
    pub(crate) address: String,
    lie: Arc<Mutex<Option<Lie>>>,
    refusal: Arc<Mutex<Option<Refusal>>>,
    repeats: Arc<Mutex<fn(&Asked) -> bool>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Liar {
    /// Stands before the keeper at this address, `127.0.0.1:…`, and is honest.
    pub(crate) fn before(keeper: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (lie, refusal) = (Arc::<Mutex<Option<Lie>>>::default(), Arc::<Mutex<Option<Refusal>>>::default());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let repeats: Arc<Mutex<fn(&Asked) -> bool>> = Arc::new(Mutex::new(|_| false));
        let repeating = Arc::clone(&repeats);
        let (keeper, lies, refusals) = (keeper.to_owned(), Arc::clone(&lie), Arc::clone(&refusal));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (keeper, lies, refusals) = (keeper.clone(), Arc::clone(&lies), Arc::clone(&refusals));
                let (heard, repeats) = (Arc::clone(&heard), Arc::clone(&repeating));
                // A client that goes away in the middle is none of the test's concern.
                thread::spawn(move || serve(connection, &keeper, &lies, &refusals, &repeats, &heard));
            }
        });
        Self { address, lie, refusal, repeats, asked }
    }

    /// From now on answers pass through this.
    pub(crate) fn tells(&self, lie: impl FnMut(&Asked, &Answer) -> Option<Answer> + Send + 'static) {
        *self.lie.lock().unwrap() = Some(Box::new(lie));
    }

    /// From now on this answers, where it does, without asking the keeper.
    pub(crate) fn refuses(&self, refusal: impl FnMut(&Asked) -> Option<Answer> + Send + 'static) {
        *self.refusal.lock().unwrap() = Some(Box::new(refusal));
    }

    /// From now on these requests reach the keeper twice, and the second answer is handed on.
    pub(crate) fn repeats(&self, which: fn(&Asked) -> bool) {
        *self.repeats.lock().unwrap() = which;
    }

    pub(crate) fn is_honest(&self) {
        *self.lie.lock().unwrap() = None;
        *self.refusal.lock().unwrap() = None;
    }

    /// What it was asked since it was asked this.
    pub(crate) fn heard(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn serve(
    client: TcpStream,
    keeper: &str,
    lies: &Mutex<Option<Lie>>,
    refusals: &Mutex<Option<Refusal>>,
    repeats: &Mutex<fn(&Asked) -> bool>,
    heard: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut writer = client;
    loop {
        let asked = read_request(&mut reader)?;
        heard.lock().unwrap().push(asked.clone());
        let refused = refusals.lock().unwrap().as_mut().and_then(|refusal| refusal(&asked));
        let answer = match refused {
            Some(answer) => answer,
            None => {
                if repeats.lock().unwrap()(&asked) {
                    pass_on(keeper, &asked)?;
                }
                let honest = pass_on(keeper, &asked)?;
                let lie = lies.lock().unwrap().as_mut().and_then(|lie| lie(&asked, &honest));
                lie.unwrap_or(honest)
            }
        };
        let mut text = format!("HTTP/1.1 {} Said\r\n", answer.status);
        for (name, value) in &answer.headers {
            if !["connection", "transfer-encoding", "content-length"].contains(&name.as_str()) {
                text += &format!("{name}: {value}\r\n");
            }
        }
        // The length of what a HEAD asks for stands in an answer without body.
        let length = match (asked.method.as_str(), answer.header("content-length")) {
            ("HEAD", Some(length)) => length.to_owned(),
            _ => answer.body.len().to_string(),
        };
        text += &format!("content-length: {length}\r\n\r\n");
        writer.write_all(text.as_bytes()).ok()?;
        if asked.method != "HEAD" {
            writer.write_all(&answer.body).ok()?;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut head = read_head(reader)?;
    let mut words = head.first()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let length = value(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    head.remove(0);
    Some(Asked { method, path, head, body })
}

fn pass_on(keeper: &str, asked: &Asked) -> Option<Answer> {
    let mut stream = TcpStream::connect(keeper).ok()?;
    let mut text = format!("{} {} HTTP/1.1\r\nhost: {keeper}\r\nconnection: close\r\n", asked.method, asked.path);
    let kept = asked.head.iter().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        !["host", "connection", "content-length", "expect"].contains(&name.as_str())
    });
    kept.for_each(|line| text += &format!("{line}\r\n"));
    text += &format!("content-length: {}\r\n\r\n", asked.body.len());
    stream.write_all(text.as_bytes()).ok()?;
    stream.write_all(&asked.body).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let head = read_head(&mut reader)?;
    let status = head.first()?.split(' ').nth(1)?.parse().ok()?;
    let mut body = Vec::new();
    if asked.method != "HEAD" {
        match value(&head, "content-length").and_then(|length| length.parse().ok()) {
            Some(length) => {
                body = vec![0; length];
                reader.read_exact(&mut body).ok()?;
            }
            None if value(&head, "transfer-encoding").is_some() => body = read_chunks(&mut reader)?,
            None => drop(reader.read_to_end(&mut body).ok()?),
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
    let headers = head.iter().skip(1).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    });
    Some(Answer { status, headers: headers.collect(), body })
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend(&chunk[..length]);
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn value<'h>(head: &'h [String], name: &str) -> Option<&'h str> {
    head.iter().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
