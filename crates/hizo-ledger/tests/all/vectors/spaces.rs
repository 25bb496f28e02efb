//! Spaces to accept, and spaces whose last record may not stand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use hizo_ledger::id::{ObjectId, RecordId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{AdminRule, ClaimedTime, Control, Envelope, Origin, Role};
use hizo_ledger::space::RECOVERY_DELAY_SECONDS;

use super::{Refused, Vector, changed, line};
use crate::kit::{
    Story, epoch, genesis, key, member, note, secret, series, session, session_key, signature_line, signed, signed_by,
    space, text, twelve_records, wrap,
};

pub(super) fn space_vectors() -> Vec<Vector> {
    let mut vectors: Vec<_> = accepted_spaces()
        .into_iter()
        .map(|(name, says, story)| Vector { name, says, bytes: story.notes.concat().into_bytes(), rule: None })
        .collect();
    let mut refused = refused_places();
    refused.extend(refused_signers());
    refused.extend(refused_roles());
    refused.extend(refused_epochs());
    refused.extend(refused_members());
    refused.extend(refused_series());
    refused.extend(refused_recoveries());
    refused.extend(refused_by_rule_of_two());
    refused.extend(refused_rotators());
    for (rule, name, says, notes) in refused {
        vectors.push(Vector { name, says, bytes: notes.concat().into_bytes(), rule: Some(rule) });
    }
    vectors
}

fn accepted_spaces() -> Vec<(&'static str, &'static str, Story)> {
    let begun = || Story::begin(&[]);
    vec![
        ("genesis_only", "a space of one record", begun()),
        ("twelve_records", "members come, deposit, leave; grants, a move", twelve_records()),
        ("hand_over", "founded with receiver and second admin, then the founder leaves", {
            let receiver = member("partner", Role::ReaderWriter);
            let mut story = Story::begin(&[member("deputy", Role::Admin), receiver, Control::Recovery(None)]);
            story.add(&story.deposit("items"), "owner");
            story.add(&story.removal("owner"), "owner");
            story.add(&story.deposit("answer"), "partner");
            story
        }),
        ("role_changed", "a reader leaves and comes back as writer in one record", {
            let mut story = begun();
            story.add(&story.control(&[member("clerk", Role::Reader)]), "owner");
            let mut change = story.removal("clerk");
            change.controls.push(member("clerk", Role::Writer));
            change.sort_controls();
            story.add(&change, "owner");
            story.add(&story.deposit("papers"), "clerk");
            story
        }),
        ("member_returns", "a removed key is added again later", {
            let mut story = begun();
            story.add(&story.control(&[member("clerk", Role::Reader)]), "owner");
            story.add(&story.removal("clerk"), "owner");
            story.add(&story.control(&[member("clerk", Role::Reader)]), "owner");
            story.add(&story.say(), "clerk");
            story
        }),
        ("sessions", "members that name session keys, one of whom leaves and comes back without", {
            let mut story = Story::begin(&[session("owner")]);
            let comes = |who| [member(who, Role::Reader), session(who)];
            story.add(&story.control(&comes("clerk")), "owner");
            story.add(&story.control(&comes("newcomer")), "owner");
            story.add(&story.removal("clerk"), "owner");
            story.add(&story.control(&[member("clerk", Role::Reader)]), "owner");
            story
        }),
        ("session_moves", "a session key whose member has left may be another member's", {
            let mut story = Story::begin(&[member("clerk", Role::Reader), session("clerk")]);
            let mut change = story.removal("clerk");
            let key = key("newcomer");
            change.controls.extend([
                member("newcomer", Role::Reader),
                Control::Session { member: key, session: session_key("clerk") },
            ]);
            change.sort_controls();
            story.add(&change, "owner");
            story
        }),
        ("recovery_replaced", "the old recovery key may then be a member's", {
            let mut story = begun();
            story.add(&story.control(&[Control::Recovery(Some(key("newcomer")))]), "owner");
            story.add(&story.control(&[member("recovery", Role::Reader)]), "owner");
            story
        }),
        ("recovered", "whoever the recovery key lets in signs when the delay has passed, to the second", {
            let mut story = waits();
            let mut rotation = story.control(&epoch(1));
            rotation.time = after(&story, RECOVERY_DELAY_SECONDS);
            story.add(&rotation, "newcomer");
            story.add(&story.deposit("drawings"), "newcomer");
            story
        }),
        ("recovery_waits", "records of others go on, whatever time they say", {
            let mut story = waits();
            let mut late = story.say();
            late.time = after(&story, 10 * RECOVERY_DELAY_SECONDS);
            story.add(&late, "owner");
            story
        }),
        ("recovery_refused", "an admin ends the recovery key, and whoever waited is nobody", {
            let mut story = waits();
            story.add(&story.control(&[Control::Recovery(None)]), "owner");
            story
        }),
        ("recovery_refused_and_again", "the next recovery key lets somebody in, who was sent away before", {
            let mut story = waits();
            story.add(&story.control(&[Control::Recovery(Some(key("deputy")))]), "owner");
            story.add(&story.control(&[member("newcomer", Role::Admin)]), "deputy");
            story
        }),
        ("recovery_twice", "the recovery key lets in one more, who waits in place of the first", twice()),
        ("recovery_twice_and_recovered", "and signs when the delay has passed, counted anew", {
            let mut story = twice();
            let mut record = story.say();
            record.time = after(&story, RECOVERY_DELAY_SECONDS);
            story.add(&record, "stranger");
            story
        }),
        ("recovery_welcomed", "an admin lets in at once whoever waits", {
            let mut story = waits();
            story.add(&story.control(&[member("newcomer", Role::Reader)]), "owner");
            story.add(&story.say(), "newcomer");
            story.add(&story.control(&[member("stranger", Role::Admin)]), "recovery");
            story
        }),
        ("move_and_on", "after a move, records are for the new keeper", {
            let mut story = begun();
            story.add(&story.control(&[moves()]), "owner");
            story.add(&story.deposit("drawings"), "owner");
            story
        }),
        ("old_epoch_granted", "a wrap of an earlier epoch, long after it ended", {
            let mut story = begun();
            for number in 1..=3 {
                story.add(&story.control(&epoch(number)), "owner");
            }
            story.add(&story.control(&[wrap(1, "wrap 1 for a newcomer")]), "owner");
            story
        }),
        ("two_admins", "two admins ask for two, who then remove a member; everybody says and deposits by himself", {
            let mut story = two_admins();
            story.add_by(&story.removal("clerk"), &["deputy", "owner"]);
            story.add(&story.deposit("drawings"), "machine");
            story.add(&story.say(), "owner");
            story
        }),
        ("two_admins_end", "two admins end the rule of two, and one of them then removes the other", {
            let mut story = two_admins();
            story.add_by(&story.control(&[one()]), &["deputy", "owner"]);
            story.add(&story.removal("deputy"), "owner");
            story
        }),
        ("two_admins_end_with_one", "the rule of two ends in the record by which one of two admins leaves", {
            let mut story = two_admins();
            let mut leaves = story.removal("deputy");
            leaves.controls.push(one());
            leaves.sort_controls();
            story.add_by(&leaves, &["deputy", "owner"]);
            story
        }),
        ("two_admins_begin_with_a_third", "three admins agree on two in the record that makes the third a reader", {
            let mut story = everybody();
            story.add(&story.control(&[member("newcomer", Role::Admin)]), "owner");
            let mut demoted = story.removal("newcomer");
            demoted.controls.extend([member("newcomer", Role::Reader), two()]);
            demoted.sort_controls();
            story.add_by(&demoted, &["newcomer", "owner"]);
            story
        }),
        ("two_admins_one_recovered", "the recovery key lets in one by itself, who is then the second of two", {
            let mut story = two_admins();
            story.add(&story.control(&[member("newcomer", Role::Admin)]), "recovery");
            let mut removal = story.removal("deputy");
            removal.time = after(&story, RECOVERY_DELAY_SECONDS);
            story.add_by(&removal, &["newcomer", "owner"]);
            story
        }),
        ("two_admins_both_recovered", "where no admin is left, the recovery key lets in one after the other", {
            let mut story = two_admins();
            for who in ["newcomer", "stranger"] {
                story.add(&story.control(&[member(who, Role::Admin)]), "recovery");
                let mut arrived = story.say();
                arrived.time = after(&story, RECOVERY_DELAY_SECONDS);
                story.add(&arrived, who);
            }
            let mut both = story.removal("deputy");
            both.controls.push(Control::Remove(key("owner")));
            both.sort_controls();
            story.add_by(&both, &["newcomer", "stranger"]);
            story
        }),
        ("rotator", "a key that an admin has named begins epochs, and says nothing", {
            let mut story = rotated();
            story.add(&rotation(&story), "rotator");
            story.add(&story.deposit("drawings"), "machine");
            story
        }),
        ("rotator_by_two", "named by two where two sign, it begins an epoch by one signature", {
            let mut story = two_admins();
            story.add_by(&story.control(&[Control::Rotator(key("rotator"))]), &["deputy", "owner"]);
            story.add(&rotation(&story), "rotator");
            story
        }),
        ("rotator_ended", "the key ends in the record by which a member leaves, and may be named again", {
            let mut story = rotated();
            let mut leaves = story.removal("clerk");
            leaves.controls.push(Control::RotatorEnds(key("rotator")));
            leaves.sort_controls();
            story.add(&leaves, "owner");
            story.add(&story.control(&[Control::Rotator(key("rotator"))]), "owner");
            story
        }),
        ("rotator_while_one_waits", "whoever the recovery key let in waits on, whatever begins", {
            let mut story = rotated();
            story.add(&story.control(&[member("newcomer", Role::Admin), session("newcomer")]), "recovery");
            story.add(&rotation(&story), "rotator");
            story
        }),
        ("rotator_then_member", "a key that has ended may be a member's", {
            let mut story = rotated();
            story.add(&story.control(&[Control::RotatorEnds(key("rotator"))]), "owner");
            story.add(&story.control(&[member("rotator", Role::Reader)]), "owner");
            story
        }),
        ("wrap_in_two_epochs", "an object that is a wrap of one epoch becomes a wrap of another, too", {
            let mut story = begun();
            story.add(&story.control(&epoch(1)), "owner");
            story.add(&story.control(&[wrap(1, "wrap 0")]), "owner");
            story
        }),
    ]
}

/// A space in which the recovery key has let somebody in, with a session key.
fn waits() -> Story {
    let mut story = Story::begin(&[]);
    story.add(&story.control(&[member("newcomer", Role::Admin), session("newcomer")]), "recovery");
    story
}

/// As [`waits`], and the recovery key lets in one more, later.
fn twice() -> Story {
    let mut story = waits();
    story.add(&story.control(&[member("stranger", Role::Admin)]), "recovery");
    story
}

/// So many seconds after the last record of a story in which somebody was let in.
fn after(story: &Story, seconds: u64) -> ClaimedTime {
    let since = story.chain.waiting().unwrap().since;
    ClaimedTime::from_unix_seconds(since + seconds).unwrap()
}

fn refused_recoveries() -> Vec<Refused<Vec<String>>> {
    let (begun, waits, twice) = (Story::begin(&[]), waits(), twice());
    let admin = |who| member(who, Role::Admin);
    let recovers = |story: &Story, lines: &[Control]| and(story, &story.control(lines), "recovery");
    let early = |seconds| {
        let mut record = waits.say();
        record.time = after(&waits, seconds);
        and(&waits, &record, "newcomer")
    };
    let mut refused = waits.clone();
    refused.add(&refused.control(&[Control::Recovery(None)]), "owner");
    let mut too_late = refused.say();
    too_late.time = after(&waits, RECOVERY_DELAY_SECONDS);
    let mut peopled = begun.clone();
    peopled.add(&peopled.control(&[member("clerk", Role::Reader), session("clerk")]), "owner");
    let mut ahead = begun.control(&[admin("newcomer")]);
    ahead.epoch = 1;
    let taken = Control::Session { member: key("newcomer"), session: session_key("clerk") };
    let own = Control::Session { member: key("newcomer"), session: key("owner") };
    let mut rotates = vec![admin("newcomer")];
    rotates.extend(epoch(1));
    let text = begun.control(&[admin("newcomer")]).text().unwrap();
    let by_another = signature_line(&key("recovery"), &secret("stranger").sign(text.as_bytes()).to_bytes());
    vec![
        ("SignerNotMember", "recovery_lets_in_reader", "the recovery key lets in a reader", {
            recovers(&begun, &[member("newcomer", Role::Reader)])
        }),
        ("SignerNotMember", "recovery_lets_in_two", "the recovery key lets in two admins", {
            recovers(&begun, &[admin("newcomer"), admin("stranger")])
        }),
        ("SignerNotMember", "recovery_rotates", "the recovery key begins an epoch besides", recovers(&begun, &rotates)),
        ("SignerNotMember", "recovery_removes", "the recovery key removes a member", {
            and(&peopled, &peopled.removal("clerk"), "recovery")
        }),
        ("SignerNotMember", "recovery_deposits", "the recovery key deposits", {
            and(&begun, &begun.deposit("drawings"), "recovery")
        }),
        ("SignerNotMember", "recovery_of_nobody", "a stranger lets somebody in", {
            and(&begun, &begun.control(&[admin("newcomer")]), "stranger")
        }),
        ("SignerNotMember", "refused_signs_later", "whoever was refused signs when the delay has passed", {
            and(&refused, &too_late, "newcomer")
        }),
        ("Signature", "recovery_by_another", "a stranger's signature under the recovery key's name", {
            [begun.notes.clone(), vec![format!("{text}\n{by_another}")]].concat()
        }),
        ("Epoch", "recovery_epoch_ahead", "a body sealed to an epoch to come", and(&begun, &ahead, "recovery")),
        ("MemberTwice", "recovery_lets_in_member", "the recovery key makes a member an admin", {
            recovers(&peopled, &[admin("clerk")])
        }),
        ("RecoveryIsMember", "recovery_lets_in_itself", "the recovery key lets itself in", {
            recovers(&begun, &[admin("recovery")])
        }),
        ("SessionTaken", "recovery_session_taken", "with the session key of a present member", {
            recovers(&peopled, &[admin("newcomer"), taken])
        }),
        ("SessionTaken", "recovery_session_signs", "with a member's key as session key", {
            recovers(&begun, &[admin("newcomer"), own])
        }),
        ("TooEarly", "recovery_twice_signs_early", "the second one signs when the delay of the first has passed", {
            let mut record = twice.say();
            record.time = after(&waits, RECOVERY_DELAY_SECONDS);
            and(&twice, &record, "stranger")
        }),
        ("SignerNotMember", "recovery_twice_first_signs", "the first one signs when the delay has passed", {
            let mut record = twice.say();
            record.time = after(&twice, RECOVERY_DELAY_SECONDS);
            and(&twice, &record, "newcomer")
        }),
        ("TooEarly", "waiting_signs_at_once", "whoever waits signs an hour later", {
            and(&waits, &waits.say(), "newcomer")
        }),
        ("TooEarly", "waiting_signs_early", "a second before the delay has passed", early(RECOVERY_DELAY_SECONDS - 1)),
        ("TooEarly", "waiting_signs_before", "a time before that of the recovery", {
            let mut record = waits.say();
            record.time = ClaimedTime::from_unix_seconds(0).unwrap();
            and(&waits, &record, "newcomer")
        }),
    ]
}

const fn one() -> Control {
    Control::Admins(AdminRule::One)
}

const fn two() -> Control {
    Control::Admins(AdminRule::Two)
}

/// A space with every role in it, whose two admins have asked for two signatures.
pub(super) fn two_admins() -> Story {
    let mut story = everybody();
    story.add_by(&story.control(&[two()]), &["deputy", "owner"]);
    story
}

/// A space with every role in it, whose admin has named a key that begins epochs.
fn rotated() -> Story {
    let mut story = everybody();
    story.add(&story.control(&[Control::Rotator(key("rotator"))]), "owner");
    story
}

/// The one form of record that such a key signs, as the next one.
fn rotation(story: &Story) -> Envelope {
    Envelope { body: None, ..story.control(&epoch(story.chain.epoch() + 1)) }
}

fn refused_rotators() -> Vec<Refused<Vec<String>>> {
    let (before, story) = (everybody(), rotated());
    let mut ended = story.clone();
    ended.add(&ended.control(&[Control::RotatorEnds(key("rotator"))]), "owner");
    let mut of_two = two_admins();
    of_two.add_by(&of_two.control(&[Control::Rotator(key("rotator"))]), &["deputy", "owner"]);
    let mut waits = before.clone();
    waits.add(&waits.control(&[member("newcomer", Role::Admin), session("newcomer")]), "recovery");
    let mut named = before.clone();
    named.add(&named.control(&[member("newcomer", Role::Reader), session("newcomer")]), "owner");
    let many: Vec<Control> = (0..=64).map(|number| Control::Rotator(key(&format!("rotator {number}")))).collect();
    let by = |story: &Story, envelope: &Envelope| and(story, envelope, "rotator");
    let by_owner = |story: &Story, lines: &[Control]| and(story, &story.control(lines), "owner");
    let with = |more: &[Control]| {
        let mut record = rotation(&story);
        record.controls.extend(more.iter().cloned());
        record.sort_controls();
        record
    };
    let signed_together = |story: &Story, envelope: &Envelope, who: &[&str]| {
        let last = String::from_utf8(signed_by(envelope, who).note_bytes().to_vec()).unwrap();
        [story.notes.clone(), vec![last]].concat()
    };
    let mut with_body = rotation(&story);
    with_body.body = story.say().body;
    let (mut skips, mut again) = (rotation(&story), rotation(&story));
    (skips.epoch, skips.controls) = (2, epoch(2).to_vec());
    (again.epoch, again.controls) =
        (0, vec![Control::Epoch { epoch: 0, recipient: ObjectId::of(b"again") }, wrap(0, "new")]);
    let text = rotation(&story).text().unwrap();
    let by_another = signature_line(&key("rotator"), &secret("stranger").sign(text.as_bytes()).to_bytes());
    let names = |who: VerifyingKey| Control::Rotator(who);
    vec![
        (
            "SignerNotMember",
            "rotator_not_named",
            "a key begins an epoch that nobody has named",
            by(&before, &rotation(&before)),
        ),
        (
            "SignerNotMember",
            "rotator_after_its_end",
            "a key that has ended begins an epoch",
            by(&ended, &rotation(&ended)),
        ),
        ("SignerNotMember", "rotator_says", "the key says something", by(&story, &story.say())),
        ("SignerNotMember", "rotator_deposits", "the key deposits", by(&story, &story.deposit("drawings"))),
        (
            "SignerNotMember",
            "rotator_says_beside",
            "the key begins an epoch and says something",
            by(&story, &with_body),
        ),
        (
            "SignerNotMember",
            "rotator_admits",
            "the key lets somebody in besides",
            by(&story, &with(&[member("stranger", Role::Reader)])),
        ),
        (
            "SignerNotMember",
            "rotator_removes",
            "the key removes a member",
            by(&story, &with(&[Control::Remove(key("clerk"))])),
        ),
        (
            "SignerNotMember",
            "rotator_names_another",
            "the key names another one",
            by(&story, &with(&[names(key("stranger"))])),
        ),
        (
            "SignerNotMember",
            "rotator_ends_itself",
            "the key ends itself",
            by(&story, &with(&[Control::RotatorEnds(key("rotator"))])),
        ),
        (
            "SignerNotMember",
            "rotator_recovers",
            "the key replaces the recovery key",
            by(&story, &with(&[Control::Recovery(None)])),
        ),
        ("SignerNotMember", "rotator_moves", "the key moves the space", by(&story, &with(&[moves()]))),
        (
            "SignerNotMember",
            "rotator_two_wraps",
            "two wraps of the epoch",
            by(&story, &with(&[wrap(1, "for a friend")])),
        ),
        (
            "SignerNotMember",
            "rotator_gives_history",
            "a wrap of an earlier epoch besides",
            by(&story, &with(&[wrap(0, "for a friend")])),
        ),
        (
            "SignerNotMember",
            "rotator_gives_alone",
            "a wrap without an epoch",
            by(&story, &Envelope { body: None, ..story.control(&[wrap(0, "for a friend")]) }),
        ),
        (
            "SignatureCount",
            "rotator_with_admin",
            "an admin signs besides",
            signed_together(&story, &rotation(&story), &["owner", "rotator"]),
        ),
        (
            "SignerNotMember",
            "rotator_is_the_second",
            "where two admins sign, the key is one of them",
            signed_together(&of_two, &rotation(&of_two), &["owner", "rotator"]),
        ),
        (
            "SignatureCount",
            "rotator_named_by_one",
            "one of two admins names a key",
            by_owner(&two_admins(), &[names(key("rotator"))]),
        ),
        (
            "SignatureCount",
            "rotator_ended_by_one",
            "one of two admins ends one",
            by_owner(&of_two, &[Control::RotatorEnds(key("rotator"))]),
        ),
        (
            "RoleMayNot",
            "rotator_named_by_reader",
            "a reader names a key",
            and(&before, &before.control(&[names(key("rotator"))]), "clerk"),
        ),
        ("Signature", "rotator_by_another", "a stranger's signature under the key's name", {
            [story.notes.clone(), vec![format!("{text}\n{by_another}")]].concat()
        }),
        ("Epoch", "rotator_skips", "the key begins epoch 2 after epoch 0", by(&story, &skips)),
        ("Epoch", "rotator_begins_again", "the key begins epoch 0 again", by(&story, &again)),
        (
            "RotatorTwice",
            "rotator_named_again",
            "a key that is named already",
            by_owner(&story, &[names(key("rotator"))]),
        ),
        (
            "NotRotator",
            "rotator_ends_stranger",
            "a key ends that nobody has named",
            by_owner(&story, &[Control::RotatorEnds(key("stranger"))]),
        ),
        ("RotatorCount", "rotators_65", "65 keys", by_owner(&before, &many)),
        (
            "RotatorTaken",
            "rotator_is_member",
            "a present member's key is named",
            by_owner(&before, &[names(key("clerk"))]),
        ),
        (
            "RotatorTaken",
            "rotator_is_recovery",
            "the recovery key is named",
            by_owner(&before, &[names(key("recovery"))]),
        ),
        (
            "RotatorTaken",
            "rotator_is_session",
            "a present member's session key is named",
            by_owner(&named, &[names(session_key("newcomer"))]),
        ),
        ("RotatorTaken", "rotator_waits", "the key of who waits is named", by_owner(&waits, &[names(key("newcomer"))])),
        (
            "RotatorTaken",
            "rotator_session_waits",
            "the session key of who waits is named",
            by_owner(&waits, &[names(session_key("newcomer"))]),
        ),
        (
            "RotatorTaken",
            "rotator_comes",
            "the key comes as a member",
            by_owner(&story, &[member("rotator", Role::Reader)]),
        ),
        (
            "RotatorTaken",
            "rotator_is_pinned",
            "the key becomes the recovery key",
            by_owner(&story, &[Control::Recovery(Some(key("rotator")))]),
        ),
        ("RotatorTaken", "rotator_starts_sessions", "the key becomes a session key", {
            by_owner(
                &story,
                &[
                    member("newcomer", Role::Reader),
                    Control::Session { member: key("newcomer"), session: key("rotator") },
                ],
            )
        }),
        ("RotatorTaken", "rotator_is_let_in", "the recovery key lets it in", {
            and(&story, &story.control(&[member("rotator", Role::Admin)]), "recovery")
        }),
    ]
}

fn refused_by_rule_of_two() -> Vec<Refused<Vec<String>>> {
    let (before, story) = (everybody(), two_admins());
    let mut waits = story.clone();
    waits.add(&waits.control(&[member("newcomer", Role::Admin)]), "recovery");
    let mut ended = story.clone();
    ended.add_by(&ended.control(&[one()]), &["deputy", "owner"]);
    let mut three = story.clone();
    three.add_by(&three.control(&[member("newcomer", Role::Admin)]), &["deputy", "owner"]);
    let by = |story: &Story, envelope: &Envelope, who: &[&str]| {
        let last = String::from_utf8(signed_by(envelope, who).note_bytes().to_vec()).unwrap();
        [story.notes.clone(), vec![last]].concat()
    };
    let alone = |lines: &[Control]| and(&story, &story.control(lines), "owner");
    let mut promoted = story.removal("clerk");
    promoted.controls.push(member("clerk", Role::Admin));
    promoted.sort_controls();
    let mut leaves_two = before.removal("deputy");
    leaves_two.controls.push(two());
    leaves_two.sort_controls();
    let mut recovered = waits.control(&[member("stranger", Role::Reader)]);
    recovered.time = after(&waits, RECOVERY_DELAY_SECONDS);
    let removal = story.removal("clerk");
    let [first, second] = {
        let mut admins = ["deputy", "owner"];
        admins.sort_by_key(|who| std::cmp::Reverse(key(who)));
        let text = removal.text().unwrap();
        admins.map(|who| signature_line(&key(who), &secret(who).sign(text.as_bytes()).to_bytes()))
    };
    let falls = [story.notes.clone(), vec![format!("{}\n{first}{second}", removal.text().unwrap())]].concat();
    vec![
        ("SignatureCount", "two_admins_begin_by_one", "one admin asks for two", {
            and(&before, &before.control(&[two()]), "owner")
        }),
        ("SignatureCount", "two_admins_end_by_one", "one of two admins ends the rule of two", alone(&[one()])),
        ("SignatureCount", "two_admins_remove_by_one", "one of two admins removes the other", {
            and(&story, &story.removal("deputy"), "owner")
        }),
        ("SignatureCount", "two_admins_member_by_one", "one of two admins lets somebody in", {
            alone(&[member("newcomer", Role::Reader)])
        }),
        ("SignatureCount", "two_admins_role_by_one", "one of two admins makes a reader an admin", {
            and(&story, &promoted, "owner")
        }),
        ("SignatureCount", "two_admins_epoch_by_one", "one of two admins begins an epoch", alone(&epoch(1))),
        (
            "SignatureCount",
            "two_admins_wrap_by_one",
            "one of two admins gives away an epoch",
            alone(&[wrap(0, "to a friend")]),
        ),
        ("SignatureCount", "two_admins_recovery_by_one", "one of two admins replaces the recovery key", {
            alone(&[Control::Recovery(Some(key("newcomer")))])
        }),
        ("SignatureCount", "two_admins_refuse_by_one", "one of two admins refuses who waits", {
            and(&waits, &waits.control(&[Control::Recovery(None)]), "owner")
        }),
        ("SignatureCount", "two_admins_move_by_one", "one of two admins moves the space", alone(&[moves()])),
        ("SignatureCount", "two_admins_recovered_by_himself", "whoever the recovery key let in acts alone", {
            and(&waits, &recovered, "newcomer")
        }),
        ("SignatureCount", "two_admins_three_sign", "three admins sign where two must", {
            by(&three, &three.removal("clerk"), &["deputy", "newcomer", "owner"])
        }),
        ("SignatureCount", "two_admins_both_say", "two admins say what one says", {
            by(&story, &story.say(), &["deputy", "owner"])
        }),
        ("SignatureCount", "two_admins_after_the_rule", "two sign when the rule of two has ended", {
            by(&ended, &ended.removal("clerk"), &["deputy", "owner"])
        }),
        ("RoleMayNot", "two_admins_with_reader", "a reader is the second", by(&story, &removal, &["clerk", "owner"])),
        ("SignerNotMember", "two_admins_with_stranger", "a stranger is the second", {
            by(&story, &removal, &["owner", "stranger"])
        }),
        ("SignerNotMember", "two_admins_with_recovery", "the recovery key is the second", {
            by(&story, &story.control(&[member("newcomer", Role::Admin)]), &["owner", "recovery"])
        }),
        ("TooEarly", "two_admins_with_waiting", "whoever waits is the second", {
            by(&waits, &waits.removal("clerk"), &["newcomer", "owner"])
        }),
        ("SignatureOrder", "two_admins_fall", "two admins in the falling order of their keys", falls),
        ("TooFewAdmins", "two_admins_one_leaves", "two admins sign that one of them leaves", {
            by(&story, &story.removal("deputy"), &["deputy", "owner"])
        }),
        ("TooFewAdmins", "two_admins_begin_with_one", "one of two admins leaves in the record that asks for two", {
            by(&before, &leaves_two, &["deputy", "owner"])
        }),
    ]
}

fn moves() -> Control {
    Control::Origin(Origin::parse("keeper.example.org/two").unwrap())
}

/// The notes of a story and one more record, by one signer, that need not stand.
fn and(story: &Story, envelope: &Envelope, who: &str) -> Vec<String> {
    let last = String::from_utf8(signed(envelope, who).note_bytes().to_vec()).unwrap();
    [story.notes.clone(), vec![last]].concat()
}

/// A space of four records with every role in it.
fn everybody() -> Story {
    let mut story = Story::begin(&[]);
    let people = [
        member("clerk", Role::Reader),
        member("machine", Role::Writer),
        member("partner", Role::ReaderWriter),
        member("deputy", Role::Admin),
    ];
    let mut people = story.control(&people);
    people.sort_controls();
    story.add(&people, "owner");
    story.add(&story.deposit("drawings"), "machine");
    story.add(&story.deposit("drawings"), "machine");
    story
}

fn refused_places() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let notes = &story.notes;
    let pick = |places: &[usize]| places.iter().map(|place| notes[*place].clone()).collect::<Vec<_>>();
    let (mut prev, mut other_space, mut other_keeper) = (story.say(), story.say(), story.say());
    prev.prev = Some(RecordId::of(notes[2].as_bytes()));
    other_space.space = space("another space");
    other_keeper.keeper = Origin::parse("keeper.example.org").unwrap();
    let mut moved = story.clone();
    moved.add(&moved.control(&[moves()]), "owner");
    let mut to_old = moved.say();
    to_old.keeper = story.chain.keeper().clone();
    let mut other_history = story.clone();
    other_history.add(&other_history.say(), "owner");
    let mut fork = story.clone();
    fork.add(&fork.deposit("drawings"), "machine");
    vec![
        ("NotGenesis", "begins_later", "the first record is record 1", pick(&[1])),
        ("Number", "record_missing", "record 2 is left out", pick(&[0, 1, 3])),
        ("Number", "record_doubled", "record 1 stands twice", pick(&[0, 1, 1])),
        ("Number", "records_swapped", "record 2 before record 1", pick(&[0, 2])),
        ("Number", "genesis_twice", "record 0 stands twice", pick(&[0, 0])),
        ("Prev", "prev_skips", "follows record 2 instead of record 3", and(&story, &prev, "owner")),
        ("Prev", "forked", "follows another record 4", and(&fork, &other_history.say(), "owner")),
        ("Space", "other_space", "a record of another space", and(&story, &other_space, "owner")),
        ("Keeper", "other_keeper", "a record for another keeper", and(&story, &other_keeper, "owner")),
        ("Keeper", "keeper_left", "a record for the keeper that the space left", and(&moved, &to_old, "owner")),
        ("NotText", "not_a_record", "the last note ends its lines with CR LF", {
            let last = text(&and(&story, &story.say(), "owner")[4]).replace("\nnumber", "\r\nnumber");
            [notes.clone(), vec![note(&last, &["owner"])]].concat()
        }),
    ]
}

fn refused_signers() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let say = story.say().text().unwrap();
    let last = |note: String| [story.notes.clone(), vec![note]].concat();
    let raw = |text: &str, line: String| last(format!("{text}\n{line}"));
    let sign = |who: &str, text: &str| secret(who).sign(text.as_bytes()).to_bytes();
    let mut past_order = sign("owner", &say);
    add_group_order(&mut past_order);
    let right = signature_line(&key("owner"), &sign("owner", &say));
    let blob = right.trim_end().rsplit_once(' ').unwrap().1;
    let mut other_id = STANDARD.decode(blob).unwrap();
    other_id[0] ^= 1;
    let other_id = right.replace(blob, &STANDARD.encode(other_id));
    let mut left = story.clone();
    left.add(&left.removal("deputy"), "owner");
    let genesis_text = genesis(&[]).text().unwrap();
    vec![
        ("SignerNotMember", "genesis_by_another", "record 0 is not signed by its founder", {
            vec![note(&genesis_text, &["stranger"])]
        }),
        ("SignerNotMember", "genesis_by_member", "record 0 is signed by a member that it adds", {
            vec![note(&genesis(&[member("deputy", Role::Admin)]).text().unwrap(), &["deputy"])]
        }),
        ("Signature", "genesis_changed", "the founder signed another slot key", {
            let signature = sign("owner", &genesis_text);
            let changed = changed(&genesis_text, line(&genesis_text, "slot "), &format!("slot {}\n", "7".repeat(64)));
            vec![format!("{changed}\n{}", signature_line(&key("owner"), &signature))]
        }),
        ("SignerNotMember", "signed_by_stranger", "a key that never was a member", last(note(&say, &["stranger"]))),
        ("SignerNotMember", "signed_by_recovery", "the recovery key is no member", last(note(&say, &["recovery"]))),
        ("SignerNotMember", "signed_after_removal", "a member after its removal", and(&left, &left.say(), "deputy")),
        ("SignerNotMember", "signed_by_newcomer", "a key that its own record adds", {
            and(&story, &story.control(&[member("newcomer", Role::Admin)]), "newcomer")
        }),
        ("SignatureCount", "two_signatures", "two members sign where one must", last(note(&say, &["owner", "deputy"]))),
        ("SignatureCount", "stranger_also_signs", "a stranger's signature beside the member's", {
            last(note(&say, &["owner", "stranger"]))
        }),
        ("KeyId", "key_id_of_another", "one bit of the key id is another", raw(&say, other_id)),
        ("Signature", "signature_by_another", "a stranger's signature under a member's name", {
            raw(&say, signature_line(&key("owner"), &sign("stranger", &say)))
        }),
        ("Signature", "signature_of_another_text", "a signature of the record before", {
            raw(&say, signature_line(&key("owner"), &sign("owner", &text(&story.notes[3]))))
        }),
        ("Signature", "signature_without_line_feed", "the last line feed is not signed", {
            raw(&say, signature_line(&key("owner"), &sign("owner", say.trim_end())))
        }),
        (
            "Signature",
            "signature_past_order",
            "S is not reduced",
            raw(&say, signature_line(&key("owner"), &past_order)),
        ),
        ("Signature", "signature_zero", "64 zero bytes", raw(&say, signature_line(&key("owner"), &[0; 64]))),
        ("Signature", "role_changed_after_signing", "a reader made admin after the signature", {
            let text = story.control(&[member("newcomer", Role::Reader)]).text().unwrap();
            let line = signature_line(&key("owner"), &sign("owner", &text));
            raw(&text.replace(" reader\n", " admin\n"), line)
        }),
    ]
}

/// S + L in place of S: the same equation holds, but the number is not canonical.
fn add_group_order(signature: &mut [u8; 64]) {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

fn refused_roles() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let newcomer = story.control(&[member("newcomer", Role::Reader)]);
    let grant = story.control(&[wrap(0, "wrap 0 again")]);
    let rotation = story.control(&epoch(1));
    let ends_recovery = story.control(&[Control::Recovery(None)]);
    let mut demoted = story.clone();
    let mut change = demoted.removal("deputy");
    change.controls.push(member("deputy", Role::Reader));
    change.sort_controls();
    demoted.add(&change, "owner");
    let deposit = |story: &Story, who| and(story, &story.deposit("drawings"), who);
    vec![
        ("RoleMayNot", "reader_deposits", "a reader deposits", deposit(&story, "clerk")),
        ("RoleMayNot", "reader_adds", "a reader adds a member", and(&story, &newcomer, "clerk")),
        ("RoleMayNot", "reader_rotates", "a reader begins an epoch", and(&story, &rotation, "clerk")),
        ("RoleMayNot", "writer_adds", "a writer adds a member", and(&story, &newcomer, "machine")),
        ("RoleMayNot", "writer_grants", "a writer grants an epoch", and(&story, &grant, "machine")),
        ("RoleMayNot", "writer_removes", "a writer removes an admin", and(&story, &story.removal("owner"), "machine")),
        ("RoleMayNot", "writer_moves", "a writer moves the space", and(&story, &story.control(&[moves()]), "partner")),
        (
            "RoleMayNot",
            "partner_ends_recovery",
            "reader+writer ends the recovery key",
            and(&story, &ends_recovery, "partner"),
        ),
        (
            "RoleMayNot",
            "member_removes_itself",
            "leaving is an admin's act",
            and(&story, &story.removal("clerk"), "clerk"),
        ),
        ("RoleMayNot", "demoted_adds", "an admin of before adds a member", {
            and(&demoted, &demoted.control(&[member("newcomer", Role::Reader)]), "deputy")
        }),
        ("RoleMayNot", "demoted_deposits", "an admin of before deposits as reader", deposit(&demoted, "deputy")),
    ]
}

fn refused_epochs() -> Vec<Refused<Vec<String>>> {
    let mut story = everybody();
    story.add(&story.control(&epoch(1)), "owner");
    let (mut old, mut ahead, mut old_control) =
        (story.deposit("drawings"), story.say(), story.control(&[Control::Recovery(None)]));
    old.epoch = 0;
    ahead.epoch = 2;
    old_control.epoch = 0;
    let again = story.control(&[wrap(1, "wrap 1")]);
    vec![
        ("Epoch", "epoch_old", "a deposit sealed to the epoch before", and(&story, &old, "machine")),
        ("Epoch", "epoch_ahead", "a body sealed to an epoch to come", and(&story, &ahead, "owner")),
        ("Epoch", "epoch_old_control", "a control record of the epoch before", and(&story, &old_control, "owner")),
        ("Epoch", "epoch_skipped", "epoch 3 follows epoch 1", and(&story, &story.control(&epoch(3)), "owner")),
        ("Epoch", "epoch_repeated", "epoch 1 begins twice", and(&story, &story.control(&epoch(1)), "owner")),
        ("Epoch", "epoch_returns", "epoch 0 begins again", and(&story, &story.control(&epoch(0)), "owner")),
        ("WrapTwice", "wrap_again", "a wrap that the epoch has", and(&story, &again, "owner")),
        ("WrapTwice", "wrap_again_among_others", "a wrap that an earlier epoch has, beside new ones", {
            and(&story, &story.control(&[wrap(0, "wrap 0"), wrap(0, "new"), wrap(1, "new")]), "owner")
        }),
    ]
}

fn refused_members() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let mut alone = Story::begin(&[]);
    alone.add(&alone.control(&[member("clerk", Role::Reader)]), "owner");
    let mut demoted = alone.removal("owner");
    demoted.controls.push(member("owner", Role::ReaderWriter));
    demoted.sort_controls();
    let mut left = story.clone();
    left.add(&left.removal("clerk"), "owner");
    let control = |control| story.control(&[control]);
    let mut named = story.clone();
    named.add(&named.control(&[member("newcomer", Role::Reader), session("newcomer")]), "owner");
    let comes = |session| {
        let lines = [member("stranger", Role::Reader), Control::Session { member: key("stranger"), session }];
        and(&named, &named.control(&lines), "owner")
    };
    let session_joins = Control::Member { key: session_key("newcomer"), role: Role::Reader };
    let session_recovers = Control::Recovery(Some(session_key("newcomer")));
    vec![
        ("SessionTaken", "session_of_present", "another present member's session key", comes(session_key("newcomer"))),
        ("SessionTaken", "session_is_member", "a present member's key as session key", comes(key("clerk"))),
        ("SessionTaken", "session_is_recovery", "the recovery key as session key", comes(key("recovery"))),
        ("SessionTaken", "session_signs_records", "a present session key comes as a member", {
            and(&named, &named.control(&[session_joins]), "owner")
        }),
        ("SessionTaken", "session_recovers", "a present session key becomes the recovery key", {
            and(&named, &named.control(&[session_recovers]), "owner")
        }),
        ("MemberTwice", "member_added_twice", "a present member is added", {
            and(&story, &control(member("clerk", Role::Reader)), "owner")
        }),
        ("MemberTwice", "role_changed_in_place", "a new role without leaving first", {
            and(&story, &control(member("clerk", Role::Admin)), "owner")
        }),
        ("MemberTwice", "founder_added", "the founder is added", {
            and(&alone, &alone.control(&[member("owner", Role::Admin)]), "owner")
        }),
        ("RemovedNotMember", "stranger_removed", "a key that never was a member is removed", {
            and(&story, &story.removal("stranger"), "owner")
        }),
        ("RemovedNotMember", "removed_twice", "a removed member is removed again", {
            and(&left, &left.removal("clerk"), "owner")
        }),
        ("TooFewAdmins", "last_admin_leaves", "the only admin leaves", and(&alone, &alone.removal("owner"), "owner")),
        ("TooFewAdmins", "last_admin_demoted", "the only admin takes another role", and(&alone, &demoted, "owner")),
        ("RecoveryIsMember", "recovery_added", "the recovery key comes as a member", {
            and(&story, &control(member("recovery", Role::Reader)), "owner")
        }),
        ("RecoveryIsMember", "member_recovers", "a member's key becomes the recovery key", {
            and(&story, &control(Control::Recovery(Some(key("clerk")))), "owner")
        }),
    ]
}

fn refused_series() -> Vec<Refused<Vec<String>>> {
    let mut story = everybody();
    story.add(&story.deposit("recipes"), "machine");
    let recipes = RecordId::of(story.notes[4].as_bytes());
    let first = RecordId::of(story.notes[2].as_bytes());
    let with = |what: &str, k: u64, prev: Option<RecordId>| {
        let mut envelope = story.deposit(what);
        let deposit = envelope.deposit.as_mut().unwrap();
        (deposit.k, deposit.prev) = (k, prev);
        deposit.objects.list = ObjectId::of(b"another list");
        and(&story, &envelope, "machine")
    };
    let last = story.chain.series()[&series("drawings")].record;
    vec![
        ("DepositNumber", "deposit_skipped", "deposit 4 follows deposit 2", with("drawings", 4, Some(last))),
        ("DepositNumber", "deposit_repeated", "deposit 2 stands twice", with("drawings", 2, Some(first))),
        ("DepositNumber", "deposit_begins_again", "deposit 1 of a series that has two", with("drawings", 1, None)),
        ("DepositNumber", "deposit_begins_later", "a new series begins with deposit 2", with("new", 2, Some(last))),
        ("DepositPrev", "deposit_prev_older", "deposit 3 names deposit 1", with("drawings", 3, Some(first))),
        (
            "DepositPrev",
            "deposit_prev_foreign",
            "names a deposit of another series",
            with("drawings", 3, Some(recipes)),
        ),
    ]
}
