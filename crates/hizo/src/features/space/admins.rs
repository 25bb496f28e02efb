//! `hizo space admins`

use hizo_ledger::record::{AdminRule, Control, Role};
use serde_json::json;

use super::entering::Admin;
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::membership::{Change, Made, Proposing};
use crate::safe::Safe;
use crate::words::{Words, words};

/// Say how many admins sign whatever changes the safe: its members, roles, keys, cards; with a number, change that
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many from now on; either way, two admins agree on it
    #[arg(value_enum)]
    needed: Option<Needed>,
    #[command(flatten)]
    proposing: Proposing,
}

/// How many admins sign a change.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Needed {
    /// Each admin by himself
    #[value(name = "1")]
    One,
    /// Two of them
    #[value(name = "2")]
    Two,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let Some(needed) = arguments.needed else {
        let (rule, admins) = (safe.chain.admin_rule(), count(&safe));
        setting.console.result(json!({ "needed": rule.admins(), "admins": admins }), |out| {
            writeln!(out, "{}", setting.console.say(line(rule)))
        });
        return Ok(());
    };
    let rule = match needed {
        Needed::One => AdminRule::One,
        Needed::Two => AdminRule::Two,
    };
    if safe.chain.admin_rule() == rule {
        return Err(Failure::fixable(words!("that is the rule already", "すでにその決まりです")));
    }
    let admin = Admin::of(setting, &safe)?;
    let mut change = Change::default();
    change.draft.controls = vec![Control::Admins(rule)];
    if rule == AdminRule::Two {
        warn(setting, &safe);
    }
    match admin.make(change, &mut safe, &arguments.proposing)? {
        Made::Stands(_) => Err(Failure::internal_message("a rule of admins stands by two signatures only")),
        Made::Proposed(proposed) => proposed.tell(setting),
    }
}

fn count(safe: &Safe) -> usize {
    safe.chain.members().filter(|(_, role)| *role == Role::Admin).count()
}

/// What people should know before they bind themselves.
fn warn(setting: &Setting, safe: &Safe) {
    if count(safe) == 2 {
        setting.console.warn(words!(
            "with two admins in all, neither can be removed against his will, and when one is gone nobody else changes anything: make a third one an admin",
            "管理者が全部で2人だと、どちらも本人の同意なしには外せず、1人がいなくなると誰も変更できません。3人目の管理者を決めてください"
        ));
    }
    if safe.chain.recovery().is_none() {
        setting.console.warn(words!(
            "this safe has no recovery cards: if fewer than two admins are left, its members can never be changed again",
            "この金庫には復旧カードがありません。管理者が2人に満たなくなると、メンバーを変えることは二度とできません"
        ));
    }
}

/// What the rule means.
pub(super) fn line(rule: AdminRule) -> Words {
    match rule {
        AdminRule::One => words!("each admin changes this safe by himself", "この金庫は、管理者1人で変更できます"),
        AdminRule::Two => {
            words!("two admins sign whatever changes this safe", "この金庫の変更には、管理者2人の署名が必要です")
        }
    }
}
