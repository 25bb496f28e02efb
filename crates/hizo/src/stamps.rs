//! Stamps over the keeper's log: who is asked and when, what was kept, and until when it can be relied on.
//!
//! When authorities are asked is written in docs/spec/keeper.md, section "The keeper's own space". A keeper elsewhere asks them
//! by itself; what it took is read here, and believed as little as anything else that it gives.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hizo_keeper::client::Stamping;
use hizo_keeper::stamp::{
    Asked, Client, Due, Error, Fault, Found, KeptStamp, LocalAuthority, Patience, SELF, StampReader, StampSeeds,
    Taking, due, is_plain,
};
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, LoggedStamp};
use hizo_ledger::id::ObjectId;
use hizo_ledger::record::Origin;
use hizo_ledger::timestamp::{Authority, Expected, LIST_BYTES_MAX, Moment, parse_response, revocation_lists_to_pem};
use zeroize::Zeroizing;

use crate::bundle;
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::keeper::{KeeperLog, Side, log_failed};
use crate::log::SeenLog;
use crate::safe::{self, Safe};
use crate::words::{Words, words};

/// So many of the newest stamps are looked at to find each authority's last one: that takes no longer in an old log.
const NEWEST_STAMPS: usize = 256;

/// How long authorities are waited for where a person waits for something else: what is not answered is asked again.
pub(crate) fn in_passing() -> Patience {
    Patience { connect: Duration::from_secs(2), answer: Duration::from_secs(8), between: Vec::new() }
}

/// After so long no further authority is asked in passing.
const IN_PASSING_MAX: Duration = Duration::from_secs(10);

/// A line for each authority that gave no stamp.
pub(crate) fn notes(asked: &Asked) -> Vec<Words> {
    let note = |(name, error): &(String, Error)| {
        words!("no stamp by {name}: {error}", "{name} のタイムスタンプは得られませんでした: {error}")
    };
    asked.refused.iter().map(note).collect()
}

/// The stamps of a log as this machine sees it.
pub(crate) struct Stamps<'a> {
    safe: &'a Safe,
    pub seen: &'a SeenLog,
    /// Whoever counts, and may be asked where the keeper is here: the keeper's own authority is not among them.
    authorities: Vec<Authority>,
    /// The sizes of the heads that matter: of a keeper elsewhere, the stamps from each on are looked at, and the newest.
    sizes: Vec<u64>,
    reader: StampReader<'a, Arc<Side>>,
    logged: Vec<LoggedStamp>,
}

impl<'a> Stamps<'a> {
    /// Those that matter for heads of these sizes, by the authorities that this machine's list names and by `more`, which
    /// go before one of the same name.
    pub(crate) fn open(safe: &'a Safe, seen: &'a SeenLog, more: &[Authority], sizes: &[u64]) -> Outcome<Self> {
        let mut authorities = more.to_vec();
        let is_new = |authority: &Authority| more.iter().all(|other| other.name() != authority.name());
        authorities.extend(safe.home.authorities()?.into_iter().filter(is_new));
        let log = seen.keeper_log();
        let (reader, logged) = (reader(safe, log, authorities.clone())?, log.stamps(&safe.keeper, sizes)?);
        Ok(Self { safe, seen, authorities, sizes: sizes.to_vec(), reader, logged })
    }

    /// Everybody who vouches for a stamp, the keeper itself with them.
    pub(crate) fn vouching(&self) -> &[Authority] {
        self.reader.vouching()
    }

    /// The stamp over a head of at least so many leaves that vouches for the earliest time: an independent one if there is
    /// any. No more are looked at than are needed for that.
    pub(crate) fn earliest(&self, size: u64) -> Outcome<Option<Rc<KeptStamp>>> {
        let (mut earliest, mut found) = (None::<Rc<KeptStamp>>, None);
        let rank = |kept: &Rc<KeptStamp>| (!kept.token.is_independent(), kept.token.latest());
        for logged in self.logged.iter().filter(|logged| logged.size >= size) {
            // What is over a later head came later.
            if found.is_some_and(|found| found < logged.size) {
                break;
            }
            let Some(kept) = self.kept(logged)? else { continue };
            found = found.or(kept.token.is_independent().then_some(logged.size));
            if earliest.as_ref().is_none_or(|earliest| rank(&kept) < rank(earliest)) {
                earliest = Some(kept);
            }
        }
        Ok(earliest)
    }

    /// Every stamp that somebody vouches for, the oldest first.
    pub(crate) fn all(&self) -> Outcome<Vec<Rc<KeptStamp>>> {
        self.logged.iter().filter_map(|logged| self.kept(logged).transpose()).collect()
    }

    /// Every stamp over this one's head that somebody vouches for, one by each authority.
    pub(crate) fn over_the_same(&self, chosen: &KeptStamp) -> Outcome<Vec<Rc<KeptStamp>>> {
        let mut over: Vec<Rc<KeptStamp>> = Vec::new();
        for logged in self.logged.iter().filter(|logged| logged.size == chosen.logged.size) {
            let kept = self.kept(logged)?.filter(|kept| kept.head == chosen.head);
            let is_new =
                |kept: &Rc<KeptStamp>| over.iter().all(|other| other.token.authority() != kept.token.authority());
            over.extend(kept.filter(is_new));
        }
        Ok(over)
    }

    /// The revocation lists of the day on which a stamp was taken, as PEM.
    pub(crate) fn revocation(&self, kept: &KeptStamp) -> Outcome<Option<Vec<u8>>> {
        self.seen.keeper_log().published().revocation(&kept.head, kept.logged.answer).map_err(log_failed)
    }

    /// The record of a stamp, by the answer.
    pub(crate) fn logged(&self, response: &[u8]) -> Option<LoggedStamp> {
        let answer = ObjectId::of(response);
        self.logged.iter().find(|logged| logged.answer == answer).copied()
    }

    /// The place of a stamp's record in the log, as the keeper says.
    pub(crate) fn place(&self, logged: &LoggedStamp) -> Outcome<u64> {
        let own = self.seen.keeper_log().own_space()?;
        let place = self.safe.keeper.place(own, logged.number).map_err(Failure::from)?;
        place
            .ok_or_else(|| Failure::untrue(words!("the record of a stamp is gone", "タイムスタンプの記録がありません")))
    }

    /// The revocation lists of this day for a stamp, as PEM; `None` when none can be had.
    pub(crate) fn revocation_now(&self, response: &[u8], head: &[u8]) -> Option<Vec<u8>> {
        let authorities = &self.authorities;
        let expected = Expected { data: head, nonce: None, certificates: &[], authorities };
        let token = parse_response(response).and_then(|token| token.verify(&expected)).ok()?;
        let lists = Client::new(&in_passing()).revocation_lists(&token);
        (!lists.is_empty()).then(|| revocation_lists_to_pem(&lists).into_bytes())
    }

    /// The note of a record of the keeper's own space, and its receipt.
    pub(crate) fn record(&self, number: u64) -> Outcome<[Vec<u8>; 2]> {
        let (log, keeper) = (self.seen.keeper_log(), &self.safe.keeper);
        let own = log.own_space()?;
        let note = keeper.note(own, number)?;
        let receipt = log.receipt(keeper, own, number).map_err(Failure::from)?;
        let both = note.zip(receipt).map(|(note, receipt)| [note, receipt]);
        both.ok_or_else(|| Failure::untrue(words!("the record of a stamp is gone", "タイムスタンプの記録がありません")))
    }

    /// What a logged stamp is over: the one of the stamped heads of its size that it holds for, whoever gave it.
    pub(crate) fn head_of(&self, logged: &LoggedStamp, response: &[u8]) -> Outcome<Option<Vec<u8>>> {
        self.reader.head_of(logged, response).map_err(Failure::from)
    }

    /// Until when the best of the authorities' newest independent stamps can be relied on.
    pub(crate) fn ends(&self) -> Outcome<Option<Moment>> {
        let newest = self.reader.newest(&self.logged, &self.authorities, NEWEST_STAMPS).map_err(Failure::from)?;
        Ok(newest.iter().filter(|kept| kept.token.is_independent()).map(|kept| kept.token.ends()).max())
    }

    /// What does not hold of the stamps that were looked at.
    pub(crate) fn faults(&self) -> Vec<Words> {
        self.reader.faults().into_iter().map(|(number, fault)| does_not_hold(number, fault)).collect()
    }

    /// # Errors
    /// Exit code 3 when one of the stamps that were looked at does not hold.
    pub(crate) fn hold(&self) -> Outcome<()> {
        match self.reader.faults().into_iter().next() {
            None => Ok(()),
            Some((number, fault)) => Err(Failure::untrue(does_not_hold(number, fault)).hint(words!(
                "Tell whoever runs the keeper, and keep the receipt of the deposit: it is what the keeper promised.",
                "預け先に知らせてください。受領書は約束の証拠になるので、残しておいてください。"
            ))),
        }
    }

    /// `None` when nobody vouches for it, or it does not hold: then it is of no use.
    fn kept(&self, logged: &LoggedStamp) -> Outcome<Option<Rc<KeptStamp>>> {
        match self.reader.read(logged).map_err(Failure::from)? {
            Found::Kept(kept) => Ok(Some(kept)),
            Found::Unknown | Found::False(_) => Ok(None),
        }
    }

    /// Asks those whose stamp is wanted, where the keeper is here. What comes is kept; what does not come is told of, and
    /// asked for again next time.
    pub(crate) fn ask_wanting(&mut self, patience: &Patience, longest: Option<Duration>) -> Outcome<Asked> {
        let Some((keeper, log)) = self.here() else { return Ok(Asked::default()) };
        let (taking, now) = (Taking::new(keeper, log, &self.seen.note), safe::moment()?);
        let mut wanting = taking.wanting(&self.authorities, now).map_err(Failure::from)?;
        wanting.retain(|authority| authority.url().is_some());
        self.ask(&taking, &wanting, patience, longest, now)
    }

    /// Asks every authority that has an address.
    ///
    /// # Errors
    /// When the keeper is elsewhere.
    pub(crate) fn ask_all(&mut self, patience: &Patience) -> Outcome<Asked> {
        self.safe.keeper.must_be_here()?;
        let Some((keeper, log)) = self.here() else { return Ok(Asked::default()) };
        let all: Vec<_> = self.authorities.iter().filter(|authority| authority.url().is_some()).cloned().collect();
        self.ask(&Taking::new(keeper, log, &self.seen.note), &all, patience, None, safe::moment()?)
    }

    fn ask(
        &mut self,
        taking: &Taking<'_>,
        authorities: &[Authority],
        patience: &Patience,
        longest: Option<Duration>,
        now: Moment,
    ) -> Outcome<Asked> {
        let asked =
            taking.ask(authorities, &Client::new(patience), longest, now, &mut random).map_err(Failure::from)?;
        if !asked.taken.is_empty() {
            self.look_again()?;
        }
        Ok(asked)
    }

    /// The keeper's own stamp over the head, which is not independent.
    ///
    /// # Errors
    /// With a keeper elsewhere, which stamps by itself: what to wait for.
    pub(crate) fn stamp_by_itself(&mut self) -> Outcome<()> {
        let Some((keeper, log)) = self.here() else { return Err(self.none_yet()) };
        let now = safe::moment()?;
        let local = local_authority(&self.safe.home.keeper_folder(), &self.safe.home.keeper)?;
        let answer = local.stamp(&self.seen.note, now, &mut random).map_err(no_stamp)?;
        Taking::new(keeper, log, &self.seen.note).keep(SELF, &answer, "").map_err(Failure::from)?;
        self.look_again()
    }

    /// Why a keeper elsewhere has no stamp that counts here, and what to do.
    fn none_yet(&self) -> Failure {
        if let Err(failure) = self.hold() {
            return failure;
        }
        let hint = match self.seen.keeper_log().stamping() {
            _ if self.reader.met_unknown() => words!(
                "Its stamps are by authorities that this machine does not know. Ask whoever runs the keeper for its list, and name it with `hizo log authorities FILE`.",
                "押した時刻認証局を、このコンピューターは知りません。預け先に一覧を求め、`hizo log authorities ファイル` で登録してください。"
            ),
            Some(Stamping { pause_seconds, by_itself, authorities, .. }) if by_itself || !authorities.is_empty() => {
                words!(
                    "The keeper takes stamps by itself, at most every {pause_seconds} seconds: try again then. Until then the receipt shows what it promised: `hizo status` tells.",
                    "預け先が、長くても{pause_seconds}秒おきに自分で押します。そのころに、もう一度試してください。それまでは受領書が約束の証拠になります（`hizo status` で確かめられます）。"
                )
            }
            Some(_) | None => words!(
                "Ask whoever runs the keeper. Until then the receipt shows what it promised: `hizo status` tells.",
                "預け先に頼んでください。それまでは受領書が約束の証拠になります（`hizo status` で確かめられます）。"
            ),
        };
        Failure::new(
            Kind::Unknown,
            words!(
                "the keeper has no stamp over this part of its log yet, and a proof needs one",
                "預け先の台帳のこの部分に、まだタイムスタンプがないため、証明を作れません"
            ),
        )
        .hint(hint)
    }

    fn here(&self) -> Option<(&'a EmbeddedKeeper, &'a EmbeddedLog)> {
        self.safe.keeper.here().zip(self.seen.keeper_log().here())
    }

    fn look_again(&mut self) -> Outcome<()> {
        let log = self.seen.keeper_log();
        self.reader = reader(self.safe, log, self.authorities.clone())?;
        self.logged = log.stamps(&self.safe.keeper, &self.sizes)?;
        Ok(())
    }
}

/// What reads the stamps over a log, by these authorities and the keeper itself.
fn reader<'a>(safe: &'a Safe, log: &'a KeeperLog, authorities: Vec<Authority>) -> Outcome<StampReader<'a, Arc<Side>>> {
    let vouching = authorities.into_iter().chain(log.own_authority(&safe.home)?).collect();
    Ok(StampReader::new(log.published(), |answer| log.stamp(&safe.keeper, answer), vouching))
}

/// Reads all of these stamps, and gives those that do not hold, with what is said of each.
///
/// # Errors
/// When the keeper does not answer.
pub(crate) fn check(safe: &Safe, log: &KeeperLog, logged: &[LoggedStamp]) -> Outcome<Vec<(LoggedStamp, Fault, Words)>> {
    let (reader, mut faults) = (reader(safe, log, safe.home.authorities()?)?, Vec::new());
    for logged in logged {
        if let Found::False(fault) = reader.read(logged).map_err(Failure::from)? {
            faults.push((*logged, fault, does_not_hold(logged.number, fault)));
        }
    }
    Ok(faults)
}

/// The authority of the keeper in this folder itself, set up if there is none.
pub(crate) fn local_authority(folder: &Path, keeper: &Origin) -> Outcome<LocalAuthority> {
    let seeds = StampSeeds {
        key: Zeroizing::new(random()),
        root_key: Zeroizing::new(random()),
        serial: random(),
        root_serial: random(),
    };
    LocalAuthority::init(folder, keeper, &seeds, safe::moment()?).map_err(no_stamp)
}

/// The authority of the keeper in this folder itself, if one was ever set up.
pub(crate) fn known_local_authority(folder: &Path) -> Outcome<Option<LocalAuthority>> {
    LocalAuthority::open(folder).map_err(no_stamp)
}

fn does_not_hold(number: u64, fault: Fault) -> Words {
    words!(
        "a stamp that the keeper shows does not hold (record {number} of its own space): {fault}",
        "預け先のタイムスタンプ（預け先自身の記録 {number}）は正しくありません: {fault}"
    )
}

/// Asks in passing, after something else was done, which stays done whatever comes of it: what a person should know. A
/// keeper elsewhere asks by itself.
pub(crate) fn ask_in_passing(safe: &Safe, seen: &SeenLog) -> Vec<Words> {
    let told = || -> Outcome<Vec<Words>> {
        if safe.keeper.here().is_none() || safe.home.authorities()?.is_empty() {
            return Ok(Vec::new());
        }
        let mut stamps = Stamps::open(safe, seen, &[], &[])?;
        let mut notes = notes(&stamps.ask_wanting(&in_passing(), Some(IN_PASSING_MAX))?);
        if let Due::Before(ends) = due(stamps.ends()?, safe::moment()?) {
            notes.push(words!(
                "the newest independent stamp can be relied on until {ends} only; `hizo log renew` says more",
                "いちばん新しい第三者のタイムスタンプは {ends} までです。詳しくは `hizo log renew` で分かります"
            ));
        }
        Ok(notes)
    };
    told().unwrap_or_else(|failure| vec![failure.message])
}

/// A list of authorities that a person names: its text, and who is in it.
pub(crate) fn read_list(path: &Path) -> Outcome<(String, Vec<Authority>)> {
    let bytes = bundle::read(path, LIST_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok();
    let list = text.and_then(|text| Authority::parse_list(&text).ok().map(|list| (text, list)));
    list.ok_or_else(|| {
        let path = shown(path);
        Failure::fixable(words!("{path} is no list of authorities", "{path} は時刻認証局の一覧として読めません")).hint(
            words!("docs/spec/timestamp.md shows how one is written.", "書き方は docs/spec/timestamp.md にあります。"),
        )
    })
}

/// A list of authorities that are to be asked: besides well written, each name can name files and stands once, and each address can
/// be asked.
pub(crate) fn read_list_to_ask(file: &Path) -> Outcome<(String, Vec<Authority>)> {
    let (text, list) = read_list(file)?;
    let mut names = BTreeSet::new();
    for authority in &list {
        let (path, name) = (shown(file), shown(Path::new(authority.name())));
        if !is_plain(authority.name()) {
            return Err(Failure::fixable(words!(
                "{path}: {name} cannot be the name of an authority",
                "{path}: 「{name}」は時刻認証局の名前に使えません"
            ))
            .hint(words!(
                "A name has 1 to 64 of the characters A-Z a-z 0-9 - _, and is not \"self\".",
                "名前は A-Z a-z 0-9 - _ の1~64文字です。self は使えません。"
            )));
        }
        if !names.insert(authority.name()) {
            return Err(Failure::fixable(words!(
                "{path} names {name} twice",
                "{path} に「{name}」が2回書かれています"
            ))
            .hint(words!("Give each a name of its own.", "別々の名前を付けてください。")));
        }
        if authority.url().is_some_and(|url| !url.starts_with("http://")) {
            return Err(Failure::fixable(words!(
                "{path}: the address of {name} is none that is asked",
                "{path}: 「{name}」のアドレスには求められません"
            ))
            .hint(words!(
                "Write an address that begins with http://; an answer is verified by its own signature.",
                "http:// で始まるアドレスを書いてください。応答は、その署名で確かめます。"
            )));
        }
    }
    Ok((text, list))
}

fn no_stamp(error: Error) -> Failure {
    Failure::new(Kind::Unknown, words!("there is no stamp: {error}", "タイムスタンプを押せません: {error}"))
        .hint(words!(
            "Look at the clock and the disk of this machine, then try again.",
            "このコンピューターの時計とディスクを確かめてから、もう一度試してください。"
        ))
        .source(error)
}
