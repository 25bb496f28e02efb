//! A form that came after the desk had been locked: kept in memory, sealed to whoever had unlocked it, and given back to him once he has
//! unlocked it again. It is done when he sends it, and not before.

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

type Form = Vec<(String, Zeroizing<String>)>;

/// Such a form.
pub(super) struct Unsent {
    /// The safe in which it was meant: whoever unlocks another one of his does not send it there.
    folder: PathBuf,
    path: String,
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
        Some(Self { folder, path: path.to_owned(), sealed })
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

#[derive(Template)]
#[template(path = "unsent.html")]
struct UnsentPage<'v> {
    f: Frame<'v>,
    /// Where it goes, and where it was written.
    path: String,
    fields: Form,
    typed: Vec<(String, String)>,
}

/// What he had written.
pub(super) fn page(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let opened = visit.session.unsent(|unsent| Some((unsent.path.clone(), unsent.open(unlocked)?)));
    let Some((path, mut fields)) = opened.flatten() else {
        visit.session.forget_unsent();
        return Ok(visit.go("/safe"));
    };
    // Whoever signs sees before what he signs.
    let signs = |(name, value): &&mut (String, Zeroizing<String>)| name == "act" && value.as_str() == "sign";
    fields.iter_mut().filter(signs).for_each(|(_, value)| *value = Zeroizing::new("preview".into()));
    let value = |field: &str| fields.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value.trim());
    let t = visit.text();
    let lines = |text: &str| text.lines().map(|line| shown_bytes(line.as_bytes())).collect::<Vec<_>>().join("\n");
    let typed = TYPED.iter().filter(|(field, _)| !value(field).is_empty());
    let typed = typed.map(|(field, id)| (t.say(id), lines(value(field)))).collect();
    visit.page(&UnsentPage { f: visit.frame(t.say("unsent-title"), ""), path, fields, typed })
}

/// He lets it go.
pub(super) fn forget(visit: &Visit, _unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    visit.session.forget_unsent();
    Ok(visit.go("/safe"))
}
