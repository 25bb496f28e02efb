//! A safe as this machine sees it: the chain of its space, followed and checked, and what its records mean once unlocked.

use std::collections::{BTreeMap, BTreeSet};

use hizo_keeper::Error as KeeperError;
use hizo_ledger::id::{ObjectId, RecordId, SeriesId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::{ObjectRef, VerifiedObject};
use hizo_ledger::proof::FILE_KEY_BYTES;
use hizo_ledger::record::{ClaimedTime, Control, Deposit, Envelope, Record, Role, Seen, UnverifiedRecord};
use hizo_ledger::space::{Chain, Head, Standing};
use hizo_ledger::timestamp::Moment;
use hizo_vault::age::{self, Identity, Recipient};
use hizo_vault::event::certificate::{self, Certificate, Certificates};
use hizo_vault::event::{self, Class, Event};
use hizo_vault::keys::{IdentityFile, SpaceSigningKey};
use hizo_vault::stream::{self, Frames};
use zeroize::Zeroizing;

use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::home::{Device, Home, SeriesFacts};
use crate::keeper::Keeper;
use crate::log;
use crate::words::{Words, words};

/// A safe whose records have been followed from the first to the last. Nothing is unlocked.
pub(crate) struct Safe {
    pub home: Home,
    pub keeper: Keeper,
    pub chain: Chain,
    /// Every record, in order.
    pub records: Vec<Record>,
    /// The number of the record that is deposit k of a series.
    by_deposit: BTreeMap<(SeriesId, u64), usize>,
}

impl Safe {
    /// Follows the space's chain and compares it with what this machine has seen before.
    ///
    /// # Errors
    /// Exit code 5 when the keeper shows another history or less of it than before.
    pub(crate) fn open(home: Home) -> Outcome<Self> {
        let keeper = Keeper::open(&home)?;
        // What was seen before is read before what there is now: another process may append and pin in between.
        let pinned = home.pinned_head()?;
        let notes = keeper.notes(home.space, 0)?;
        let (chain, records) = follow(&notes, pinned)?;
        let mut safe = Self { home, keeper, chain, records, by_deposit: BTreeMap::new() };
        (0..safe.records.len()).for_each(|index| safe.index(index));
        safe.check_pins(pinned)?;
        safe.remember_head();
        Ok(safe)
    }

    /// What this machine has seen and checked, it never lets the keeper take back, whoever appended it.
    fn remember_head(&self) {
        let Head { number, id } = self.chain.head();
        // A home that cannot be written remembers nothing, and must be good for getting things back all the same.
        let _ = self.home.pin_head(number, id);
    }

    fn index(&mut self, index: usize) {
        if let Some(deposit) = &self.records[index].envelope().deposit {
            self.by_deposit.insert((deposit.series, deposit.k), index);
        }
    }

    fn check_pins(&self, pinned: Option<(u64, RecordId)>) -> Outcome<()> {
        let lying = |what: Words| {
            Failure::new(Kind::Lying, words!("the keeper shows {what}", "預け先が{what}を見せています"; what)).hint(words!(
                "Do not deposit. Keep a copy of the home folder and of the keeper's data as evidence, and ask who changed them.",
                "預け入れを止めてください。金庫のフォルダーと預け先のデータを証拠としてそのまま残し、誰が変えたのかを調べてください。"
            ))
        };
        if self.chain.id_at(0) != Some(self.home.genesis) || self.chain.keeper() != &self.home.keeper {
            return Err(lying(words!("another space than the one this safe began with", "この金庫とは別の記録")));
        }
        let Some((number, id)) = pinned else { return Ok(()) };
        match self.chain.standing(Head { number, id }) {
            Standing::Held => Ok(()),
            Standing::Short => Err(lying(words!(
                "an older state: this machine has seen record {number}, the last one now is {last}",
                "古い状態（前回は記録 {number} まであったのに、今は {last} まで）",
                number = number,
                last = self.chain.head().number
            ))),
            Standing::Forked => Err(lying(words!(
                "another history: record {number} is not the one seen before",
                "別の履歴（記録 {number} が前回と違うもの）"
            ))),
        }
    }

    /// The recipient that everything new is sealed to.
    pub(crate) fn recipient(&self) -> Outcome<Recipient> {
        let object = self.object(self.chain.recipient())?;
        let text = std::str::from_utf8(object.as_bytes()).ok();
        text.and_then(|text| text.parse::<Recipient>().ok())
            .ok_or_else(|| Failure::untrue("the space's recipient is not a key"))
    }

    /// Fetches an object that a verified record names, and checks that it is that object.
    pub(crate) fn object(&self, named: ObjectRef) -> Outcome<VerifiedObject> {
        let bytes = self.keeper.object(self.home.space, named.id()).map_err(|error| unread(named.id(), error))?;
        let bytes = bytes.ok_or_else(|| {
            Failure::untrue(words!("object {id} is missing", "部品 {id} がありません", id = named.id()))
                .hint(check_first())
        })?;
        named.verify(bytes).map_err(|error| {
            Failure::untrue(words!("{error}", "部品が壊れているか、すり替えられています（{error}）"))
                .hint(check_first())
        })
    }

    /// The record of deposit `k` of a series.
    pub(crate) fn deposit(&self, series: SeriesId, k: u64) -> Option<&Record> {
        self.records.get(*self.by_deposit.get(&(series, k))?)
    }

    /// Appends a record signed by `key`; another append in between is followed and the record is put after it.
    ///
    /// `fits` says whether the record still means what it should when the chain has grown.
    pub(crate) fn append(
        &mut self,
        key: &SpaceSigningKey,
        draft: &Draft,
        fits: impl Fn(&Chain) -> bool,
    ) -> Outcome<RecordId> {
        loop {
            let envelope = draft.envelope(&self.chain, log::seen(&self.home)?)?;
            let text = envelope.text().map_err(Failure::internal)?;
            let signature = key.sign(text.as_bytes());
            let record = UnverifiedRecord::compose(&envelope, &[(key.verifying_key(), signature)]);
            let record = record.map_err(Failure::internal)?;
            let note = record.note_bytes().to_vec();
            match self.keeper.append(self.home.space, &note) {
                Ok(()) => {
                    self.take(record)?;
                    let Head { number, id } = self.chain.head();
                    self.home.pin_head(number, id)?;
                    return Ok(id);
                }
                Err(KeeperError::Conflict { .. }) => {
                    self.catch_up()?;
                    if !fits(&self.chain) {
                        return Err(Failure::fixable(words!(
                            "somebody else has added to this series meanwhile",
                            "その間に、別の人がこの束に追加しました"
                        ))
                        .hint(words!(
                            "Nothing of yours is lost: run the same command again.",
                            "失われたものはありません。同じコマンドをもう一度実行してください。"
                        )));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, record: UnverifiedRecord) -> Outcome<()> {
        let record = self.chain.append(record).map_err(broken_chain)?;
        self.records.push(record);
        self.index(self.records.len() - 1);
        Ok(())
    }

    /// Follows what others have appended meanwhile.
    pub(crate) fn catch_up(&mut self) -> Outcome<()> {
        for note in self.keeper.notes(self.home.space, self.chain.head().number + 1)? {
            self.take(UnverifiedRecord::parse(&note).map_err(broken_chain)?)?;
        }
        self.remember_head();
        Ok(())
    }

    /// The series of this name as this machine knows it; a new one if it knows none.
    ///
    /// `id:` and the digits of an id name a series that has deposits already: a timer knows no names.
    pub(crate) fn series_named(&self, device: &Device, name: &str, class: Class) -> Outcome<SeriesFacts> {
        if let Some(digits) = name.strip_prefix("id:") {
            let known = self.home.known_series()?;
            let found = known.into_iter().find(|series| series.id.to_string() == digits);
            return found.filter(|series| self.chain.series().contains_key(&series.id)).ok_or_else(|| {
                Failure::fixable(words!(
                    "this machine knows no series with the id {digits}",
                    "ID が {digits} の束を、このコンピューターは知りません"
                ))
                .hint(words!("Name the series by its name.", "束を名前で指定してください。"))
            });
        }
        if let Some(known) = self.home.series_by_name(device, name)? {
            return Ok(known);
        }
        self.home.name_series(device, name, SeriesId::from_bytes(random()), class)
    }

    /// Whether this machine knows the name of every series in the chain.
    pub(crate) fn knows_all_series(&self) -> Outcome<bool> {
        let known = self.home.known_series()?;
        Ok(self.by_deposit.keys().all(|(id, _)| known.iter().any(|series| series.id == *id)))
    }

    /// Unlocks with the identity that the passphrase opens.
    pub(crate) fn unlock(&self, passphrase: &str) -> Outcome<Keyring> {
        let identity = open_identity(&self.home, passphrase)?;
        let mut keyring = Keyring::unlock(self, &identity.identity)?;
        let people = self.people(&keyring, Certificate::of(&identity, &self.home.space))?;
        keyring.doubts = self.doubts(people);
        Ok(keyring)
    }

    /// Checks every certificate of the space beside the identity of this home: who the members are.
    ///
    /// A deposit says nothing about keys, so that not every manifest has to be opened for this. A record stays for ever:
    /// what a machine that only deposits, or a member who was removed, says falsely is not believed and stops nobody.
    pub(crate) fn people(&self, keyring: &Keyring, own: Certificate) -> Outcome<People> {
        let mut people = People { certificates: Certificates::new(own), falsehoods: Vec::new() };
        for record in self.records.iter().filter(|record| record.envelope().deposit.is_none()) {
            let followed = people.certificates.follow(record);
            let keys = match followed {
                Ok(keys) => keys,
                Err(error) => {
                    self.disbelieve(record, error, &mut people)?;
                    continue;
                }
            };
            // A body that cannot be read is told by whoever needs what it says; here its certificates are missing.
            for event in keyring.events(self, record).unwrap_or_default() {
                let Event::KeyCertified(certificate) = event else { continue };
                let taken = people.certificates.take(&self.home.space, &keys, &certificate);
                taken.or_else(|error| self.disbelieve(record, error, &mut people))?;
            }
        }
        Ok(people)
    }

    /// A false word about a key is an alarm if somebody who reads the space says it.
    fn disbelieve(&self, record: &Record, error: certificate::Error, people: &mut People) -> Outcome<()> {
        let opens = |key: &VerifyingKey| {
            let is_machine = people.certificates.of(key).is_some_and(|known| known.recipient.is_none());
            !is_machine && self.chain.role(key).is_some_and(Role::opens)
        };
        if record.signers().iter().any(opens) {
            return Err(false_certificate(record, error));
        }
        people.falsehoods.push((record.number(), error));
        Ok(())
    }

    /// What is left in doubt about the members, for people to see.
    fn doubts(&self, people: People) -> Vec<Words> {
        let mut doubts = Vec::new();
        for (number, error) in people.falsehoods {
            let reason = why_false(error);
            doubts.push(words!(
                "record {number} says falsely whose key it is ({reason}); nobody who reads this safe signed it, so it is not believed",
                "記録 {number} にある鍵の持ち主の証明は偽りです（{reason}）。金庫の中を見られる人の署名ではないので、信用せずに続けます";
                reason
            ));
        }
        let readers = self.chain.members().filter(|(_, role)| role.opens()).map(|(key, _)| key);
        doubts.extend(readers.filter(|key| people.certificates.of(key).is_none()).map(|key| {
            words!(
                "nobody has certified whose key {name} is: it reads this safe, and who holds it is not known",
                "鍵 {name} の持ち主を、誰も証明していません。この鍵は金庫の中を見られますが、誰のものかは分かりません",
                name = key.name()
            )
        }));
        doubts
    }
}

/// Whose the keys of a safe are, as far as it is certified.
pub(crate) struct People {
    pub certificates: Certificates,
    /// What was said falsely by somebody whom nobody has to believe, and in which record.
    falsehoods: Vec<(u64, certificate::Error)>,
}

/// What of a record is decided before its place in the chain is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub body: Option<(ObjectId, u64)>,
    pub deposit: Option<Deposit>,
    pub controls: Vec<Control>,
}

impl Draft {
    fn envelope(&self, chain: &Chain, seen: Option<Seen>) -> Outcome<Envelope> {
        let mut envelope = Envelope {
            keeper: chain.keeper().clone(),
            space: chain.space(),
            number: chain.head().number + 1,
            prev: Some(chain.head().id),
            epoch: chain.epoch(),
            time: now()?,
            seen,
            body: self.body,
            deposit: self.deposit,
            controls: self.controls.clone(),
        };
        envelope.sort_controls();
        Ok(envelope)
    }
}

/// What this machine's clock says, as a record claims it.
pub(crate) fn now() -> Outcome<ClaimedTime> {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    ClaimedTime::from_unix_seconds(seconds).map_err(|error| impossible_time().source(error))
}

/// The same, as exactly as it goes, for stamps.
pub(crate) fn moment() -> Outcome<Moment> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment::from_unix(since.as_secs(), since.subsec_nanos()).ok_or_else(impossible_time)
}

fn impossible_time() -> Failure {
    Failure::fixable(words!(
        "this machine's clock is set to an impossible time",
        "このコンピューターの時計が、ありえない時刻になっています"
    ))
    .hint(words!("Set the clock.", "時計を合わせてください。"))
}

/// Opens the identity file of a home.
pub(crate) fn open_identity(home: &Home, passphrase: &str) -> Outcome<IdentityFile> {
    let path = home.identity_file();
    let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::fixable(words!(
            "this machine only deposits: it holds no identity that opens",
            "このコンピューターは預けるだけです。金庫を開ける鍵がありません"
        ))
        .hint(words!(
            "Run this on a machine with an identity file.",
            "鍵ファイル（identity.age）のあるコンピューターで実行してください。"
        )),
        _ => Failure::file("read", &path, error),
    })?;
    IdentityFile::open(bytes, passphrase).map_err(|error| {
        Failure::fixable(words!(
            "the passphrase does not open {path}",
            "パスフレーズが違うため、{path} を開けません",
            path = shown(&path)
        ))
        .hint(words!(
            "Type it again; capital letters and the keyboard's language count. If it is right, the file is damaged: use a copy.",
            "大文字・小文字と、日本語入力が切れていることを確かめて、もう一度入力してください。合っているはずなら鍵ファイルが壊れています。控えを使ってください。"
        ))
        .source(error)
    })
}

/// The secrets of a space's epochs.
pub(crate) struct Keyring {
    epochs: BTreeMap<u32, Identity>,
    /// Epochs of which a wrap is missing or damaged: it may be the one that this identity opens.
    lost: BTreeSet<u32>,
    /// What is not known for certain of who the members are, for people to see.
    pub doubts: Vec<Words>,
}

impl Keyring {
    fn unlock(safe: &Safe, own: &Identity) -> Outcome<Self> {
        let (mut epochs, mut lost) = (BTreeMap::new(), BTreeSet::new());
        let mut first_lost = None;
        for (epoch, facts) in safe.chain.epochs().iter().enumerate() {
            for wrap in facts.wraps() {
                // An epoch has several wraps, for different readers: a lost one may be that of somebody else.
                let wrap = match safe.object(*wrap) {
                    Ok(wrap) => wrap,
                    Err(failure) => {
                        lost.insert(epoch as u32);
                        first_lost.get_or_insert(failure);
                        continue;
                    }
                };
                let Ok(line) = age::open(wrap, own).map(Zeroizing::new) else { continue };
                let secret = std::str::from_utf8(&line).ok().and_then(|line| Identity::parse(line.trim_end()).ok());
                let recipient = secret.as_ref().map(|secret| secret.recipient().to_string());
                let fits = recipient.is_some_and(|text| ObjectId::of(text.as_bytes()) == facts.recipient().id());
                let Some(secret) = secret.filter(|_| fits) else {
                    return Err(Failure::new(
                        Kind::Lying,
                        words!(
                            "a wrap holds a secret that is not the space's",
                            "金庫の鍵が、この金庫のものではありません"
                        ),
                    )
                    .hint(words!(
                        "Somebody made this wrap to mislead. Keep a copy of the keeper's data and ask the admins.",
                        "誰かが偽の鍵を置いています。預け先のデータをそのまま残し、金庫の管理者に知らせてください。"
                    )));
                };
                epochs.insert(epoch as u32, secret);
                break;
            }
        }
        if epochs.is_empty() {
            if let Some(failure) = first_lost {
                return Err(failure);
            }
            return Err(Failure::fixable(words!(
                "this identity opens nothing in the safe",
                "この鍵で開けられるものは、金庫にありません"
            ))
            .hint(words!("Ask an admin for access.", "金庫の管理者に、見る権限を頼んでください。")));
        }
        Ok(Self { epochs, lost, doubts: Vec::new() })
    }

    /// Opens an object of a record.
    pub(crate) fn open(&self, epoch: u32, object: VerifiedObject) -> Outcome<Zeroizing<Vec<u8>>> {
        age::open(object, self.identity(epoch)?).map(Zeroizing::new).map_err(sealed_wrongly)
    }

    /// The key of one object of a record, to be handed out.
    pub(crate) fn disclose(&self, epoch: u32, object: &VerifiedObject) -> Outcome<[u8; FILE_KEY_BYTES]> {
        age::disclose(object, self.identity(epoch)?).map_err(sealed_wrongly)
    }

    fn identity(&self, epoch: u32) -> Outcome<&Identity> {
        self.epochs.get(&epoch).ok_or_else(|| {
            if self.lost.contains(&epoch) {
                return Failure::untrue(words!(
                    "a key object of epoch {epoch} is missing or damaged",
                    "第{epoch}期の鍵の部品が、なくなったか壊れています"
                ))
                .hint(check_first());
            }
            Failure::fixable(words!(
                "the secret of epoch {epoch} was not given to this identity",
                "この鍵には、第{epoch}期のものを見る権限がありません"
            ))
            .hint(words!("Ask an admin to grant it.", "金庫の管理者に、見る権限を頼んでください。"))
        })
    }

    /// The events of a record that has a body.
    pub(crate) fn events(&self, safe: &Safe, record: &Record) -> Outcome<Vec<Event>> {
        let Some(body) = record.body_object() else { return Ok(Vec::new()) };
        let plain = self.open(record.envelope().epoch, safe.object(body)?)?;
        let text = read_stream(&plain, event::BODY_BYTES_MAX)?;
        event::parse(&text).map_err(|error| Failure::untrue(format!("record {}: {error}", record.number())))
    }
}

fn sealed_wrongly(error: age::OpenError) -> Failure {
    Failure::untrue(words!(
        "a sealed object is what its record names, and does not open",
        "記録どおりの部品ですが、封を開けられません"
    ))
    .hint(words!(
        "It was sealed wrongly by the device that made it; the other deposits are not touched.",
        "預けたコンピューターが正しく封をできていませんでした。ほかの預け入れは無事です。"
    ))
    .source(error)
}

/// The bytes of a whole small stream, at most `bytes_max` of them.
pub(crate) fn read_stream(plain: &[u8], bytes_max: usize) -> Outcome<Zeroizing<Vec<u8>>> {
    let refused = |error: stream::Error| Failure::untrue(error.to_string());
    let mut frames = Frames::new();
    frames.push(plain).map_err(refused)?;
    let mut text = Zeroizing::new(Vec::new());
    while let Some(frame) = frames.next_frame() {
        text.extend(stream::unframe(&frame).map_err(refused)?);
        if text.len() > bytes_max {
            return Err(Failure::untrue("a sealed stream holds more than it may"));
        }
    }
    frames.finish().map_err(refused)?;
    Ok(text)
}

/// Seals events as a body, ready to be put.
pub(crate) fn seal_body(events: &[Event], recipient: &Recipient) -> Outcome<Vec<u8>> {
    let text = Zeroizing::new(event::compose(events));
    let mut framer = stream::Framer::new(3).map_err(Failure::internal)?;
    let mut plain = Zeroizing::new(Vec::new());
    for block in text.chunks(stream::BLOCK_BYTES) {
        plain.extend(framer.frame(block).map_err(Failure::internal)?);
    }
    stream::padding(plain.len() as u64).for_each(|piece| plain.extend(piece));
    age::seal(&plain, std::slice::from_ref(recipient), &mut SystemEntropy).map_err(Failure::internal)
}

/// Follows a space. What this machine has followed before is held by hash: no signature up to there is checked again.
fn follow(notes: &[Vec<u8>], pinned: Option<(u64, RecordId)>) -> Outcome<(Chain, Vec<Record>)> {
    if notes.is_empty() {
        return Err(Failure::new(
            Kind::Lying,
            words!("the keeper has no records of this safe", "預け先に、この金庫の記録がありません"),
        )
        .hint(words!("Put the keeper's folder back from a copy.", "預け先のフォルダーを控えから戻してください。")));
    }
    let mut records = Vec::with_capacity(notes.len());
    let followed =
        pinned.map(|(number, id)| Chain::replay_followed(notes, Head { number, id }, |record| records.push(record)));
    if let Some(Ok(chain)) = followed {
        return Ok((chain, records));
    }
    // Not what was seen before: every signature is checked, and the comparison with the pinned head names the fault.
    records.clear();
    let chain = Chain::replay(notes, |record| records.push(record)).map_err(broken_chain)?;
    Ok((chain, records))
}

fn false_certificate(record: &Record, error: certificate::Error) -> Failure {
    let (number, reason) = (record.number(), why_false(error));
    Failure::new(
        Kind::Lying,
        words!(
            "record {number} says falsely whose key it is: {reason}",
            "記録 {number} にある、鍵の持ち主の証明が偽りです（{reason}）";
            reason
        ),
    )
    .hint(words!(
        "Somebody takes another one's place. Do not deposit; keep a copy of the keeper's data and ask the admins.",
        "誰かが他人になりすましています。預け入れを止め、預け先のデータをそのまま残し、金庫の管理者に知らせてください。"
    ))
    .source(error)
}

fn why_false(error: certificate::Error) -> Words {
    use certificate::Error;
    match error {
        Error::Form => words!("a key, recipient or signature in it is none", "鍵か宛先か署名の形が正しくありません"),
        Error::Place => {
            words!("it stands in a record that is not its key's", "その鍵のものではない記録に書かれています")
        }
        Error::Session => words!(
            "the session key in it is not the one that the space knows",
            "預け先とのやり取りに使う鍵が、金庫の記録にあるものと違います"
        ),
        Error::Signature => words!("the identity did not sign it", "名指しされた本人の署名ではありません"),
        Error::Contradiction => words!("it contradicts another certificate", "ほかの証明と食い違っています"),
        Error::NotOurs => {
            words!(
                "it contradicts the identity file of this home",
                "この金庫のフォルダーにある鍵ファイルと食い違っています"
            )
        }
    }
}

fn broken_chain(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::untrue(words!(
        "a record of this safe is damaged or forged: {error}",
        "この金庫の記録が、壊れているか偽造されています: {error}"
    ))
    .hint(words!(
        "Nothing was changed. Put the keeper's folder back from a copy; the damage is evidence, keep it too.",
        "何も変更していません。壊れたものも証拠として残したうえで、預け先のフォルダーを控えから戻してください。"
    ))
    .source(error)
}

/// An object that the keeper does not give: what lies there cannot be it, or the disk does not answer, which says nothing
/// of what lies there.
fn unread(id: ObjectId, error: KeeperError) -> Failure {
    use hizo_store::objects::Error::{Damaged, Disk};
    let failure = match &error {
        KeeperError::Objects(Damaged { .. }) => {
            Failure::untrue(words!("object {id} is damaged", "部品 {id} が壊れています"))
        }
        KeeperError::Objects(Disk { source, .. }) => Failure::new(
            Kind::Unknown,
            words!("object {id} cannot be read: {source}", "部品 {id} を読み取れません: {source}"),
        ),
        _ => return error.into(),
    };
    failure.hint(check_first()).source(error)
}

fn check_first() -> Words {
    words!(
        "Run `hizo check` to see which deposits it touches; put it back from a copy or an export.",
        "`hizo check` で、どの預け入れに影響するかを調べてください。控えか書き出したものから戻せます。"
    )
}
