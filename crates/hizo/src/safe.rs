//! A safe as this machine sees it: the chain of its space, followed and checked, and what its records mean once unlocked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hizo_keeper::Error as KeeperError;
use hizo_keeper::client::Promised;
use hizo_ledger::id::{ObjectId, RecordId, SeriesId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::receipt::RECEIPT_BYTES_MAX;
use hizo_ledger::object::{ObjectRef, VerifiedObject};
use hizo_ledger::proof::FILE_KEY_BYTES;
use hizo_ledger::record::{ClaimedTime, Control, Deposit, Envelope, Origin, Record, Role, Seen, UnverifiedRecord};
use hizo_ledger::space::{Chain, Head, ReplayError, Standing};
use hizo_ledger::timestamp::Moment;
use hizo_vault::age::{self, Identity, Recipient};
use hizo_vault::event::certificate::Certificate;
use hizo_vault::event::{self, Class, Event};
use hizo_vault::joining::Invite;
use hizo_vault::keys::{IdentityFile, SpaceSigningKey};
use hizo_vault::plaintext::Plaintext;
use hizo_vault::stream::{self, Frames};
use jiff::tz::Offset;
use zeroize::Zeroizing;

use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::home::{Device, Home, SeriesFacts};
use crate::keeper::{Keeper, unix_seconds};
use crate::people::{People, shown_organisation};
use crate::queue::{Away, Queue, SetAside};
use crate::words::{Words, words};
use crate::{log, passphrase, rotation};

/// Wraps of an epoch that are brought at hand.
const WRAPS_AT_HAND_MAX: usize = 64;

/// A safe whose records have been followed from the first to the last. Nothing is unlocked.
pub(crate) struct Safe {
    pub home: Home,
    pub keeper: Keeper,
    pub chain: Chain,
    /// Every record, in order.
    pub records: Vec<Record>,
    by_deposit: ByDeposit,
    /// Records from this number on wait for a keeper that cannot be reached.
    kept_until: u64,
    /// What no longer could be sent when it was looked at.
    pub set_aside: Vec<SetAside>,
    /// Whoever seals wants to seal although an organisation reads by keys of before.
    pub seals_though_stale: bool,
    /// The receipts that the keeper has answered with to the records that were appended since the safe was opened, by their numbers.
    promised: BTreeMap<u64, Vec<u8>>,
}

impl Safe {
    /// Follows the space's chain and compares it with what this machine has seen before.
    ///
    /// # Errors
    /// Exit code 5 when the keeper shows another history or less of it than before.
    pub(crate) fn open(home: Home) -> Outcome<Self> {
        let safe = Self::open_wherever(home)?;
        safe.has_not_moved()?;
        Ok(safe)
    }

    /// The same, also where the space has moved to another keeper: as the one before has it.
    pub(crate) fn open_wherever(home: Home) -> Outcome<Self> {
        // What was seen before is read before what there is now: another process may append and pin in between.
        let pinned = home.pinned_head()?;
        let keeper = Keeper::open(&home)?;
        let (safe, new) = Self::followed(home, keeper, pinned, pinned)?;
        if let Some(New { notes, remembered }) = new {
            // What is not remembered is asked for again.
            let _ = safe.home.remember_notes(&notes, remembered);
            safe.bring_at_hand();
        }
        safe.remember_head();
        Ok(safe)
    }

    /// As [`Safe::open_wherever`]; where the keeper cannot be reached, as this machine has followed it, and why.
    pub(crate) fn open_wherever_at_hand(home: Home) -> Outcome<(Self, Option<Failure>)> {
        match Self::open_wherever(home.clone()) {
            Err(failure) if failure.is_unreachable() => {
                let mut safe = Self::remembered(home)?;
                safe.leave_keeper()?;
                Ok((safe, Some(failure)))
            }
            safe => Ok((safe?, None)),
        }
    }

    /// As [`Safe::open`]; where the keeper cannot be asked, as far as this machine has it at hand, and why.
    pub(crate) fn open_at_hand(home: Home) -> Outcome<(Self, Option<Failure>)> {
        match Self::open(home.clone()) {
            Err(failure) if failure.is_out_of_reach() => match Self::open_away(home) {
                Ok(safe) => Ok((safe, Some(failure))),
                Err(_) => Err(failure),
            },
            safe => Ok((safe?, None)),
        }
    }

    /// The safe as this machine knows it, with what waits for its keeper, which cannot be reached.
    ///
    /// # Errors
    /// When this machine has never followed it.
    fn open_away(home: Home) -> Outcome<Self> {
        let mut safe = Self::remembered(home)?;
        safe.has_not_moved()?;
        safe.go_away()?;
        Ok(safe)
    }

    /// Whether it is as its keeper has it, by its home as it is now.
    ///
    /// # Errors
    /// Exit code 5 when this machine has seen more than that.
    pub(crate) fn is_newest(&self, home: &Home) -> Outcome<bool> {
        if self.is_away() || home.keeper != self.home.keeper {
            return Ok(false);
        }
        // What was seen before is read before what there is now.
        let pinned = home.pinned_head()?;
        // It is asked anew: another one may stand in its place.
        let is_newest = Keeper::open(home)?.head(home.space)? == Some(self.chain.head());
        if is_newest {
            self.check_pins(pinned)?;
        }
        Ok(is_newest)
    }

    /// The same safe followed on from here, by its home as it is now; nothing where only following it from its beginning can tell what
    /// it is. What was checked once is not checked again, and nothing is remembered that this machine has not compared with what it had
    /// seen before.
    ///
    /// # Errors
    /// As [`Safe::open`].
    pub(crate) fn going_on(&self, home: Home) -> Outcome<Option<Self>> {
        if self.is_away() || home.keeper != self.home.keeper {
            return Ok(None);
        }
        let (pinned, keeper) = (home.pinned_head()?, Keeper::open(&home)?);
        let (chain, records, by_deposit) = (self.chain.clone(), self.records.clone(), self.by_deposit.clone());
        let (kept_until, set_aside, promised) = (u64::MAX, Vec::new(), BTreeMap::new());
        let seals_though_stale = self.seals_though_stale;
        let mut safe =
            Self { home, keeper, chain, records, by_deposit, kept_until, set_aside, seals_though_stale, promised };
        safe.follow_on()?;
        safe.check_pins(pinned)?;
        safe.has_not_moved()?;
        // A keeper that shows less than before is told of by whoever follows all of it.
        if safe.keeper.head(safe.home.space)? != Some(safe.chain.head()) {
            return Ok(None);
        }
        safe.remember_head();
        safe.remember_records(self.records.len());
        Ok(Some(safe))
    }

    /// The safe as this machine has followed it. Its keeper is not asked.
    ///
    /// # Errors
    /// When this machine has never followed it, or the keeper is here and nobody need remember anything.
    pub(crate) fn remembered(home: Home) -> Outcome<Self> {
        let pinned = home.pinned_head()?;
        let Followed { chain, records } = Followed::all(&home.remembered_notes()?, pinned)?;
        let chain = chain.filter(|chain| chain.id_at(0) == Some(home.genesis));
        let chain = chain.ok_or_else(|| Failure::from(KeeperError::unreachable()))?;
        let keeper = Keeper::open(&home)?;
        let safe = Self::of(home, keeper, chain, records);
        safe.check_pins(pinned)?;
        Ok(safe)
    }

    /// Goes on with what this machine has: the keeper is not asked any more, and nothing waits for it.
    pub(crate) fn leave_keeper(&mut self) -> Outcome<()> {
        if let Keeper::There(remote, _) = &self.keeper {
            self.keeper = Keeper::Away(Arc::clone(remote), Box::new(Away::new(&self.home)?));
        }
        Ok(())
    }

    /// The safe as the keeper of this name had it, for what the log of that keeper says; nothing where none was called so.
    pub(crate) fn when_kept_by(&self, origin: &Origin) -> Outcome<Option<Self>> {
        let Some(home) = self.home.when_kept_by(origin) else { return Ok(None) };
        let keeper = Keeper::open_former(&home)?;
        Ok(Some(Self::of(home, keeper, self.chain.clone(), self.records.clone())))
    }

    /// Makes the home one of the keeper to which this safe was followed: from here on it is asked, and nothing is taken back.
    pub(crate) fn settle_move(&self) -> Outcome<()> {
        let Head { number, id } = self.chain.head();
        self.home.pin_head(number, id)?;
        if self.keeper.here().is_none() {
            let notes: Vec<_> = self.records.iter().map(Record::note_bytes).collect();
            self.home.remember_notes(&notes, 0)?;
        }
        self.home.settle_move()
    }

    /// The safe whose keeper, if it is elsewhere, has its answers about the log written down, for [`Safe::when_kept_by`].
    pub(crate) fn writing_down(&self) -> Outcome<Self> {
        let (home, keeper) = (self.home.clone(), Keeper::open_writing_down(&self.home)?);
        Ok(Self::of(home, keeper, self.chain.clone(), self.records.clone()))
    }

    /// The record by which the space has left its keeper, if it has.
    pub(crate) fn departure(&self) -> Option<&Record> {
        if *self.chain.keeper() == self.home.keeper {
            return None;
        }
        let is_last = |record: &&Record| record.envelope().keeper == self.home.keeper && destination(record).is_some();
        self.records.iter().rfind(is_last)
    }

    /// # Errors
    /// When the space has moved to another keeper, as a record of it says; what to do then.
    pub(crate) fn has_not_moved(&self) -> Outcome<()> {
        if *self.chain.keeper() == self.home.keeper {
            return Ok(());
        }
        let Some(to) = self.departure().and_then(destination) else { return Err(another_space()) };
        Err(Failure::fixable(words!(
            "this safe has moved to another keeper, {to}: one of its admins has signed that",
            "この金庫は、別の預け先（{to}）に移りました。管理者が署名した記録があります"
        ))
        .hint(words!(
            "Run `hizo move --follow`, with your passphrase; or, where that does not do, `hizo move --follow INVITE` with an invite that an admin made after the move.",
            "パスフレーズを用意して `hizo move --follow` を実行してください。それでできなければ、移転後に管理者が作った招待状を使い、`hizo move --follow 招待状` を実行してください。"
        )))
    }

    /// Goes on without the keeper, if that is elsewhere: what is put and appended from now on waits for it.
    pub(crate) fn go_away(&mut self) -> Outcome<()> {
        let Keeper::There(remote, _) = &self.keeper else { return Ok(()) };
        let key = self.home.device()?.signing.space_key(&self.home.space);
        let (waiting, aside) = Queue::of(&self.home).follow(&self.chain, &key, log::seen(&self.home)?)?;
        self.kept_until = self.chain.head().number + 1;
        self.keeper = Keeper::Away(Arc::clone(remote), Box::new(Away::new(&self.home)?));
        self.set_aside.extend(aside);
        waiting.into_iter().try_for_each(|record| self.take(record))
    }

    /// Has at hand what everything new is sealed to, and what opens it, for when the keeper cannot be reached.
    fn bring_at_hand(&self) {
        let Keeper::There(_, at_hand) = &self.keeper else { return };
        let wraps = self.chain.wraps(self.chain.epoch()).iter().take(WRAPS_AT_HAND_MAX);
        for object in wraps.chain([&self.chain.recipient()]) {
            if at_hand.get(object.id()).is_none() {
                // Without it, less can be done then.
                let _ = self.object(*object);
            }
        }
    }

    /// Whether the keeper could not be reached, so that what this machine has at hand is all there is.
    pub(crate) fn is_away(&self) -> bool {
        self.keeper.away().is_some()
    }

    /// Whether the keeper has a record; what waits for it, it has not.
    pub(crate) fn is_kept(&self, number: u64) -> bool {
        number < self.kept_until
    }

    pub(crate) fn of(home: Home, keeper: Keeper, chain: Chain, records: Vec<Record>) -> Self {
        let mut by_deposit = BTreeMap::new();
        records.iter().enumerate().for_each(|(index, record)| note_deposit(&mut by_deposit, index, record));
        let (kept_until, set_aside, promised) = (u64::MAX, Vec::new(), BTreeMap::new());
        let seals_though_stale = false;
        Self { home, keeper, chain, records, by_deposit, kept_until, set_aside, seals_though_stale, promised }
    }

    /// Follows a space that this machine knows by an invite alone, checks every signature, and remembers nothing.
    ///
    /// # Errors
    /// As [`Safe::open`], beside the head that came with the invite.
    pub(crate) fn look(home: Home, keeper: Keeper, invite: &Invite) -> Outcome<Self> {
        let Head { number, id } = invite.head;
        let safe = Self::followed(home, keeper, Some((number, id)), None)?.0;
        safe.has_not_moved().map_err(|failure| {
            failure.hint(words!(
                "Use an invite that an admin made after the move, at the new keeper.",
                "移転後に、新しい預け先のために管理者が作った招待状を使ってください。"
            ))
        })?;
        Ok(safe)
    }

    /// Follows the space at the keeper that it has moved to, on from all that this machine has seen.
    ///
    /// # Errors
    /// Exit code 5 when it does not go on from there.
    pub(crate) fn follow_to(home: Home, keeper: Keeper) -> Outcome<Self> {
        let pinned = home.pinned_head()?;
        Ok(Self::followed(home, keeper, pinned, pinned)?.0)
    }

    /// The safe, and what a machine whose keeper is elsewhere has to remember of it. `held` is the head up to which this
    /// machine has checked every signature.
    fn followed(
        home: Home,
        keeper: Keeper,
        pinned: Option<(u64, RecordId)>,
        held: Option<(u64, RecordId)>,
    ) -> Outcome<(Self, Option<New>)> {
        let (followed, new) = match keeper.here() {
            Some(_) => (Followed::all(&keeper.notes(home.space, 0)?, held)?, None),
            None => {
                let (followed, new) = follow_elsewhere(&home, &keeper, pinned, held)?;
                (followed, Some(new))
            }
        };
        let Followed { chain, records } = followed;
        let chain = chain.ok_or_else(no_records)?;
        let safe = Self::of(home, keeper, chain, records);
        safe.check_pins(pinned)?;
        Ok((safe, new))
    }

    /// What this machine has seen and checked, it never lets the keeper take back, whoever appended it.
    fn remember_head(&self) {
        let Head { number, id } = self.chain.head();
        // A home that cannot be written remembers nothing, and must be good for getting things back all the same.
        let _ = self.home.pin_head(number, id);
    }

    fn check_pins(&self, pinned: Option<(u64, RecordId)>) -> Outcome<()> {
        if self.chain.id_at(0) != Some(self.home.genesis) {
            return Err(another_space());
        }
        let Some((number, id)) = pinned else { return Ok(()) };
        match self.chain.standing(Head { number, id }) {
            Standing::Held => Ok(()),
            Standing::Short => Err(older(number, self.chain.head().number)),
            Standing::Forked => Err(forked(number)),
        }
    }

    /// What leads somebody else, or this machine's successor, to this safe; as [`Home::invite`].
    pub(crate) fn invite(&self) -> Outcome<Option<Invite>> {
        self.home.invite(self.chain.head())
    }

    /// The invite for somebody who is to join.
    ///
    /// # Errors
    /// When nobody else reaches the keeper.
    pub(crate) fn invite_to_join(&self) -> Outcome<Invite> {
        self.invite()?.ok_or_else(|| {
            Failure::fixable(words!(
                "this safe is kept in a folder of this machine, where nobody else reaches it",
                "この金庫はこのコンピューターのフォルダーに預けてあり、ほかの人からは届きません"
            ))
            .hint(words!(
                "Set up a safe at a keeper that all of you reach: `hizo init --keeper URL`.",
                "全員が届く預け先に金庫を作ってください: `hizo init --keeper アドレス`。"
            ))
        })
    }

    /// The recipient that everything new is sealed to.
    ///
    /// # Errors
    /// When somebody could open it who has left the organisation of this home's person; or another one, as far as this machine has
    /// seen that, unless whoever seals wants it so.
    pub(crate) fn recipient(&self) -> Outcome<Recipient> {
        rotation::refuse_due(&self.home)?;
        rotation::refuse_stale(self)?;
        self.recipient_though_due()
    }

    /// The same, for whoever says what is due.
    pub(crate) fn recipient_though_due(&self) -> Outcome<Recipient> {
        let object = self.object(self.chain.recipient())?;
        let text = std::str::from_utf8(object.as_bytes()).ok();
        text.and_then(|text| text.parse::<Recipient>().ok())
            .ok_or_else(|| Failure::untrue("the space's recipient is not a key"))
    }

    /// Fetches an object that a verified record names, and checks that it is that object.
    pub(crate) fn object(&self, named: ObjectRef) -> Outcome<VerifiedObject> {
        let bytes = self.keeper.recall(self.home.space, named.id()).map_err(|error| unread(named.id(), error))?;
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
        self.append_by(key.verifying_key(), |text| key.sign(text), draft, fits)
    }

    /// As [`Safe::append`], by a key of any kind.
    pub(crate) fn append_by(
        &mut self,
        key: VerifyingKey,
        sign: impl Fn(&[u8]) -> [u8; 64],
        draft: &Draft,
        fits: impl Fn(&Chain) -> bool,
    ) -> Outcome<RecordId> {
        draft.objects.iter().try_for_each(|object| self.put(object.clone()).map(drop))?;
        loop {
            let record = self.compose(key, &sign, draft)?;
            let note = record.note_bytes().to_vec();
            match self.keeper.append(self.home.space, &note) {
                Ok(promised) => {
                    let id = record.id();
                    match self.is_away() {
                        true => self.take(record)?,
                        false => self.take_kept(record, promised)?,
                    }
                    return Ok(id);
                }
                Err(KeeperError::Conflict { .. }) => {
                    if self.after_conflict(record.id())? {
                        return Ok(record.id());
                    }
                    if !fits(&self.chain) {
                        return Err(Failure::fixable(words!(
                            "somebody else has added to this series meanwhile",
                            "その間に、別の人がこの束に追加しました"
                        ))
                        .hint(words!(
                            "Nothing of yours is lost: try again.",
                            "失われたものはありません。もう一度試してください。"
                        )));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Appends a record that others have signed too, bound to the head that they saw.
    ///
    /// # Errors
    /// When another record was appended since.
    pub(crate) fn append_signed(&mut self, record: UnverifiedRecord, objects: &[Vec<u8>]) -> Outcome<RecordId> {
        objects.iter().try_for_each(|object| self.put(object.clone()).map(drop))?;
        let (number, id) = (record.envelope().number, record.id());
        match self.keeper.append(self.home.space, record.note_bytes()) {
            Ok(promised) => self.take_kept(record, promised)?,
            Err(KeeperError::Conflict { .. }) => {
                self.catch_up()?;
                // It was taken all the same: by an earlier try whose answer was lost.
                if !self.chain.contains(number, id) {
                    return Err(moved_on());
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(id)
    }

    /// The next record, signed.
    fn compose(
        &self,
        key: VerifyingKey,
        sign: &impl Fn(&[u8]) -> [u8; 64],
        draft: &Draft,
    ) -> Outcome<UnverifiedRecord> {
        let envelope = draft.envelope(&self.chain, log::seen(&self.home)?)?;
        let text = envelope.text().map_err(Failure::internal)?;
        UnverifiedRecord::compose(&envelope, &[(key, sign(text.as_bytes()))]).map_err(Failure::internal)
    }

    /// Signs the next record, and does nothing with it.
    pub(crate) fn sign(&self, key: &SpaceSigningKey, draft: &Draft) -> Outcome<UnverifiedRecord> {
        self.compose(key.verifying_key(), &|text: &[u8]| key.sign(text), draft)
    }

    /// Follows what stands in the place of a record that was to be the next one; whether that is the record itself.
    ///
    /// # Errors
    /// Exit code 5 when the keeper shows nothing there.
    pub(crate) fn after_conflict(&mut self, record: RecordId) -> Outcome<bool> {
        let head = self.chain.head();
        self.catch_up()?;
        // It was taken all the same: by an earlier try whose answer was lost, or by a keeper that errs.
        if self.chain.contains(head.number + 1, record) {
            return Ok(true);
        }
        // Whoever says that there is more has to show it: it would be asked for ever.
        if self.chain.head() == head {
            return Err(log::lying(words!(
                "it says that others have added to this safe, and shows nothing of it",
                "ほかの人が追加したと言いながら、その記録を見せません"
            )));
        }
        Ok(false)
    }

    /// Takes up a record that this machine follows from now on, whether or not anybody else has it.
    pub(crate) fn take_alone(&mut self, record: UnverifiedRecord) -> Outcome<()> {
        self.take(record)?;
        let notes: Vec<_> = self.records.iter().map(Record::note_bytes).collect();
        self.home.remember_notes(&notes, notes.len() - 1)?;
        let Head { number, id } = self.chain.head();
        self.home.pin_head(number, id)
    }

    /// Takes up a record that the keeper has just taken, with what it answered, and never lets that be taken back.
    pub(crate) fn take_kept(&mut self, record: UnverifiedRecord, promised: Option<Promised>) -> Outcome<()> {
        self.take(record)?;
        let Head { number, id } = self.chain.head();
        self.home.pin_head(number, id)?;
        // Longer ones are none, and are not held.
        let receipt = promised.map(|promised| promised.receipt).filter(|receipt| receipt.len() <= RECEIPT_BYTES_MAX);
        self.promised.extend(receipt.map(|receipt| (number, receipt)));
        self.remember_records(number as usize);
        Ok(())
    }

    /// The receipt that the keeper has answered with to a record of this number, if that was appended since the safe was opened.
    pub(crate) fn promised(&self, number: u64) -> Option<&[u8]> {
        self.promised.get(&number).map(Vec::as_slice)
    }

    /// Writes down what was followed behind the first `written` records, for when the keeper cannot be reached.
    fn remember_records(&self, written: usize) {
        if self.keeper.here().is_none() {
            let notes: Vec<_> = self.records.iter().map(Record::note_bytes).collect();
            // What is not remembered is asked for again.
            let _ = self.home.remember_notes(&notes, written);
        }
    }

    /// Takes up the next record.
    pub(crate) fn take(&mut self, record: UnverifiedRecord) -> Outcome<()> {
        take_up(&mut self.chain, &mut self.records, &mut self.by_deposit, record)
    }

    /// Follows what others have appended meanwhile.
    pub(crate) fn catch_up(&mut self) -> Outcome<()> {
        let (next, away) = (self.chain.head().number + 1, self.is_away());
        self.follow_on()?;
        if !away {
            self.remember_head();
            self.remember_records(next as usize);
        }
        Ok(())
    }

    /// The same, and nothing is remembered.
    fn follow_on(&mut self) -> Outcome<()> {
        let (space, next) = (self.home.space, self.chain.head().number + 1);
        let Self { keeper, chain, records, by_deposit, .. } = self;
        keeper
            .walk(space, next, u64::MAX, &mut |page| {
                for note in page {
                    let record = UnverifiedRecord::parse(&note).map_err(broken_chain)?;
                    take_up(chain, records, by_deposit, record)?;
                }
                Ok(())
            })
            .map(drop)
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

    /// What the holder of an identity may do here; nothing where he is no member.
    pub(crate) fn role_of(&self, identity: &IdentityFile) -> Option<Role> {
        self.chain.role(&identity.signing_seed.space_key(&self.home.space).verifying_key())
    }

    /// The record by which the holder of a key was let in last; another role is no coming.
    pub(crate) fn came_by(&self, member: &VerifyingKey) -> Option<&Record> {
        self.records.iter().rfind(|record| {
            let controls = &record.envelope().controls;
            let comes = |control: &Control| matches!(control, Control::Member { key, .. } if key == member);
            controls.iter().any(comes) && !controls.contains(&Control::Remove(*member))
        })
    }

    /// The same, as long as he has said nothing: then the words by which he enters may still be wanted.
    pub(crate) fn let_in_by(&self, member: &VerifyingKey) -> Option<&Record> {
        let came = self.came_by(member)?;
        let later = self.records.iter().skip_while(|record| record.number() <= came.number());
        let is_his = |record: &Record| record.signers().contains(member);
        (!later.into_iter().any(is_his)).then_some(came)
    }

    /// Whether record 0 makes a key an admin's: it says so in the clear, whatever of its body can be read.
    pub(crate) fn began_with_admin(&self, key: VerifyingKey) -> bool {
        let named = Control::Member { key, role: Role::Admin };
        self.records.first().is_some_and(|genesis| genesis.envelope().controls.contains(&named))
    }

    /// Unlocks with the identity that the passphrase opens.
    pub(crate) fn unlock(&self, passphrase: &str) -> Outcome<Keyring> {
        self.unlock_with(&open_identity(&self.home, passphrase)?)
    }

    /// Unlocks with an identity that was opened.
    ///
    /// # Errors
    /// Exit code 5 when somebody who reads the space says falsely whose a key is.
    pub(crate) fn unlock_with(&self, identity: &IdentityFile) -> Outcome<Keyring> {
        let keyring = self.unlock_unheeded(identity)?;
        keyring.people()?.heed(self, &[])?;
        Ok(keyring)
    }

    /// The same, whatever is said falsely: for whoever then asks [`People::heed`].
    pub(crate) fn unlock_unheeded(&self, identity: &IdentityFile) -> Outcome<Keyring> {
        let Some(folder) = self.home.own_space()? else {
            return Ok(self.unlock_beside(identity, None)?.looked_at(self, identity));
        };
        let (own_space, fault) = match open_own_space(&folder, &identity.identity) {
            Ok((safe, keyring)) => {
                // What was begun where it has gone is not at hand.
                let fault = safe.departure().and_then(destination).map(|to| own_space_moved(&folder, to));
                (Some((safe, keyring)), fault)
            }
            // What it opened before may be all that there is.
            Err(failure) => (None, Some(own_space_failed(&folder, failure))),
        };
        let own_space = own_space.as_ref().map(|(safe, keyring)| OwnSpace::of(safe, keyring));
        match (self.unlock_beside(identity, own_space.as_ref()), fault) {
            (Err(_), Some(fault)) => Err(fault),
            (Ok(mut keyring), Some(Failure { message: why, hint, .. })) if !keyring.opens(self.chain.epoch()) => {
                keyring.doubts.extend([why].into_iter().chain(hint));
                Ok(keyring)
            }
            (keyring, Some(_)) => keyring,
            (keyring, None) => Ok(keyring?.looked_at(self, identity)),
        }
    }

    /// The same, by the own space of the organisation that the identity acts for.
    pub(crate) fn unlock_beside(&self, identity: &IdentityFile, own_space: Option<&OwnSpace>) -> Outcome<Keyring> {
        let besides = own_space.map_or(&[][..], |own_space| own_space.secrets.as_slice());
        let mut keyring = Keyring::unlock_as(self, identity, besides)?;
        let people = People::of(self, &keyring, Certificate::of(identity, &self.home.space))?;
        keyring.doubts.extend(people.doubts(self));
        let is_stale = !people.stale(self, &people.delegations).is_empty();
        // What is not written down is found again next time.
        let _ = self.home.note_stale(is_stale.then(|| self.chain.epoch()));
        if let (Some(recipient), Some(own_space)) = (people.sealed_to(), own_space) {
            // What is not written down is found again next time.
            let _ = own_space.epoch_of(recipient).map_or(Ok(()), |epoch| self.home.note_own_epoch(epoch));
        }
        keyring.people = Some(people);
        Ok(keyring)
    }

    /// What an identity opens here, by itself or by the organisation's own space in a folder. Nobody's keys are looked at, and nothing is
    /// remembered of it: for whoever has not entered yet.
    pub(crate) fn unlock_in_passing(&self, identity: &IdentityFile, own_space: Option<&Path>) -> Outcome<Keyring> {
        let own_space = own_space.map(|folder| open_own_space(folder, &identity.identity)).transpose()?;
        let own_space = own_space.as_ref().map(|(safe, keyring)| OwnSpace::of(safe, keyring));
        Keyring::unlock_as(self, identity, own_space.as_ref().map_or(&[][..], |own| own.secrets.as_slice()))
    }

    /// Makes an object durable at the keeper: its id and its length, as a record names it.
    pub(crate) fn put(&self, bytes: Vec<u8>) -> Outcome<(ObjectId, u64)> {
        self.keeper.put_bytes(self.home.space, bytes)
    }
}

/// The keeper to which the space moves by this record, if it does.
pub(crate) fn destination(record: &Record) -> Option<&Origin> {
    record.envelope().controls.iter().find_map(|control| match control {
        Control::Origin(origin) => Some(origin),
        _ => None,
    })
}

/// What of a record is decided before its place in the chain is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub body: Option<(ObjectId, u64)>,
    pub deposit: Option<Deposit>,
    pub controls: Vec<Control>,
    /// What it names and the keeper does not have yet.
    pub objects: Vec<Vec<u8>>,
}

impl Draft {
    /// Holds an object until the record is appended: its id and its length, as a record names it.
    pub(crate) fn hold(&mut self, bytes: Vec<u8>) -> (ObjectId, u64) {
        let named = (ObjectId::of(&bytes), bytes.len() as u64);
        self.objects.push(bytes);
        named
    }

    /// Has the record say this, sealed to a recipient.
    pub(crate) fn say(&mut self, events: &[Event], to: &Recipient) -> Outcome<()> {
        self.body = Some(self.hold(seal_body(events, to)?));
        Ok(())
    }

    /// The epoch that its objects are sealed to: the one that it begins, or the current one.
    fn epoch(&self, chain: &Chain) -> u32 {
        let begun = self.controls.iter().find_map(|control| match control {
            Control::Epoch { epoch, .. } => Some(*epoch),
            _ => None,
        });
        begun.unwrap_or_else(|| chain.epoch())
    }

    /// What the record says in the clear, as the next one of a chain.
    pub(crate) fn envelope(&self, chain: &Chain, seen: Option<Seen>) -> Outcome<Envelope> {
        let mut envelope = Envelope {
            keeper: chain.keeper().clone(),
            space: chain.space(),
            number: chain.head().number + 1,
            prev: Some(chain.head().id),
            epoch: self.epoch(chain),
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
    ClaimedTime::from_unix_seconds(unix_seconds()).map_err(|error| impossible_time().source(error))
}

/// The clock on a wall in Japan, all year: offices open, days end and pages tell the time by it, whatever this machine is set to.
pub(crate) const JAPAN: Offset = jiff::tz::offset(9);

/// The day in [`JAPAN`], so many days from now, as YYYY-MM-DD.
pub(crate) fn day_in(days: u64) -> Outcome<String> {
    let ahead = u64::try_from(JAPAN.seconds()).unwrap_or_default();
    let at = unix_seconds().saturating_add(ahead + days * 86_400);
    let time = ClaimedTime::from_unix_seconds(at).map_err(|error| impossible_time().source(error))?;
    Ok(time.as_str().chars().take("YYYY-MM-DD".len()).collect())
}

/// Waits for a time that is at hand: no longer than two seconds. What a clock that ran ahead has said is not waited for.
pub(crate) fn wait_for(time: ClaimedTime) -> Outcome<()> {
    let until = Instant::now() + Duration::from_secs(3);
    while (1..=2).contains(&time.unix_seconds().saturating_sub(now()?.unix_seconds())) && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
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
    open_identity_file(&path, bytes, passphrase)
}

/// Opens an identity file that was read from anywhere.
pub(crate) fn open_identity_file(path: &Path, bytes: Vec<u8>, given: &str) -> Outcome<IdentityFile> {
    IdentityFile::open(bytes, given).map_err(|error| {
        let hint = words!(
            "Type it again; capital letters and the keyboard's language count. If it is right, the file is damaged: use a copy.",
            "大文字・小文字と、日本語入力が切れていることを確かめて、もう一度入力してください。合っているはずなら鍵ファイルが壊れています。控えを使ってください。"
        );
        passphrase::does_not_open(path, hint, error)
    })
}

/// The secrets of a space's epochs.
pub(crate) struct Keyring {
    epochs: BTreeMap<u32, Identity>,
    /// Epochs of which a wrap is missing or damaged: it may be the one that this identity opens.
    lost: BTreeSet<u32>,
    /// What is not known for certain of who the members are, and why the newest may stay closed, for people to see.
    pub doubts: Vec<Words>,
    /// Who the members are; nothing for recovery cards, which are nobody.
    people: Option<People>,
}

impl Keyring {
    /// What this identity opens: by the wraps of the space, and by what recovery cards left in this home.
    pub(crate) fn unlock(safe: &Safe, own: &Identity) -> Outcome<Self> {
        Self::unlock_by(safe, own, &[])
    }

    /// The same, and what these secrets open besides: for somebody who is a member for an organisation, those of its own space
    /// (docs/spec/organisation.md, "Reading").
    fn unlock_by(safe: &Safe, own: &Identity, besides: &[&Identity]) -> Outcome<Self> {
        let mut keyring = Self::recovered(safe, own)?;
        let openers: Vec<&Identity> = std::iter::once(own).chain(besides.iter().copied()).collect();
        let lost = keyring.try_wraps(safe, &openers, &|_| true)?;
        keyring.opens_something(lost)
    }

    /// The same for somebody who may be the company of a hand-over: what a rotator has sealed opens to it by its recipient there and
    /// no other. Else whoever seals on trial to a company that he has in mind would see whether it is this one.
    fn unlock_as(safe: &Safe, identity: &IdentityFile, besides: &[&Identity]) -> Outcome<Self> {
        let by_rotators = wraps_by_rotators(safe);
        if by_rotators.is_empty() {
            return Self::unlock_by(safe, &identity.identity, besides);
        }
        let mut keyring = Self::recovered(safe, &identity.identity)?;
        let openers: Vec<&Identity> = std::iter::once(&identity.identity).chain(besides.iter().copied()).collect();
        let mut lost = keyring.try_wraps(safe, &openers, &|wrap| !by_rotators.contains(&wrap))?;
        let company = keyring.is_company(safe, identity).then(|| identity.hand_over_identity(&safe.home.space));
        let openers = company.as_ref().map_or(openers, |company| vec![company]);
        let others = keyring.try_wraps(safe, &openers, &|wrap| by_rotators.contains(&wrap))?;
        lost = lost.or(others);
        keyring.opens_something(lost)
    }

    /// What recovery cards left in this home.
    fn recovered(safe: &Safe, own: &Identity) -> Outcome<Self> {
        let mut epochs: BTreeMap<u32, Identity> = safe.home.recovered_epochs(own)?.into_iter().collect();
        let facts = |epoch: u32| safe.chain.epochs().get(epoch as usize);
        epochs.retain(|epoch, secret| facts(*epoch).is_some_and(|facts| is_of(facts.recipient(), secret)));
        Ok(Self { epochs, lost: BTreeSet::new(), doubts: Vec::new(), people: None })
    }

    /// Whether an identity is the company of this space, which is a hand-over: as record 0 says; where nobody can read that, whoever
    /// is an admin by it without having signed it.
    fn is_company(&self, safe: &Safe, identity: &IdentityFile) -> bool {
        let own = identity.signing_seed.space_key(&safe.home.space).verifying_key();
        let Some(genesis) = safe.records.first() else { return false };
        match self.events(safe, genesis) {
            Ok(events) => events.iter().any(|event| match event {
                Event::Consent(said) => said.key == own.to_base64(),
                _ => false,
            }),
            Err(_) => safe.began_with_admin(own),
        }
    }

    /// Opens what these identities open, by such wraps of the space: why the first one that is missing is.
    fn try_wraps(
        &mut self,
        safe: &Safe,
        openers: &[&Identity],
        is_meant: &dyn Fn((u32, ObjectId)) -> bool,
    ) -> Outcome<Option<Failure>> {
        let mut first_lost = None;
        for (epoch, facts) in safe.chain.epochs().iter().enumerate() {
            let epoch = epoch as u32;
            if self.epochs.contains_key(&epoch) {
                continue;
            }
            for wrap in facts.wraps().iter().filter(|wrap| is_meant((epoch, wrap.id()))) {
                // An epoch has several wraps, for different readers: a lost one may be that of somebody else.
                let wrap = match safe.object(*wrap) {
                    Ok(wrap) => wrap,
                    Err(failure) => {
                        self.lost.insert(epoch);
                        first_lost.get_or_insert(failure);
                        continue;
                    }
                };
                let Some(opens) = openers.iter().find(|identity| age::opens(&wrap, identity)) else { continue };
                match unwrap(wrap, facts.recipient(), opens) {
                    Ok(Some(secret)) => {
                        self.epochs.insert(epoch, secret);
                        break;
                    }
                    Ok(None) => {}
                    // Whoever made it closes this epoch, and nothing else.
                    Err(failure) => {
                        self.doubts.push(failure.message.clone());
                        first_lost.get_or_insert(failure);
                    }
                }
            }
        }
        Ok(first_lost)
    }

    /// # Errors
    /// When there is nothing, by what is missing if something is.
    fn opens_something(self, lost: Option<Failure>) -> Outcome<Self> {
        if self.epochs.is_empty() {
            if let Some(failure) = lost {
                return Err(failure);
            }
            return Err(Failure::fixable(words!(
                "this identity opens nothing in the safe",
                "この鍵で開けられるものは、金庫にありません"
            ))
            .hint(words!(
                "Ask an admin for access. Whoever may only keep does so with `hizo deposit`, and looks at nothing.",
                "金庫の管理者に、見る権限を頼んでください。預けるだけの人は、`hizo deposit` で預けます。"
            )));
        }
        Ok(self)
    }

    /// With what is wrong where all was at hand that may open something.
    fn looked_at(mut self, safe: &Safe, identity: &IdentityFile) -> Self {
        let reads = |people: &People| people.recipient(&people.certificates.own().key).is_some();
        if self.people.as_ref().is_some_and(reads) {
            self.doubts.extend(self.left_out(safe, identity));
            self.doubts.extend(self.missed(safe, identity));
        }
        self
    }

    /// That keys began while this reader waited, whom recovery cards let in: nobody gave him those, and he is a member by now.
    fn missed(&self, safe: &Safe, identity: &IdentityFile) -> Option<Words> {
        let own = identity.signing_seed.space_key(&safe.home.space).verifying_key();
        safe.chain.role(&own).filter(|role| role.opens())?;
        let (mut cards, mut let_in) = (BTreeSet::new(), None);
        for record in &safe.records {
            let is_by_cards = record.signers().iter().any(|key| cards.contains(key));
            for control in &record.envelope().controls {
                match control {
                    Control::Recovery(Some(key)) => drop(cards.insert(*key)),
                    Control::Member { key, .. } if *key == own => let_in = is_by_cards.then(|| record.number()),
                    _ => (),
                }
            }
        }
        let let_in = let_in?;
        let began = |record: &&Record| record.number() > let_in && record.recipient().is_some();
        let is_closed = |record: &&Record| {
            let epoch = record.envelope().epoch;
            !self.opens(epoch) && !self.lost.contains(&epoch)
        };
        let first = safe.records.iter().filter(began).find(is_closed)?;
        let after =
            safe.records.iter().filter(began).find(|record| record.number() > first.number() && !is_closed(record))?;
        Some(words!(
            "records {first} to {last} are closed to you: new keys began while you waited. Another admin gives them to you: `hizo space grant {name}`",
            "記録 {first} から {last} までは、あなたが待っている間に鍵が新しくなったため、あなたには見られません。別の管理者が `hizo space grant {name}` を実行すると見られます",
            first = first.number(),
            last = after.number() - 1,
            name = own.name()
        ))
    }

    /// That somebody began the current epoch and gave its secret to others, not to this reader.
    fn left_out(&self, safe: &Safe, identity: &IdentityFile) -> Option<Words> {
        let epoch = safe.chain.epoch();
        let reads = safe.role_of(identity).is_some_and(Role::opens);
        if !reads || self.opens(epoch) || self.lost.contains(&epoch) {
            return None;
        }
        let began = safe.records.iter().find(|record| record.envelope().epoch == epoch)?;
        let signer = *began.signers().first()?;
        let people = self.people.as_ref();
        let organisation = people.and_then(|people| people.delegations.organisation_of_rotator(&signer));
        let signer = organisation.map_or_else(|| signer.name().to_string().into(), shown_organisation);
        let number = began.number();
        let admins = safe.chain.members().filter(|(_, role)| *role == Role::Admin).count();
        if admins == 1 && safe.role_of(identity) == Some(Role::Admin) {
            return Some(words!(
                "what is kept since record {number} is closed to you, the only admin of this safe: {signer} began new keys there. Give new ones to all readers: `hizo space rotate`; and end that key: `hizo space rotator`",
                "記録 {number} から後は、この金庫のただ一人の管理者であるあなたにも見られません。{signer} が鍵を新しくし、あなたに渡していません。`hizo space rotate` で新しい鍵を全員に渡し、`hizo space rotator` でその鍵をやめさせてください";
                signer
            ));
        }
        Some(words!(
            "what is kept since record {number} is closed to you, who read this safe: {signer} began new keys there. Another admin gives new ones to all readers: `hizo space rotate`",
            "記録 {number} から後は、メンバーのあなたにも見られません。{signer} が鍵を新しくし、あなたに渡していません。別の管理者が `hizo space rotate` を実行すると、新しい鍵が全員に渡ります",
            number = number;
            signer
        ))
    }

    /// Of somebody who knows these people, whatever he opens.
    #[cfg(test)]
    pub(crate) fn knowing(people: People) -> Self {
        Self { epochs: BTreeMap::new(), lost: BTreeSet::new(), doubts: Vec::new(), people: Some(people) }
    }

    /// The same people, to be told more.
    #[cfg(test)]
    pub(crate) fn people_mut(&mut self) -> &mut People {
        self.people.as_mut().expect("it was made by knowing them")
    }

    /// The secrets of the epochs, by their numbers.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = (u32, &Identity)> {
        self.epochs.iter().map(|(epoch, secret)| (*epoch, secret))
    }

    /// Who the members are.
    pub(crate) fn people(&self) -> Outcome<&People> {
        self.people.as_ref().ok_or_else(|| Failure::internal_message("recovery cards do not know who the members are"))
    }

    /// Whether an epoch was over when this identity came: nothing of it was given to it.
    pub(crate) fn came_after(&self, epoch: u32) -> bool {
        !self.lost.contains(&epoch) && self.epochs.keys().next().is_some_and(|first| epoch < *first)
    }

    /// An epoch of which a wrap is missing or damaged, so that it stays closed.
    pub(crate) fn first_lost(&self) -> Option<u32> {
        self.lost.iter().find(|epoch| !self.epochs.contains_key(epoch)).copied()
    }

    /// Whether deposits and time change nothing of what it opens, and of whose word counts: all that speaks of keys was read, and nobody
    /// acts for an organisation.
    pub(crate) fn is_for_good(&self) -> bool {
        self.people.as_ref().is_some_and(|people| !people.has_unread && people.delegations.is_empty())
    }

    /// Whether what is sealed now can be opened.
    pub(crate) fn opens(&self, epoch: u32) -> bool {
        self.epochs.contains_key(&epoch)
    }

    /// Opens an object of a record.
    pub(crate) fn open(&self, epoch: u32, object: VerifiedObject) -> Outcome<Plaintext> {
        age::open(object, self.identity(epoch)?).map(Plaintext::from).map_err(sealed_wrongly)
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

    /// Refuses a record of somebody whose organisation had not delegated him.
    pub(crate) fn refuse_undelegated(&self, record: &Record) -> Outcome<()> {
        self.people.as_ref().map_or(Ok(()), |people| people.refuse_undelegated(record))
    }

    /// Learns the secret of an epoch that begins with a record that does not stand yet, if one of its wraps opens: by what
    /// [`Safe::unlock_unheeded`] tries, too.
    pub(crate) fn learn(
        &mut self,
        safe: &Safe,
        own: &Identity,
        (epoch, recipient): (u32, ObjectRef),
        wraps: Vec<VerifiedObject>,
    ) -> Outcome<()> {
        let folder = safe.home.own_space()?;
        let own_space = folder.and_then(|folder| open_own_space(&folder, own).ok());
        let besides: Vec<&Identity> = own_space.iter().flat_map(|(_, keyring)| keyring.epochs.values()).collect();
        for wrap in wraps {
            let mut all = std::iter::once(own).chain(besides.iter().copied());
            let Some(opens) = all.find(|it| age::opens(&wrap, it)) else { continue };
            if let Some(secret) = unwrap(wrap, recipient, opens)? {
                self.epochs.insert(epoch, secret);
                break;
            }
        }
        Ok(())
    }

    /// The events of a record that has a body.
    ///
    /// # Errors
    /// Also for a record of somebody who may not act for his organisation: nothing of it is believed.
    pub(crate) fn events(&self, safe: &Safe, record: &Record) -> Outcome<Vec<Event>> {
        self.refuse_undelegated(record)?;
        let Some(body) = record.body_object() else { return Ok(Vec::new()) };
        self.events_in(record, safe.object(body)?)
    }

    /// The same, of a body that is at hand.
    pub(crate) fn events_in(&self, record: &Record, body: VerifiedObject) -> Outcome<Vec<Event>> {
        let plain = self.open(record.envelope().epoch, body)?;
        let text = read_stream(&plain, event::BODY_BYTES_MAX)?;
        event::parse(&text).map_err(|error| Failure::untrue(format!("record {}: {error}", record.number())))
    }
}

/// The wraps that stand in records by keys which may begin epochs, each with its epoch: another record may name the same object.
fn wraps_by_rotators(safe: &Safe) -> BTreeSet<(u32, ObjectId)> {
    let (mut rotators, mut wraps) = (BTreeSet::new(), BTreeSet::new());
    for record in &safe.records {
        if record.signers().iter().any(|key| rotators.contains(key)) {
            wraps.extend(record.wraps().map(|(epoch, wrap)| (epoch, wrap.id())));
        }
        rotators.extend(record.envelope().controls.iter().filter_map(|control| match control {
            Control::Rotator(key) => Some(*key),
            _ => None,
        }));
    }
    wraps
}

/// The own space of an organisation, to somebody who reads it.
pub(crate) struct OwnSpace<'k> {
    secrets: Vec<&'k Identity>,
    /// The recipients of its epochs, in order.
    recipients: Vec<ObjectId>,
}

impl<'k> OwnSpace<'k> {
    pub(crate) fn of(safe: &Safe, keyring: &'k Keyring) -> Self {
        let secrets = keyring.epochs.values().collect();
        Self { secrets, recipients: safe.chain.epochs().iter().map(|epoch| epoch.recipient().id()).collect() }
    }

    /// Which of its epochs this is the recipient of.
    pub(crate) fn epoch_of(&self, recipient: &Recipient) -> Option<u32> {
        let id = ObjectId::of(recipient.to_string().as_bytes());
        self.recipients.iter().position(|known| *known == id).and_then(|epoch| u32::try_from(epoch).ok())
    }
}

/// The one whose home is this folder, as far as that has followed it.
fn open_own_space(folder: &Path, own: &Identity) -> Outcome<(Safe, Keyring)> {
    let (safe, _) = Safe::open_wherever_at_hand(Home::open(folder)?)?;
    let keyring = Keyring::unlock_by(&safe, own, &[])?;
    Ok((safe, keyring))
}

fn own_space_moved(folder: &Path, to: &Origin) -> Failure {
    let folder = shown(folder);
    Failure::fixable(words!(
        "the organisation's own safe in {folder} has moved to another keeper, {to}, and this machine has not followed it there",
        "機関の金庫（{folder}）は別の預け先（{to}）に移りましたが、このコンピューターはまだ切り替えていません"
    ))
    .hint(words!(
        "Run `hizo move --follow --home {folder}`, with your passphrase.",
        "パスフレーズを用意して `hizo move --follow --home {folder}` を実行してください。"
    ))
}

fn own_space_failed(folder: &Path, failure: Failure) -> Failure {
    let (folder, why) = (shown(folder), failure.message);
    Failure {
        message: words!("the organisation's own safe in {folder}: {why}", "機関の金庫（{folder}）: {why}"; why),
        ..failure
    }
}

/// The secret of an epoch with this recipient out of a wrap; nothing where the wrap is for others.
///
/// # Errors
/// Exit code 5 when it holds another one.
pub(crate) fn unwrap(wrap: VerifiedObject, recipient: ObjectRef, own: &Identity) -> Outcome<Option<Identity>> {
    let Ok(line) = age::open(wrap, own).map(Zeroizing::new) else { return Ok(None) };
    let secret = std::str::from_utf8(&line).ok().and_then(|line| Identity::parse(line.trim_end()).ok());
    secret.filter(|secret| is_of(recipient, secret)).map(Some).ok_or_else(|| {
        Failure::new(
            Kind::Lying,
            words!("a wrap holds a secret that is not the space's", "金庫の鍵が、この金庫のものではありません"),
        )
        .hint(words!(
            "Somebody made this wrap to mislead. Keep a copy of the keeper's data and ask the admins.",
            "誰かが偽の鍵を置いています。預け先のデータをそのまま残し、金庫の管理者に知らせてください。"
        ))
    })
}

/// Whether this is the secret of the epoch with this recipient.
fn is_of(recipient: ObjectRef, secret: &Identity) -> bool {
    ObjectId::of(secret.recipient().to_string().as_bytes()) == recipient.id()
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
pub(crate) fn read_stream(plain: &[u8], bytes_max: usize) -> Outcome<Plaintext> {
    let refused = |error: stream::Error| Failure::untrue(error.to_string());
    let mut frames = Frames::new();
    frames.push(plain).map_err(refused)?;
    let mut text = Plaintext::default();
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
    let text = Plaintext::from(event::compose(events));
    let mut framer = stream::Framer::new(3).map_err(Failure::internal)?;
    let mut plain = Plaintext::default();
    for block in text.chunks(stream::BLOCK_BYTES) {
        plain.extend(framer.frame(block).map_err(Failure::internal)?);
    }
    stream::padding(plain.len() as u64).for_each(|piece| plain.extend(piece));
    age::seal(&plain, std::slice::from_ref(recipient), &mut SystemEntropy).map_err(Failure::internal)
}

/// The number of the record that is deposit k of a series.
type ByDeposit = BTreeMap<(SeriesId, u64), usize>;

fn note_deposit(by_deposit: &mut ByDeposit, index: usize, record: &Record) {
    if let Some(deposit) = &record.envelope().deposit {
        by_deposit.insert((deposit.series, deposit.k), index);
    }
}

fn take_up(
    chain: &mut Chain,
    records: &mut Vec<Record>,
    by_deposit: &mut ByDeposit,
    record: UnverifiedRecord,
) -> Outcome<()> {
    let record = chain.append(record).map_err(broken_chain)?;
    note_deposit(by_deposit, records.len(), &record);
    records.push(record);
    Ok(())
}

/// What a machine whose keeper is elsewhere remembers, so that it need not be sent again.
struct New {
    /// Every note of the space.
    notes: Vec<Vec<u8>>,
    /// How many of them, from the first on, are written down already.
    remembered: usize,
}

/// Follows what this machine remembers, and then what the keeper shows beyond it, each page before the next one is asked for:
/// whoever invents records has nobody who signs them, and comes no further than his first one.
///
/// # Errors
/// Exit code 5 when the keeper shows an older state than before, or another history.
fn follow_elsewhere(
    home: &Home,
    keeper: &Keeper,
    pinned: Option<(u64, RecordId)>,
    held: Option<(u64, RecordId)>,
) -> Outcome<(Followed, New)> {
    let mut notes = home.remembered_notes()?;
    // What is not as it was followed is asked for again.
    let mut followed = Followed::all(&notes, held).unwrap_or_else(|_| {
        notes.clear();
        Followed::default()
    });
    let remembered = notes.len();
    let head = keeper.walk(home.space, remembered as u64, u64::MAX, &mut |page| {
        for note in page {
            let record = UnverifiedRecord::parse(&note).map_err(broken_chain)?;
            if let Some(last) = followed.records.last().filter(|_| notes.len() == remembered)
                && record.envelope().prev != Some(last.id())
            {
                return Err(forked(last.number()));
            }
            followed.take(record, home.genesis)?;
            notes.push(note);
        }
        Ok(())
    })?;
    // What was pinned may go further than the notes that were written down.
    match (pinned, head) {
        (Some((seen, _)), Some(head)) if head.number < seen => return Err(older(seen, head.number)),
        (Some(_), None) => return Err(lying(words!("no record of this safe", "この金庫の記録が一つもない状態"))),
        (Some(_), Some(_)) | (None, _) => {}
    }
    let last = followed.records.last().map(|record| (record.number(), record.id()));
    match (head, last) {
        (Some(head), Some((number, id))) if head.number == number && head.id != id => Err(forked(number)),
        _ => Ok((followed, New { notes, remembered })),
    }
}

fn lying(what: Words) -> Failure {
    Failure::new(Kind::Lying, words!("the keeper shows {what}", "預け先が{what}を見せています"; what)).hint(words!(
        "Do not deposit. Keep a copy of the home folder and of the keeper's data as evidence, and ask who changed them.",
        "預け入れを止めてください。金庫のフォルダーと預け先のデータを証拠としてそのまま残し、誰が変えたのかを調べてください。"
    ))
}

fn older(seen: u64, last: u64) -> Failure {
    lying(words!(
        "an older state: this machine has seen record {seen}, the last one now is {last}",
        "古い状態（前回は記録 {seen} まであったのに、今は {last} まで）"
    ))
}

fn forked(number: u64) -> Failure {
    lying(words!(
        "another history: record {number} is not the one seen before",
        "別の履歴（記録 {number} が前回と違うもの）"
    ))
}

/// A space as far as it was followed.
#[derive(Default)]
struct Followed {
    chain: Option<Chain>,
    records: Vec<Record>,
}

impl Followed {
    /// Follows all of these notes. What this machine has followed before is held by hash: no signature up to there is checked again.
    fn all(notes: &[Vec<u8>], held: Option<(u64, RecordId)>) -> Outcome<Self> {
        if notes.is_empty() {
            return Ok(Self::default());
        }
        let mut records = Vec::with_capacity(notes.len());
        let followed =
            held.map(|(number, id)| Chain::replay_followed(notes, Head { number, id }, |record| records.push(record)));
        if let Some(Ok(chain)) = followed {
            return Ok(Self { chain: Some(chain), records });
        }
        // Not what was seen before: every signature is checked, and the comparison with the pinned head names the fault.
        records.clear();
        let chain = Chain::replay(notes, |record| records.push(record)).map_err(broken_chain)?;
        Ok(Self { chain: Some(chain), records })
    }

    /// Takes up the next record of the space that begins with `genesis`.
    fn take(&mut self, record: UnverifiedRecord, genesis: RecordId) -> Outcome<()> {
        let number = self.records.len() as u64;
        let broken = |error| broken_chain(ReplayError { number, error });
        let record = match &mut self.chain {
            Some(chain) => chain.append(record).map_err(broken)?,
            None if record.id() != genesis => return Err(another_space()),
            None => {
                let (chain, record) = Chain::begin(record).map_err(broken)?;
                self.chain = Some(chain);
                record
            }
        };
        self.records.push(record);
        Ok(())
    }
}

/// What was signed for one state of a safe, and another one is there by now.
pub(crate) fn moved_on() -> Failure {
    Failure::fixable(words!(
        "others have added to this safe since that was proposed",
        "提案のあとに、ほかの人がこの金庫に記録を加えています"
    ))
    .hint(words!(
        "Nothing was changed. Have it proposed anew, with the same command as before.",
        "何も変更していません。同じコマンドで、もう一度提案してもらってください。"
    ))
}

fn another_space() -> Failure {
    lying(words!("another space than the one this safe began with", "この金庫とは別の記録"))
}

fn no_records() -> Failure {
    Failure::new(Kind::Lying, words!("the keeper has no records of this safe", "預け先に、この金庫の記録がありません"))
        .hint(words!("Put the keeper's folder back from a copy.", "預け先のフォルダーを控えから戻してください。"))
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
