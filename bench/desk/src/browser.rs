//! A desk as a browser asks it, without drawing anything.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::{Failure, spread};

/// How often work is asked for its end.
const ASK: Duration = Duration::from_millis(50);

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// A desk, and a browser that has followed its link.
struct Desk {
    child: Child,
    address: String,
    prefix: String,
    cookie: String,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What every form of the page holds.
    fn csrf(&self) -> Result<String, Failure> {
        let text = self.text();
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").ok_or("the page has no form")?;
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }

    /// Whether something goes on that the page waits for.
    fn goes_on(&self) -> bool {
        self.text().contains("http-equiv")
    }
}

impl Desk {
    fn start(program: &str, home: &str) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(["--home", home, "desk", "--no-browser", "-q"]).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut link = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut link)?;
        let link = link.trim().strip_prefix("http://").ok_or("no link")?;
        let (address, path) = link.split_once('/').ok_or("no path")?;
        let prefix = format!("/{}", path.split("/open/").next().unwrap_or_default());
        let mut desk = Self { child, address: address.to_owned(), prefix, cookie: String::new() };
        let answer = desk.ask(&format!("GET /{path}"), "", &[])?;
        let cookie = answer.header("set-cookie").ok_or("no cookie")?;
        desk.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(desk)
    }

    fn connect(&self, request: &str, more: &str, length: u64) -> Result<TcpStream, Failure> {
        let mut stream = TcpStream::connect(&self.address)?;
        let (host, cookie) = (&self.address, &self.cookie);
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\ncookie: {cookie}\r\n\
             {more}connection: close\r\ncontent-length: {length}\r\n\r\n"
        )?;
        Ok(stream)
    }

    fn ask(&self, request: &str, more: &str, body: &[u8]) -> Result<Answer, Failure> {
        let mut stream = self.connect(request, more, body.len() as u64)?;
        stream.write_all(body)?;
        answer(stream)
    }

    fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(&format!("GET {path}"), "", &[])
    }

    /// Seconds that the desk takes for a passphrase that opens nothing: what each one costs.
    fn refuse(&self) -> Result<f64, Failure> {
        let page = format!("{}/unlock", self.prefix);
        let csrf = self.get(&page)?.csrf()?;
        let began = Instant::now();
        let refused = self.ask(&format!("POST {page}"), FORM, format!("csrf={csrf}&passphrase=wrong").as_bytes())?;
        if refused.header("location").is_some() {
            return Err("a wrong passphrase opened the safe".into());
        }
        Ok(began.elapsed().as_secs_f64())
    }

    /// Unlocks the safe: seconds until a first page is whole, and until the safe is open.
    fn unlock(&self, phrase: &str) -> Result<(f64, f64), Failure> {
        let page = format!("{}/unlock", self.prefix);
        let csrf = self.get(&page)?.csrf()?;
        let phrase: String = phrase.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let form = format!("csrf={csrf}&passphrase={phrase}");
        let began = Instant::now();
        let unlocked = self.ask(&format!("POST {page}"), FORM, form.as_bytes())?;
        let mut next = unlocked.header("location").ok_or_else(|| unlocked.text())?.to_owned();
        let mut first_s = None;
        loop {
            let page = self.get(&next)?;
            if let Some(location) = page.header("location") {
                next = location.to_owned();
                continue;
            }
            if page.status != 200 {
                return Err(page.text().into());
            }
            let seconds = began.elapsed().as_secs_f64();
            let first_s = *first_s.get_or_insert(seconds);
            if !page.goes_on() {
                return Ok((first_s, seconds));
            }
            thread::sleep(ASK);
        }
    }

    fn at(&self, page: &str) -> String {
        format!("{}{page}", self.prefix)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(mut stream: TcpStream) -> Result<Answer, Failure> {
    let mut read = Vec::new();
    stream.read_to_end(&mut read)?;
    let end = read.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer")?;
    let body = read.split_off(end + 4);
    let head = String::from_utf8_lossy(&read).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status")?;
    Ok(Answer { status, head, body })
}

/// Looks at pages; what each took and weighs, and how long unlocking took.
pub(crate) fn pages([program, home, phrase]: [&str; 3], times: u64, pages: &[&str]) -> Result<Value, Failure> {
    let desk = Desk::start(program, home)?;
    let passphrase_s = desk.refuse()?;
    let (first_s, unlocked_s) = desk.unlock(phrase)?;
    let mut all = Map::new();
    for page in pages {
        let first = Instant::now();
        let mut seen = desk.get(&desk.at(page))?;
        let first_ms = first.elapsed().as_secs_f64() * 1e3;
        // What is looked at behind a page first is waited for.
        while seen.goes_on() {
            thread::sleep(ASK);
            seen = desk.get(&desk.at(page))?;
        }
        let settled_s = first.elapsed().as_secs_f64();
        let mut taken = Vec::new();
        for _ in 0..times {
            let began = Instant::now();
            seen = desk.get(&desk.at(page))?;
            taken.push(began.elapsed().as_secs_f64() * 1e3);
        }
        if seen.status != 200 {
            return Err(format!("{page}: {} {}", seen.head, seen.text()).into());
        }
        let (median_ms, max_ms) = spread(taken);
        let found = json!({
            "first_ms": first_ms, "settled_s": settled_s, "median_ms": median_ms, "max_ms": max_ms, "bytes": seen.body.len(),
        });
        all.insert((*page).to_owned(), found);
    }
    Ok(json!({ "passphrase_s": passphrase_s, "first_s": first_s, "unlocked_s": unlocked_s, "pages": all }))
}

/// Looks at the safe after another program has kept something in it; milliseconds.
pub(crate) fn grow([program, home, phrase]: [&str; 3], file: &str) -> Result<Value, Failure> {
    let desk = Desk::start(program, home)?;
    desk.unlock(phrase)?;
    let status = Command::new(program)
        .args(["--home", home, "-q", "deposit", file, "--series", "grown"])
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("the deposit failed".into());
    }
    let began = Instant::now();
    let seen = desk.get(&desk.at("/safe"))?;
    let looked_ms = began.elapsed().as_secs_f64() * 1e3;
    if !seen.text().contains("grown") {
        return Err("the new deposit is not on the page".into());
    }
    Ok(json!({ "looked_ms": looked_ms }))
}

/// Gives a file to the desk as a browser does; seconds until it is kept.
pub(crate) fn drop_file([program, home, phrase]: [&str; 3], file: &Path, series: &str) -> Result<Value, Failure> {
    let desk = Desk::start(program, home)?;
    desk.unlock(phrase)?;
    let page = desk.at("/drop");
    let csrf = desk.get(&page)?.csrf()?;
    let part = |name: &str| format!("------hizo\r\nContent-Disposition: form-data; name=\"{name}\"");
    let before = format!(
        "{}\r\n\r\n{csrf}\r\n{}\r\n\r\n{series}\r\n{}; filename=\"dropped.bin\"\r\n\r\n",
        part("csrf"),
        part("series"),
        part("files")
    );
    let (behind, bytes) = ("\r\n------hizo--\r\n", fs::metadata(file)?.len());
    let began = Instant::now();
    let kind = "content-type: multipart/form-data; boundary=----hizo\r\n";
    let mut stream = desk.connect(&format!("POST {page}"), kind, (before.len() + behind.len()) as u64 + bytes)?;
    stream.write_all(before.as_bytes())?;
    std::io::copy(&mut File::open(file)?, &mut stream)?;
    stream.write_all(behind.as_bytes())?;
    let given = answer(stream)?;
    let given_s = began.elapsed().as_secs_f64();
    let work = given.header("location").ok_or_else(|| given.text())?.to_owned();
    loop {
        let page = desk.get(&work)?;
        if !page.goes_on() {
            break;
        }
        thread::sleep(ASK);
    }
    Ok(json!({ "bytes": bytes, "given_s": given_s, "wall_s": began.elapsed().as_secs_f64() }))
}
