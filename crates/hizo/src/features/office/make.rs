//! `hizo office make`

use hizo_vault::event::NAME_BYTES_MAX;
use hizo_vault::keys::OrganisationSeed;
use hizo_vault::organisation::Card;

use crate::Setting;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Kind, Outcome};
use crate::home::Home;
use crate::passphrase::work_factor;
use crate::safe;
use crate::words::words;
use crate::{home, office};

/// Make the key of an organisation in the home of its own safe, and the card by which others know it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the organisation is called
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it is called in Japanese, if that differs
    #[arg(long, value_name = "NAME")]
    name_ja: Option<String>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let home = setting.home()?;
    let (name, name_ja) = (arguments.name.clone(), arguments.name_ja.clone().unwrap_or_else(|| arguments.name.clone()));
    check(&home, &name, &name_ja)?;
    let card = make(&home, name, name_ja, &setting.read_passphrase()?)?;
    super::card::tell(setting, &card, None);
    setting.console.note(words!(
        "keep a copy of organisation.age and organisation.card elsewhere: whoever has both and the passphrase delegates for the organisation",
        "organisation.age と organisation.card の控えを別の場所に置いてください。この2つとパスフレーズがあれば、機関として委任できます"
    ));
    Ok(())
}

/// That an organisation can be called so, and that this safe is none's yet.
fn check(home: &Home, name: &str, name_ja: &str) -> Outcome<()> {
    if [name, name_ja].iter().any(|name| !(1..=NAME_BYTES_MAX).contains(&name.len())) {
        return Err(Failure::new(
            Kind::Usage,
            words!("a name has 1 to {NAME_BYTES_MAX} bytes", "名前は1~{NAME_BYTES_MAX}バイトです"),
        ));
    }
    if home.organisation_card_file().exists() {
        return Err(Failure::fixable(words!(
            "this safe is an organisation's already",
            "この金庫では、すでに機関の鍵が作られています"
        ))
        .hint(words!("`hizo office card` shows its card.", "`hizo office card` で機関カードを見られます。")));
    }
    Ok(())
}

/// Makes the organisation's key, sealed with the passphrase of the identity here, and its card.
pub(super) fn make(home: &Home, name: String, name_ja: String, passphrase: &str) -> Outcome<Card> {
    check(home, &name, &name_ja)?;
    let (key_file, card_file) = (home.organisation_key_file(), home.organisation_card_file());
    // Whoever opens the safe has the passphrase right, and will type it again to delegate.
    safe::open_identity(home, passphrase)?;
    // A key without its card may be the one by which others know the organisation: it is never drawn anew.
    let key = if key_file.exists() {
        office::open_seed(home, passphrase)?.signing_key()
    } else {
        let seed = OrganisationSeed::generate(&mut SystemEntropy);
        home::write_new(&key_file, seed.seal(passphrase, work_factor(), &mut SystemEntropy).as_bytes())?;
        seed.signing_key()
    };
    let card = Card { name, name_ja, key: key.verifying_key() };
    home::write_new(&card_file, &card.compose())?;
    Ok(card)
}
