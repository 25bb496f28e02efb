//! The keeper's log as this machine sees it: each head is held against the one seen before, and every record of this safe
//! against its place.

mod standing;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use hizo_keeper::log::Error as LogError;
use hizo_keeper::witness::WitnessPolicy;
use hizo_ledger::id::Slot;
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::log::policy::{POLICY_BYTES_MAX, Policy};
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::tree;
use hizo_ledger::record::{Record, Seen};
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Kind, Outcome};
use crate::home::Home;
use crate::keeper::{KeeperLog, log_failed};
use crate::safe::Safe;
use crate::words::{Words, words};

pub(crate) use standing::{Standing, without_witnesses};

/// Reads a policy of witnesses, whatever it says: not more of the file than a policy may have, and one byte.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn read_policy(path: &Path) -> Outcome<Vec<u8>> {
    let mut text = Vec::new();
    let limit = POLICY_BYTES_MAX as u64 + 1;
    let file = fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut text));
    file.map_err(|error| Failure::file("read", path, error))?;
    Ok(text)
}

/// A published head of the keeper's log that goes on from everything this machine has seen of it.
pub(crate) struct SeenLog {
    log: KeeperLog,
    pub checkpoint: Checkpoint,
    /// The whole note, as the log signed it and authorities stamp it.
    pub note: Vec<u8>,
    /// By which witnesses are asked, if there is one.
    asked: Option<WitnessPolicy>,
    /// The log alone.
    own: Policy,
}

impl SeenLog {
    /// Publishes what was appended, and looks at the log.
    ///
    /// # Errors
    /// Exit code 5 when the log is not the one that was seen before, or shows less of it.
    pub(crate) fn publish(safe: &Safe) -> Outcome<Self> {
        let log = of_keeper(safe)?;
        // A keeper that the space has left publishes nothing more of it.
        let is_past = safe.keeper.is_written_down();
        let is_kept_there = *safe.chain.keeper() == safe.home.keeper && !is_past;
        log.publish(&safe.keeper, || match is_kept_there {
            true => {
                let place = safe.keeper.place(safe.home.space, safe.chain.head().number);
                Ok(Some(place.map_err(Failure::from)?.unwrap_or(0)))
            }
            false => Ok(None),
        })?;
        let _turn = safe.home.lock_checkpoint()?;
        let note = log.published().checkpoint().map_err(log_failed)?;
        let note = match note {
            Some(note) => note,
            None => return Err(shows_no_log(safe)),
        };
        let checkpoint = verified(&safe.home, &note)?;
        let asked = log.policy().cloned();
        let seen = Self { log, checkpoint, note, asked, own: Policy::of_log(named_key(&safe.home)?) };
        // What was written down may be of an earlier head than the last that this machine saw.
        if is_past {
            return Ok(seen);
        }
        match seen.goes_on(&safe.home) {
            Ok(()) => Ok(seen),
            // Two heads under one signature that do not fit together are the proof of it, which a keeper elsewhere may not show twice.
            Err(failure) => Err(seen.kept_as_evidence(&safe.home, failure)),
        }
    }

    fn kept_as_evidence(&self, home: &Home, failure: Failure) -> Failure {
        if failure.kind == Kind::Lying {
            // Whether or not the disk takes it, the lie is told.
            let _ = home.keep_refused_checkpoint(&self.note);
        }
        failure
    }

    /// Holds the head against the one seen before, and remembers it.
    fn goes_on(&self, home: &Home) -> Outcome<()> {
        let Some(before) = home.seen_checkpoint()? else { return home.remember_checkpoint(&self.note) };
        let before = verified(home, &before)?;
        if before.size > self.checkpoint.size {
            return Err(lying(words!(
                "its log has fewer leaves than this machine has seen",
                "預け先のログが、前回見たときより短くなっています"
            )));
        }
        let path = self.log.published().consistency(before.size, self.checkpoint.size);
        let path = path.map_err(log_failed)?;
        let (new, path) = (&self.checkpoint, path.unwrap_or_default());
        tree::check_consistency(before.size, &before.root, new.size, &new.root, &path).map_err(|error| {
            lying(words!(
                "its log does not go on from the one that this machine has seen",
                "預け先のログが、前回見たものの続きになっていません"
            ))
            .source(error)
        })?;
        if before.size < new.size { home.remember_checkpoint(&self.note) } else { Ok(()) }
    }

    /// A head of the log that was published once, with all its cosignatures, and what a reader has to trust: the witnesses
    /// too when enough of them have cosigned.
    pub(crate) fn witnessed(&self, head: &[u8]) -> Outcome<(Vec<u8>, &Policy)> {
        let asked = self.asked.as_ref().map_or(&self.own, |asked| &asked.policy);
        let cosigned = self.log.published().with_cosignatures(head, asked);
        let cosigned = cosigned.map_err(log_failed)?;
        let policy = self.policy_met_by(&cosigned);
        Ok((cosigned, policy))
    }

    /// What a reader of this head has to trust: the witnesses too when enough of them have signed it.
    pub(crate) fn policy_met_by(&self, head: &[u8]) -> &Policy {
        let is_met = |policy: &&Policy| UnverifiedCheckpoint::parse(head).is_ok_and(|read| policy.check(&read).is_ok());
        self.asked.as_ref().map(|asked| &asked.policy).filter(is_met).unwrap_or(&self.own)
    }

    /// The policy that asks for witnesses, if there is one.
    pub(crate) fn asks(&self) -> Option<&Policy> {
        self.asked.as_ref().map(|asked| &asked.policy).filter(|policy| policy.asks_for_witnesses())
    }

    /// Such a policy as a file that can be given to those who check proofs.
    pub(crate) fn policy_file(&self, policy: &Policy) -> String {
        match self.asked.as_ref().filter(|asked| asked.policy == *policy) {
            Some(asked) => asked.for_readers(),
            None => {
                self.own.logs().iter().map(|log| format!("log {}\n", log.key)).collect::<String>() + "quorum none\n"
            }
        }
    }

    /// What is published, and what the keeper promises.
    pub(crate) const fn keeper_log(&self) -> &KeeperLog {
        &self.log
    }

    /// Where a record of this safe stands in the log, and how many leaves that has; nothing while the log is not as long.
    ///
    /// # Errors
    /// As [`SeenLog::prove`].
    pub(crate) fn place(&self, safe: &Safe, record: &Record) -> Outcome<Option<(u64, u64)>> {
        let (index, size) = (position(safe, record.number())?, self.checkpoint.size);
        if index >= size {
            return Ok(None);
        }
        self.prove_at(index, safe, record, &self.note)?;
        Ok(Some((index, size)))
    }

    /// A proof that a record of this safe stands in the log under this head, which was published once, checked.
    ///
    /// # Errors
    /// When the keeper shows no such proof: exit code 3.
    pub(crate) fn prove(&self, safe: &Safe, record: &Record, head: &[u8]) -> Outcome<InclusionProof> {
        self.prove_at(position(safe, record.number())?, safe, record, head)
    }

    fn prove_at(&self, index: u64, safe: &Safe, record: &Record, head: &[u8]) -> Outcome<InclusionProof> {
        let number = record.number();
        let leaf = leaf(safe, record)?;
        let proof = self.log.published().prove_under(index, head.to_vec());
        let proof = proof.map_err(|error| match error {
            LogError::NoLeaf { .. } => not_logged(number).source(error),
            // What cannot be read says nothing of what is logged.
            other => log_failed(other),
        })?;
        let (checkpoint, policy) = self.witnessed(head)?;
        let proof = InclusionProof { checkpoint, ..proof };
        proof.check(&leaf, policy).map_err(|error| not_logged(number).source(error))?;
        Ok(proof)
    }
}

/// The place of a record of this safe in the log. It is the keeper's word until a proof has been checked.
///
/// # Errors
/// When the keeper does not have the record.
pub(crate) fn position(safe: &Safe, number: u64) -> Outcome<u64> {
    let place = safe.keeper.place(safe.home.space, number).map_err(Failure::from)?;
    place.ok_or_else(|| not_logged(number))
}

/// The log of the safe's keeper, and the keeper's signature on receipts.
pub(crate) fn of_keeper(safe: &Safe) -> Outcome<KeeperLog> {
    KeeperLog::open(&safe.home, &safe.keeper)
}

/// How far the log of the safe's keeper is witnessed.
pub(crate) fn standing(safe: &Safe) -> Outcome<Standing> {
    Standing::of(&of_keeper(safe)?)
}

/// Reads the whole published log again, and holds every record of this safe against its place: no place of the safe may
/// hold another record, and none may stand twice. Every head that whoever signed a record had seen must be one of this log.
///
/// # Errors
/// The first thing that does not hold: exit code 3, or 5 for a second history.
pub(crate) fn check(safe: &Safe) -> Outcome<()> {
    let log = of_keeper(safe)?;
    let slot_key = slot_key(safe)?;
    let own: BTreeMap<Slot, &Record> =
        safe.records.iter().map(|record| (Slot::of(&slot_key, record.number()), record)).collect();
    let mut other = None;
    let here = safe.records.iter().filter(|record| record.envelope().keeper == safe.home.keeper);
    let seen: Vec<(&Record, Seen)> = here.filter_map(|record| Some((record, record.envelope().seen?))).collect();
    let sizes = seen.iter().map(|(_, seen)| seen.size).collect();
    let checked = log.published().check_each(&sizes, &mut |leaf| {
        if let Some(record) = own.get(&leaf.slot).filter(|record| record.id() != leaf.record) {
            other = other.or(Some(record.number()));
        }
    });
    if let Some(number) = other {
        return Err(lying(words!(
            "its log holds another record {number} of this safe: it has two histories",
            "台帳に、この金庫の別の記録 {number} が載っています。履歴が二つあります"
        )));
    }
    match checked {
        Ok(checked) => {
            let other = seen.iter().find(|(_, seen)| checked.roots.get(&seen.size) != Some(&seen.root));
            other.map_or(Ok(()), |(record, seen)| Err(two_faces(record, seen)))
        }
        Err(error @ hizo_keeper::log::Error::RepeatedSlot { .. }) => {
            Err(lying(words!("{error}", "台帳の同じ場所に記録が二つあります（{error}）")))
        }
        Err(error) => Err(log_failed(error)),
    }
}

/// Whoever signed a record was shown another log than this one, or says so falsely.
fn two_faces(record: &Record, seen: &Seen) -> Failure {
    let by = record.signers().first().map(|key| key.name().to_string()).unwrap_or_default();
    lying(words!(
        "{by}, who signed record {number}, had seen a head of {size} leaves that is none of this log's: it shows two logs, or {by} says what is not so",
        "記録 {number} に署名した {by} が見た台帳の先頭（{size}件）は、この台帳のものではありません。預け先が二つの台帳を見せているか、{by} が事実と違うことを書いています",
        by = by,
        number = record.number(),
        size = seen.size
    ))
}

/// The newest head that this machine has verified, as its next record will say.
pub(crate) fn seen(home: &Home) -> Outcome<Option<Seen>> {
    let Some(note) = home.seen_checkpoint()? else { return Ok(None) };
    let Checkpoint { size, root, .. } = verified(home, &note)?;
    Ok(Some(Seen { size, root }))
}

/// The key that signs the log, as this machine has pinned it.
pub(crate) fn named_key(home: &Home) -> Outcome<NamedKey> {
    NamedKey::new(home.keeper.as_str(), CheckpointKey::Log(home.log_key))
        .ok_or_else(|| Failure::internal_message("the keeper's origin is no name of a key"))
}

/// A keeper that publishes nothing, although it has promised to, or has published before.
fn shows_no_log(safe: &Safe) -> Failure {
    match safe.home.seen_checkpoint() {
        Ok(Some(_)) => {
            lying(words!("it shows no log, and this machine has seen one", "前回見た台帳を、何も見せなくなっています"))
        }
        _ if safe.keeper.here().is_none() => Failure::new(
            Kind::Unknown,
            words!("the keeper has published no log yet", "預け先が、まだ台帳を公表していません"),
        )
        .hint(words!(
            "Try again in a minute; if it stays so, tell the keeper's operator.",
            "1分ほど待って、もう一度試してください。続くようなら、預け先に知らせてください。"
        )),
        _ => Failure::internal_message("the log was published and is not there"),
    }
}

/// The leaf that a record must have in the log.
pub(crate) fn leaf(safe: &Safe, record: &Record) -> Outcome<Leaf> {
    Ok(Leaf { slot: Slot::of(&slot_key(safe)?, record.number()), record: record.id() })
}

/// The space's slot key. The keeper has it, and the genesis says which one it is.
pub(crate) fn slot_key(safe: &Safe) -> Outcome<[u8; 32]> {
    let known = safe.home.slot_key()?;
    let key = match known {
        Some(key) => Some(key),
        None => safe.keeper.slot_key(safe.home.space).map_err(Failure::from)?,
    };
    let key = key.filter(|key| *safe.chain.slot().as_bytes() == <[u8; 32]>::from(Sha256::digest(key)));
    let key = key.ok_or_else(|| {
        Failure::untrue(words!(
            "the keeper does not have the slot key of this safe",
            "この金庫の記録の位置を示す鍵が、預け先にありません"
        ))
    })?;
    if known.is_none() && safe.keeper.here().is_none() {
        // A home that cannot be written asks for it again.
        let _ = Home::write_slot_key(safe.home.folder(), &key);
    }
    Ok(key)
}

fn verified(home: &Home, note: &[u8]) -> Outcome<Checkpoint> {
    let not_ours = || {
        lying(words!(
            "the head of its log is not signed by the key that this machine knows",
            "預け先のログの先頭に、このコンピューターの知っている鍵の署名がありません"
        ))
    };
    let read = UnverifiedCheckpoint::parse(note).map_err(|error| not_ours().source(error))?;
    let signed =
        read.claimed().origin == home.keeper && read.signed_by(&named_key(home)?).is_ok_and(|time| time.is_some());
    if signed { Ok(read.claimed().clone()) } else { Err(not_ours()) }
}

/// The keeper, or whoever put its data there, shows what cannot be.
pub(crate) fn lying(what: Words) -> Failure {
    Failure::new(Kind::Lying, words!("the keeper cannot be believed: {what}", "預け先を信用できません: {what}"; what)).hint(words!(
        "Do not deposit. Keep a copy of the home folder and of the keeper's data as evidence, and ask who changed them.",
        "預け入れを止めてください。金庫のフォルダーと預け先のデータを証拠としてそのまま残し、誰が変えたのかを調べてください。"
    ))
}

fn not_logged(number: u64) -> Failure {
    Failure::untrue(words!(
        "the keeper does not prove that record {number} stands in its log",
        "記録 {number} がログにあることを、預け先が示せません"
    ))
    .hint(words!(
        "Keep the receipt of this record: it is the keeper's promise that it would.",
        "この記録の受領書を残しておいてください。載せるという預け先の約束の証拠になります。"
    ))
}
