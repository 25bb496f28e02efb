//! Removals that were prepared: orders in an admin's own home, signed and appended when their time has come.
//!
//! See docs/spec/local-state.md, "Prepared removals". Before that time nobody else hears of them: not the keeper, not a member.

use std::fs;
use std::path::PathBuf;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::age;
use hizo_vault::keys::IdentityFile;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::bundle;
use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::home::{self, Home};
use crate::keeper::unix_seconds;
use crate::membership::{Change, Made, Proposing};
use crate::people::Person;
use crate::safe::{Keyring, Safe};
use crate::system;
use crate::words::{Words, words};

/// The first line of an order, and what stands before its time.
const HEAD: &str = "hizo/prepared/v1\nat ";
/// What stands between an order's time and what is sealed.
const BEHIND_TIME: &str = "\n\n";
const ORDER_BYTES_MAX: usize = 64 << 10;

/// An order as anybody sees it who has the home: when, and not whom.
pub(crate) struct Sealed {
    /// 16 digits.
    pub id: String,
    pub at: ClaimedTime,
    path: PathBuf,
    sealed: Vec<u8>,
}

/// What is prepared in a home.
#[derive(Default)]
pub(crate) struct Orders {
    /// The earliest first.
    pub whole: Vec<Sealed>,
    /// Files that are no orders any more, each with its id. They keep no order from its time.
    pub damaged: Vec<(String, PathBuf)>,
}

/// Whom to remove, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub at: ClaimedTime,
    /// Whose keys; all of them that there are when the time comes. Nothing where nobody has certified whose they are, or where
    /// only some are meant.
    pub identity: Option<VerifyingKey>,
    pub keys: Vec<VerifyingKey>,
    /// What the person was called.
    pub name: String,
    pub reason: String,
}

/// What came of an order whose time has come.
pub(crate) enum Done {
    /// It was made, or proposed.
    Made(Made),
    /// Whoever it was about is a member no more.
    Gone,
}

impl Orders {
    pub(crate) fn of(home: &Home) -> Outcome<Self> {
        let folder = home.prepared_folder();
        let Some(entries) = home::if_there(&folder, fs::read_dir(&folder))? else { return Ok(Self::default()) };
        let mut orders = Self::default();
        for entry in entries {
            let path = entry.map_err(|error| Failure::file("read", &folder, error))?.path();
            let id = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if id.len() != 16 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                continue;
            }
            // Another command may have done it by now.
            if !path.exists() {
                continue;
            }
            match Sealed::parse(&bundle::read(&path, ORDER_BYTES_MAX)?) {
                Some((at, sealed)) => orders.whole.push(Sealed { id, at, path, sealed }),
                None => orders.damaged.push((id, path)),
            }
        }
        orders.whole.sort_by_key(|order| (order.at.unix_seconds(), order.id.clone()));
        orders.damaged.sort();
        Ok(orders)
    }

    /// Those whose time has come by this machine's clock, and how many others there are.
    pub(crate) fn due(self) -> (Vec<Sealed>, usize) {
        let (due, later): (Vec<_>, Vec<_>) =
            self.whole.into_iter().partition(|order| order.at.unix_seconds() <= unix_seconds());
        (due, later.len())
    }

    /// # Errors
    /// Exit code 3 when one of them can no longer be read.
    pub(crate) fn are_whole(&self) -> Outcome<()> {
        self.damaged.first().map_or(Ok(()), |(_, path)| Err(damaged(path)))
    }

    /// Forgets one, whole or not; whether there was one.
    pub(crate) fn withdraw(&self, id: &str) -> Outcome<bool> {
        let whole = self.whole.iter().map(|order| (&order.id, &order.path));
        let mut all = whole.chain(self.damaged.iter().map(|(id, path)| (id, path)));
        let Some((_, path)) = all.find(|(known, _)| *known == id) else { return Ok(false) };
        fs::remove_file(path).map_err(|error| Failure::file("remove", path, error))?;
        Ok(true)
    }
}

impl Sealed {
    /// The time of an order, and what is sealed of it.
    fn parse(bytes: &[u8]) -> Option<(ClaimedTime, Vec<u8>)> {
        let rest = bytes.strip_prefix(HEAD.as_bytes())?;
        let end = rest.windows(BEHIND_TIME.len()).position(|window| window == BEHIND_TIME.as_bytes())?;
        let (time, sealed) = rest.split_at_checked(end)?;
        let at = ClaimedTime::parse(std::str::from_utf8(time).ok()?).ok()?;
        Some((at, sealed.get(BEHIND_TIME.len()..)?.to_vec()))
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it is not as it was written, its time included: whoever can write here must not bring it forward.
    pub(crate) fn open(&self, identity: &IdentityFile) -> Outcome<Order> {
        let plain = age::open_own(self.sealed.clone(), &identity.identity).map(Zeroizing::new);
        let order = plain.ok().and_then(|plain| Order::parse(&plain)).filter(|order| order.at == self.at);
        order.ok_or_else(|| damaged(&self.path))
    }

    fn forget(&self) -> Outcome<()> {
        fs::remove_file(&self.path).map_err(|error| Failure::file("remove", &self.path, error))
    }

    /// Does what it says, at the head as it is now.
    pub(crate) fn make(
        &self,
        safe: &mut Safe,
        identity: &IdentityFile,
        keyring: &Keyring,
        proposing: &Proposing,
    ) -> Outcome<(Order, Done)> {
        let order = self.open(identity)?;
        let keys = order.present_keys(safe, keyring)?;
        if keys.is_empty() {
            self.forget()?;
            return Ok((order, Done::Gone));
        }
        keyring.people()?.heed(safe, &keys)?;
        let change = Change::removal(safe, keyring, &keys, &order.reason)?;
        let made = change.make(safe, identity, keyring, proposing)?;
        // A proposal is made again as long as nobody has signed it: the order ends when whom it is about is no member.
        if matches!(made, Made::Stands(_)) {
            self.forget()?;
        }
        Ok((order, Done::Made(made)))
    }
}

impl Order {
    /// Whom a person means: all of somebody, or some of his machines.
    pub(crate) fn new(at: ClaimedTime, person: &Person, keys: &[VerifyingKey], reason: &str) -> Self {
        let all = person.seats().all(|seat| keys.contains(&seat.key));
        Self {
            at,
            identity: person.identity.filter(|_| all),
            keys: keys.to_vec(),
            name: person.name.clone().unwrap_or_default(),
            reason: reason.to_owned(),
        }
    }

    /// Writes it down, sealed to its admin: its id.
    pub(crate) fn write(&self, home: &Home, identity: &IdentityFile) -> Outcome<String> {
        let to = std::slice::from_ref(identity.identity.recipient());
        let plain = Zeroizing::new(self.as_json().to_string());
        let sealed = age::seal(plain.as_bytes(), to, &mut SystemEntropy).map_err(Failure::internal)?;
        let bytes = [format!("{HEAD}{}{BEHIND_TIME}", self.at).as_bytes(), &sealed].concat();
        if bytes.len() > ORDER_BYTES_MAX {
            return Err(Failure::fixable(words!("the reason is too long", "理由が長すぎます")));
        }
        let folder = home.prepared_folder();
        system::create_private_directory(&folder).map_err(|error| Failure::file("make the folder", &folder, error))?;
        let id = hizo_ledger::id::SeriesId::from_bytes(random()).to_string();
        // Under its name it is whole: a damaged one would never be done.
        home::replace(&folder.join(&id), &bytes)?;
        Ok(id)
    }

    /// The keys that it is about and that are members now.
    fn present_keys(&self, safe: &Safe, keyring: &Keyring) -> Outcome<Vec<VerifyingKey>> {
        let people = keyring.people()?;
        let his = people
            .persons(safe)
            .into_iter()
            .filter(|person| self.identity.is_some() && person.identity == self.identity);
        let mut keys: Vec<VerifyingKey> =
            his.flat_map(|person| person.seats().map(|seat| seat.key).collect::<Vec<_>>()).collect();
        keys.extend(self.keys.iter().filter(|key| safe.chain.role(key).is_some()));
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// What to call whoever it is about.
    pub(crate) fn shown_name(&self) -> String {
        let key = || self.keys.first().map(|key| key.name().to_string()).unwrap_or_default();
        if self.name.is_empty() { key() } else { shown_bytes(self.name.as_bytes()) }
    }

    fn as_json(&self) -> Value {
        let keys: Vec<String> = self.keys.iter().map(VerifyingKey::to_base64).collect();
        let identity = self.identity.as_ref().map(VerifyingKey::to_base64);
        json!({ "at": self.at.to_string(), "identity": identity, "keys": keys, "name": self.name, "reason": self.reason })
    }

    fn parse(plain: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(plain).ok()?;
        let text = |key: &str| value.get(key)?.as_str();
        let key = |text: &str| VerifyingKey::from_base64(text).ok();
        let keys = value.get("keys")?.as_array()?.iter().map(|text| key(text.as_str()?)).collect::<Option<Vec<_>>>()?;
        Some(Self {
            at: ClaimedTime::parse(text("at")?).ok()?,
            identity: match value.get("identity")? {
                Value::Null => None,
                other => Some(key(other.as_str()?)?),
            },
            keys,
            name: text("name")?.to_owned(),
            reason: text("reason")?.to_owned(),
        })
    }
}

/// A time as people give it: `2027-03-31T18:00+09:00`, seconds or not, `Z` for UTC.
pub(crate) fn time(text: &str) -> Result<ClaimedTime, String> {
    let refused = || "a time like 2027-03-31T18:00+09:00, or with Z for UTC".to_owned();
    let (local, offset) = match text.strip_suffix('Z') {
        Some(local) => (local, 0),
        None => {
            let (local, zone) = text.split_at_checked(text.len().saturating_sub("+09:00".len())).ok_or_else(refused)?;
            (local, offset_seconds(zone).ok_or_else(refused)?)
        }
    };
    let seconds = if local.len() == "2027-03-31T18:00".len() { ":00" } else { "" };
    let local = ClaimedTime::parse(&format!("{local}{seconds}Z")).map_err(|_| refused())?;
    let utc = local.unix_seconds().checked_add_signed(-offset).ok_or_else(refused)?;
    ClaimedTime::from_unix_seconds(utc).map_err(|_| refused())
}

/// `+09:00` in seconds.
fn offset_seconds(zone: &str) -> Option<i64> {
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let seconds = hours.parse::<i64>().ok().filter(|hours| *hours < 24)? * 3600
        + minutes.parse::<i64>().ok().filter(|minutes| *minutes < 60)? * 60;
    match zone.as_bytes().first()? {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// What is said where orders are due and nobody is there who can sign them.
pub(crate) fn are_due(count: usize) -> Words {
    words!(
        "{count} prepared removals are due, and need your passphrase: `hizo space due`",
        "準備した「外す」指示{count}件の時刻が来ています。パスフレーズが必要です: `hizo space due`"
    )
}

fn damaged(path: &std::path::Path) -> Failure {
    let file = shown(path);
    Failure::untrue(words!("the prepared removal {file} is damaged", "準備した「外す」指示 {file} が壊れています"))
        .hint(words!("Withdraw it, and prepare it anew.", "取り消して、もう一度準備してください。"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_with_their_zone() {
        let read = |text: &str| time(text).map(|time| time.to_string());
        assert_eq!(read("2027-03-31T18:00+09:00").as_deref(), Ok("2027-03-31T09:00:00Z"));
        assert_eq!(read("2027-03-31T00:30:15-02:30").as_deref(), Ok("2027-03-31T03:00:15Z"));
        assert_eq!(read("2027-03-31T18:00Z").as_deref(), Ok("2027-03-31T18:00:00Z"));
        for none in
            ["", "Z", "2027-03-31", "2027-03-31T18:00", "2027-02-30T18:00Z", "2027-03-31T18:00+9:00", "時刻時刻時刻"]
        {
            assert!(read(none).is_err(), "{none}");
        }
    }
}
