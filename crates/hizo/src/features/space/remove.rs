//! `hizo space remove`

use std::collections::{BTreeMap, BTreeSet};

use hizo_ledger::id::{SeriesId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{AdminRule, ClaimedTime, Role};
use hizo_vault::event::Event;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::entering::Admin;
use crate::Setting;
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::membership::{self, Change, Made, Proposing};
use crate::office::Office;
use crate::people::{Person, Seat};
use crate::prepared::{self, Order, Orders};
use crate::register::State;
use crate::rotation::{self, Rotated};
use crate::safe::{self, Keyring, Safe};
use crate::view::View;
use crate::words::{Words, words};

/// Remove a member with all of that person's machines: nothing kept from then on can be opened by them
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The member: what the person is called, or the first digits of a key
    #[arg(value_name = "NAME", required_unless_present_any = ["prepared", "withdraw"])]
    member: Option<String>,
    /// Only this machine of the person, as `hizo space members` names it
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// Why; the other members can read it
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Say what the member can have read, and remove nobody
    #[arg(long)]
    dry_run: bool,
    /// Prepare it: nobody hears of it before this time, like 2027-03-31T18:00+09:00; then `hizo space due` does it, or any
    /// command that has the passphrase in a file
    #[arg(long, value_name = "TIME", value_parser = prepared::time, conflicts_with_all = ["dry_run", "propose"])]
    at: Option<ClaimedTime>,
    /// List what is prepared
    #[arg(long, conflicts_with_all = ["member", "at", "withdraw"])]
    prepared: bool,
    /// Withdraw what is prepared: the id that --prepared shows
    #[arg(long, value_name = "ID", conflicts_with_all = ["member", "at"])]
    withdraw: Option<String>,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match (&arguments.member, &arguments.withdraw) {
        (Some(member), _) => remove(setting, arguments, member),
        (None, Some(id)) => withdraw(setting, id),
        (None, None) => list(setting),
    }
}

fn remove(setting: &Setting, arguments: &Arguments, member: &str) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let passphrase = setting.read_passphrase()?;
    let admin = Admin::by(setting, &safe, safe::open_identity(&safe.home, &passphrase)?.into())?;
    let person = admin.keyring.people()?.named(&safe, member)?;
    let leaving: Vec<Seat> = match &arguments.machine {
        Some(name) => vec![machine(&person, name)?],
        None => person.seats().collect(),
    };
    let keys: Vec<VerifyingKey> = leaving.iter().map(|seat| seat.key).collect();
    admin.keyring.people()?.heed(&safe, &keys)?;
    if let Some(at) = arguments.at {
        return prepare(setting, (&safe, &admin), &Order::new(at, &person, &keys, &arguments.reason));
    }
    let view = View::of(admin.opened(&safe))?;
    let read = Readable::of(admin.opened(&safe), &view, &person, &keys);
    let made = match arguments.dry_run {
        true => None,
        false => {
            let change = Change::removal(&safe, &admin.keyring, &keys, &arguments.reason)?;
            Some(admin.make(change, &mut safe, &arguments.proposing)?)
        }
    };
    let elsewhere = match &made {
        // Whoever has removed himself leaves the rest to those who stay.
        Some(Made::Stands(_)) if safe.role_of(&admin.identity).is_some() => Elsewhere::of(setting, safe, passphrase),
        Some(Made::Stands(_)) => Elsewhere::default(),
        Some(Made::Proposed(_)) | None => Elsewhere::default(),
    };
    tell(setting, arguments, &person, &leaving, (&read, &elsewhere), made.as_ref());
    match made {
        Some(Made::Stands(appended)) => appended.promised.and(elsewhere.rotated.and_then(Rotated::outcome)),
        Some(Made::Proposed(proposed)) => {
            proposed.note(setting);
            Ok(())
        }
        None => Ok(()),
    }
}

/// What a removal in an organisation's own safe comes to in the safes that it reads.
struct Elsewhere {
    rotated: Outcome<Rotated>,
    /// Where the keys of before are still sealed to, in each such safe, and by each key: what is sealed there, whoever has left may open.
    due: Vec<(SpaceId, VerifyingKey)>,
}

impl Default for Elsewhere {
    fn default() -> Self {
        Self { rotated: Ok(Rotated::default()), due: Vec::new() }
    }
}

impl Elsewhere {
    /// Begins new keys there, as far as this machine can.
    fn of(setting: &Setting, safe: Safe, passphrase: Zeroizing<String>) -> Self {
        if !safe.home.organisation_card_file().exists() {
            return Self::default();
        }
        let mut elsewhere = Self::default();
        elsewhere.rotated = Office::of(setting, safe, passphrase).and_then(|mut office| {
            elsewhere.due = due(&office)?;
            // An admin who does not hold the organisation's key leaves the rest to whoever does.
            match office.has_key() {
                true => rotation::rotate(&mut office),
                false => Ok(Rotated::default()),
            }
        });
        if let Ok(rotated) = &elsewhere.rotated {
            elsewhere.due.retain(|(space, _)| rotated.done.iter().all(|done| done.space != *space));
        }
        elsewhere
    }
}

fn due(office: &Office) -> Outcome<Vec<(SpaceId, VerifyingKey)>> {
    let (now, sealed_to) = (safe::now()?, office.safe.recipient()?.to_string());
    let register = office.register();
    let due = register.entries().filter(|entry| entry.state(now, &sealed_to) == State::Due);
    Ok(due.map(|entry| (entry.delegation.space, entry.delegation.key)).collect())
}

/// Writes an order down in this home, and nowhere else.
fn prepare(setting: &Setting, (safe, admin): (&Safe, &Admin), order: &Order) -> Outcome<()> {
    let id = write(safe, admin, order)?;
    let (name, at) = (order.shown_name(), order.at.to_string());
    setting.console.result(json!({ "prepared": id, "name": order.name, "at": at }), |out| {
        let done = words!(
            "prepared: {name} is to be removed at {at}; nobody hears of it before ({id})",
            "準備しました。{name}さんを {at} に外します。それまで誰にも知られません（{id}）"
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "it needs your passphrase then: it is done by `hizo space due`, or by the first command that has the passphrase in a file",
        "その時にパスフレーズが必要です。`hizo space due` か、--passphrase-file を付けた最初のコマンドが実行します"
    ));
    if safe.chain.admin_rule() == AdminRule::Two {
        setting.console.note(words!(
            "another admin has to sign it then: `hizo space due --propose FILE`",
            "その時に、別の管理者の署名が必要です: `hizo space due --propose ファイル`"
        ));
    }
    Ok(())
}

/// Writes an order down, unless its time is past or it could not be done: its id.
pub(super) fn write(safe: &Safe, admin: &Admin, order: &Order) -> Outcome<String> {
    if order.at.unix_seconds() <= safe::now()?.unix_seconds() {
        return Err(Failure::new(Kind::Usage, words!("that time is past", "その時刻はもう過ぎています"))
            .hint(words!("Without a time, it is done at once.", "時刻を指定しなければ、すぐに外します。")));
    }
    order.keys.iter().try_for_each(|key| membership::stays_with_admin(safe, *key, Role::Writer))?;
    order.write(&safe.home, &admin.identity)
}

fn list(setting: &Setting) -> Outcome<()> {
    let home = setting.home()?;
    let orders = Orders::of(&home)?;
    let (mut listed, mut whole) = (Vec::new(), orders.are_whole());
    if !orders.whole.is_empty() {
        let identity = safe::open_identity(&home, &setting.read_passphrase()?)?;
        for sealed in &orders.whole {
            match sealed.open(&identity) {
                Ok(order) => listed.push((sealed, order)),
                Err(failure) => whole = Err(failure),
            }
        }
    }
    let as_json: Vec<Value> = listed.iter().map(|(sealed, order)| {
        let keys: Vec<String> = order.keys.iter().map(|key| key.name().to_string()).collect();
        json!({ "prepared": sealed.id, "name": order.name, "at": order.at.to_string(), "keys": keys, "reason": order.reason })
    }).collect();
    setting.console.result(json!({ "prepared": as_json }), |out| {
        if listed.is_empty() {
            return writeln!(out, "{}", setting.console.say(words!("nothing is prepared", "準備したものはありません")));
        }
        listed
            .iter()
            .try_for_each(|(sealed, order)| writeln!(out, "{}  {}  {}", sealed.id, order.at, order.shown_name()))
    });
    whole
}

fn withdraw(setting: &Setting, id: &str) -> Outcome<()> {
    if !Orders::of(&setting.home()?)?.withdraw(id)? {
        let id = shown_bytes(id.as_bytes());
        return Err(Failure::fixable(words!("nothing is prepared under {id}", "{id} という準備はありません")).hint(
            words!("See `hizo space remove --prepared`.", "`hizo space remove --prepared` で確かめてください。"),
        ));
    }
    setting.console.result(json!({ "withdrawn": id }), |out| {
        writeln!(out, "{}", setting.console.say(words!("withdrawn", "取り消しました")))
    });
    Ok(())
}

fn machine(person: &Person, named: &str) -> Outcome<Seat> {
    let is_meant = |(seat, name): &&(Seat, Option<String>)| {
        name.as_deref() == Some(named) || (named.len() >= 6 && seat.key.name().to_string().starts_with(named))
    };
    let mut found = person.machines.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some((seat, _)), None) => Ok(*seat),
        _ => {
            let named = shown_bytes(named.as_bytes());
            Err(Failure::fixable(words!(
                "there is not one machine {named} of that member",
                "そのメンバーの「{named}」というコンピューターを特定できません"
            ))
            .hint(words!(
                "Name it as `hizo space members --json` shows it, or by its key.",
                "`hizo space members --json` の表示か、鍵の先頭の桁で指定してください。"
            )))
        }
    }
}

/// What a member can have opened until now: whatever was sealed since the first epoch that was given to him; and what records
/// of his own say that he opened.
pub(super) struct Readable {
    pub series: Vec<(String, Vec<u64>)>,
    pub opened: Vec<(String, Vec<u64>)>,
}

impl Readable {
    /// What these keys of somebody can have opened.
    pub(super) fn of(opened: Opened, view: &View, person: &Person, keys: &[VerifyingKey]) -> Self {
        let Opened { safe, keyring } = opened;
        let own = person.own.filter(|own| keys.contains(&own.key));
        let epoch = own.and_then(|own| keyring.people().ok()?.first_epoch(safe, &own.key));
        Self { series: Self::since(safe, view, epoch), opened: Self::said(safe, keyring, view, keys) }
    }

    /// What the holder of these keys said that he opened: clients say so of what was handed over, before they show it.
    fn said(safe: &Safe, keyring: &Keyring, view: &View, keys: &[VerifyingKey]) -> Vec<(String, Vec<u64>)> {
        let his = safe.records.iter().filter(|record| record.signers().iter().any(|key| keys.contains(key)));
        let events = his.flat_map(|record| keyring.events(safe, record).unwrap_or_default());
        let items = events.flat_map(|event| match event {
            Event::Opened { items, .. } => items,
            _ => Vec::new(),
        });
        let records: BTreeSet<String> = items.map(|item| item.record).collect();
        let mut series: BTreeMap<SeriesId, Vec<u64>> = BTreeMap::new();
        for record in safe.records.iter().filter(|record| records.contains(&record.id().to_string())) {
            let Some(deposit) = record.envelope().deposit else { continue };
            series.entry(deposit.series).or_default().push(deposit.k);
        }
        let name =
            |id: &SeriesId| view.series.get(id).map_or_else(|| format!("id:{id}"), |known| known.shown_name(*id));
        series.into_iter().map(|(id, numbers)| (name(&id), numbers)).collect()
    }

    fn since(safe: &Safe, view: &View, epoch: Option<u32>) -> Vec<(String, Vec<u64>)> {
        let Some(from) = epoch else { return Vec::new() };
        let is_open = |record: u64| {
            let record = usize::try_from(record).ok().and_then(|record| safe.records.get(record));
            record.is_some_and(|record| record.envelope().epoch >= from)
        };
        let mut series = Vec::new();
        for (id, known) in &view.series {
            let readable = known.deposits.iter().map(|deposit| (deposit.number, deposit.record));
            let unreadable = view.unreadable_of(*id).map(|(number, unreadable)| (number, unreadable.record));
            let before = view.before.iter().filter_map(|(record, deposit)| {
                deposit.filter(|(of, _)| of == id).map(|(_, number)| (number, *record))
            });
            let all = readable.chain(unreadable).chain(before).filter(|(_, record)| is_open(*record));
            let mut numbers: Vec<u64> = all.map(|(number, _)| number).collect();
            numbers.sort_unstable();
            if !numbers.is_empty() {
                series.push((known.shown_name(*id), numbers));
            }
        }
        series
    }
}

fn as_json(series: &[(String, Vec<u64>)]) -> Value {
    series.iter().map(|(name, deposits)| json!({ "series": name, "deposits": deposits })).collect()
}

fn tell(
    setting: &Setting,
    arguments: &Arguments,
    person: &Person,
    leaving: &[Seat],
    (read, elsewhere): (&Readable, &Elsewhere),
    made: Option<&Made>,
) {
    let name = person.shown_name();
    let rotated = elsewhere.rotated.as_ref().ok();
    let proposed = match made {
        Some(Made::Proposed(proposed)) => Some(proposed),
        Some(Made::Stands(_)) | None => None,
    };
    let mut result = json!({
        "name": person.name, "dry_run": arguments.dry_run,
        "keys": leaving.iter().map(|seat| seat.key.name().to_string()).collect::<Vec<_>>(),
        "could_read": as_json(&read.series), "opened": as_json(&read.opened),
        "rotated": rotated.map_or_else(|| json!([]), Rotated::as_json),
        "left": rotated.map_or_else(|| json!([]), Rotated::left_as_json),
        "due": elsewhere.due.iter().map(|(space, key)| json!({ "space": space.to_string(), "key": key.name().to_string() })).collect::<Vec<_>>(),
    });
    if let Some(proposed) = proposed {
        proposed.stands_beside(&mut result);
    }
    setting.console.result(result, |out| {
        let done = match (made, &arguments.machine) {
            (None, _) => words!("nobody was removed", "誰も外していません"),
            (Some(Made::Proposed(proposed)), _) => proposed.line(),
            (Some(Made::Stands(_)), None) => words!(
                "{name} is removed, with {keys} keys; what is kept from now on is closed to them",
                "{name}さんを外しました（鍵{keys}個）。今後預けるものは開けられません",
                name = name,
                keys = leaving.len()
            ),
            (Some(Made::Stands(_)), Some(machine)) => words!(
                "machine {machine} is removed from {name}",
                "{name}さんのコンピューター「{machine}」を外しました",
                machine = shown_bytes(machine.as_bytes()),
                name = name
            ),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        for line in could_read(&name, read) {
            writeln!(out, "{}", setting.console.say(line))?;
        }
        for line in rotated.into_iter().flat_map(Rotated::lines) {
            writeln!(out, "{}", setting.console.say(line))?;
        }
        for (space, key) in &elsewhere.due {
            let line = words!(
                "due: safe {space} is still sealed to the keys before, for {key}",
                "要更新: 金庫 {space} は、まだ前の鍵で封じられています（{key}）",
                key = key.name()
            );
            writeln!(out, "{}", setting.console.say(line))?;
        }
        Ok(())
    });
    if !elsewhere.due.is_empty() {
        setting.console.note(words!(
            "each of them waits for one of its admins, or for somebody of the organisation who opens it on his machine; nobody of the organisation deposits there before. Where the organisation's key is on another machine, `hizo office rotate` comes first, there",
            "それぞれの金庫の管理者か、その金庫が手元にある機関の人が開くのを待っています。それまで、機関からは預けられません。機関の鍵が別のコンピューターにあるなら、先にそこで `hizo office rotate` を実行してください"
        ));
    }
}

pub(super) fn could_read(name: &str, read: &Readable) -> Vec<Words> {
    if read.series.is_empty() {
        return vec![words!(
            "nothing that is kept could be opened with those keys",
            "その鍵で開けられたものはありません"
        )];
    }
    let head = words!(
        "{name} could open until now, and may have copies of:",
        "{name}さんがこれまでに開けられたもの（写しを持っているかもしれません）:"
    );
    let line = |(series, numbers): &(String, Vec<u64>)| {
        let numbers = ranges(numbers);
        words!("    {series}: deposits {numbers}", "    束「{series}」: 第{numbers}回")
    };
    let lines = [head].into_iter().chain(read.series.iter().map(line));
    if read.opened.is_empty() {
        let tail = words!("which of them were opened, nobody can know", "このうちどれを実際に開けたかは分かりません");
        return lines.chain([tail]).collect();
    }
    let head = words!("records show that these were opened:", "このうち、記録によれば実際に開けたもの:");
    let tail = words!("of the others nobody can know", "そのほかを開けたかどうかは分かりません");
    lines.chain([head]).chain(read.opened.iter().map(line)).chain([tail]).collect()
}

/// Rising numbers as people write them: `1-3, 7`.
pub(super) fn ranges(numbers: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let run = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_in_a_row_are_one_range() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
