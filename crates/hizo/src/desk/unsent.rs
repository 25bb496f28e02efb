//! Forms that came after the desk had been locked: kept in memory, sealed to whoever had unlocked it, and given back to him once he has
//! unlocked it again. Each is done when he sends it, and not before.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use hizo_vault::age::{self, Recipient};
use zeroize::Zeroizing;

use super::session::Unlocked;
use super::{Frame, Reply, Visit};
use crate::entropy::SystemEntropy;
use crate::failure::{Outcome, shown_bytes};

/// Fields that a person types in, with what each is called. A form without any of them is pressed again.
const TYPED: [(&str, &str); 23] = [
    ("text", "unsent-text"),
    ("teller", "case-teller"),
    ("happened", "case-happened"),
    ("title", "wrong-call"),
    ("what", "thing-what"),
    ("holder", "thing-holder"),
    ("place", "thing-place"),
    ("witness", "thing-witness"),
    ("asks", "sides-asks"),
    ("against", "sides-against"),
    ("receiver_name", "consent-receiver-name"),
    ("purpose", "consent-purpose"),
    ("sought", "consent-sought"),
    ("company", "consent-company"),
    ("called_back", "attest-called"),
    ("reference", "paper-number"),
    ("seen", "finding-seen"),
    ("damage", "finding-damage"),
    ("cause", "finding-cause"),
    ("advice", "finding-advice"),
    ("until", "consent-until"),
    ("name", "name"),
    ("note", "unsent-note"),
];

/// Fields that are not kept: secrets are typed again, and the others are those of the page on which it is given back.
const LEFT_OUT: [&str; 4] = ["passphrase", "again", "csrf", "once"];

/// What comes with it when it is sent again.
pub(super) const AGAIN: &str = "unsent";

/// So many forms of a browser are kept, and so many bytes of them all; of more, the oldest goes.
const FORMS_MAX: usize = 8;
const BYTES_MAX: usize = 256 << 10;

type Form = Vec<(String, Zeroizing<String>)>;

/// What of one browser was not sent.
#[derive(Default)]
pub(super) struct Forms {
    kept: VecDeque<Unsent>,
    /// How many there were: by their numbers they are let go.
    count: u64,
}

impl Forms {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Keeps one more. What was written for the same act on the same page goes: he has written it anew.
    pub(super) fn keep(&mut self, unsent: Unsent) {
        self.kept.retain(|kept| (&kept.folder, &kept.path, &kept.act) != (&unsent.folder, &unsent.path, &unsent.act));
        self.count = self.count.wrapping_add(1);
        self.kept.push_back(Unsent { number: self.count, ..unsent });
        let bytes = |kept: &VecDeque<Unsent>| kept.iter().map(Unsent::bytes).sum::<usize>();
        while self.kept.len() > FORMS_MAX || bytes(&self.kept) > BYTES_MAX {
            self.kept.pop_front();
        }
    }

    /// Lets go what is of somebody else, or was meant in another safe.
    pub(super) fn keep_of(&mut self, unlocked: &Unlocked) {
        self.kept.retain(|unsent| unsent.open(unlocked).is_some());
    }

    /// Lets go one of them.
    pub(super) fn forget(&mut self, number: &str) {
        self.kept.retain(|unsent| unsent.number.to_string() != number);
    }
}

/// Such a form.
pub(super) struct Unsent {
    number: u64,
    /// The safe in which it was meant: whoever unlocks another one of his does not send it there.
    folder: PathBuf,
    path: String,
    /// Which form of its page it is.
    act: String,
    sealed: Vec<u8>,
}

impl Unsent {
    /// Nothing where nobody typed anything.
    pub(super) fn of(
        folder: PathBuf,
        path: &str,
        form: &[(String, Zeroizing<String>)],
        person: &Recipient,
    ) -> Option<Self> {
        let kept = || form.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()) && name != AGAIN);
        let is_typed = |(name, value): &(String, Zeroizing<String>)| {
            !value.trim().is_empty() && TYPED.iter().any(|(typed, _)| typed == name)
        };
        kept().any(is_typed).then_some(())?;
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(kept().map(|(name, value)| (name, value.as_str())));
        let text = Zeroizing::new(text.finish());
        let sealed = age::seal(text.as_bytes(), std::slice::from_ref(person), &mut SystemEntropy).ok()?;
        let act = kept().find(|(name, _)| name == "act").map_or_else(String::new, |(_, value)| value.to_string());
        Some(Self { number: 0, folder, path: path.to_owned(), act, sealed })
    }

    fn bytes(&self) -> usize {
        self.path.len() + self.act.len() + self.sealed.len()
    }

    /// Nothing for anybody else, nor in another safe.
    fn open(&self, unlocked: &Unlocked) -> Option<Form> {
        if unlocked.folder != self.folder {
            return None;
        }
        let text = Zeroizing::new(age::open_own(self.sealed.clone(), &unlocked.identity.identity).ok()?);
        let fields = form_urlencoded::parse(&text);
        Some(fields.map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned()))).collect())
    }
}

/// One of them, as he sees it.
struct Written {
    number: u64,
    /// Where it goes, and where it was written.
    path: String,
    fields: Form,
    typed: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "unsent.html")]
struct UnsentPage<'v> {
    f: Frame<'v>,
    /// The last one first.
    all: Vec<Written>,
}

/// What he had written.
pub(super) fn page(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let opened = |unsent: &Unsent| Some((unsent.number, unsent.path.clone(), unsent.open(unlocked)?));
    let opened: Vec<_> = visit.session.unsent(|forms| forms.kept.iter().rev().filter_map(opened).collect());
    if opened.is_empty() {
        return Ok(visit.go("/safe"));
    }
    let all = opened.into_iter().map(|(number, path, fields)| written(visit, number, path, fields)).collect();
    visit.page(&UnsentPage { f: visit.frame(visit.text().say("unsent-title"), ""), all })
}

fn written(visit: &Visit, number: u64, path: String, mut fields: Form) -> Written {
    // Whoever signs sees before what he signs.
    let signs = |(name, value): &&mut (String, Zeroizing<String>)| name == "act" && value.as_str() == "sign";
    fields.iter_mut().filter(signs).for_each(|(_, value)| *value = Zeroizing::new("preview".into()));
    let value = |field: &str| fields.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value.trim());
    let t = visit.text();
    let lines = |text: &str| text.lines().map(|line| shown_bytes(line.as_bytes())).collect::<Vec<_>>().join("\n");
    let typed = TYPED.iter().filter(|(field, _)| !value(field).is_empty());
    let typed = typed.map(|(field, id)| (t.say(id), lines(value(field)))).collect();
    Written { number, path, fields, typed }
}

/// He lets one of them go.
pub(super) fn forget(visit: &Visit, _unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    visit.session.forget_unsent(visit.field("which"));
    Ok(visit.go(if visit.session.has_unsent() { "/unsent" } else { "/safe" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    use hizo_vault::age::Identity;

    #[test]
    fn a_few_forms_are_kept_one_of_each_act_and_page_and_the_oldest_go() {
        let person = Identity::generate(&mut SystemEntropy);
        let form = |path: &str, act: &str, text: &str| {
            let field = |name: &str, value: &str| (name.to_owned(), Zeroizing::new(value.to_owned()));
            let form = [field("act", act), field("text", text)];
            Unsent::of(PathBuf::from("home"), path, &form, person.recipient()).unwrap()
        };
        let mut forms = Forms::default();
        let kept = |forms: &Forms| forms.kept.iter().map(|it| (it.path.clone(), it.act.clone())).collect::<Vec<_>>();
        for (path, act) in [("/a", "tell"), ("/a", "task"), ("/b", ""), ("/a", "tell")] {
            forms.keep(form(path, act, "written"));
        }
        let told = |path: &str, act: &str| (path.to_owned(), act.to_owned());
        assert_eq!(kept(&forms), [told("/a", "task"), told("/b", ""), told("/a", "tell")]);
        forms.forget("2");
        assert_eq!(kept(&forms), [told("/b", ""), told("/a", "tell")]);
        for page in 0..FORMS_MAX {
            forms.keep(form(&format!("/{page}"), "", "written"));
        }
        assert_eq!(kept(&forms).len(), FORMS_MAX);
        assert_eq!(kept(&forms)[0], told("/0", ""), "the oldest are gone");
        let long = "x".repeat(BYTES_MAX / 2);
        forms.keep(form("/long", "", &long));
        forms.keep(form("/longer", "", &long));
        assert_eq!(kept(&forms), [told("/longer", "")], "together they are too many bytes");
    }
}
