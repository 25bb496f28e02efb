//! The sample directory: made up, of the shape that the real one has, out of the list of prefectures.
//!
//! Its keys come from seeds that everybody can compute. That is as well: by a sample nothing is sealed.

use hizo_ledger::directory::{Directory, Entry, Kind, Purpose};
use hizo_ledger::record::Origin;
use hizo_vault::keys::{OrganisationSeed, PublisherSeed};
use sha2::{Digest as _, Sha256};

use super::publish;
use crate::failure::{Failure, Outcome};

const PREFECTURES: &str = include_str!("../../../../../assets/directory/prefectures.txt");

/// Names that nobody may ever have (RFC 2606).
const KEEPER: &str = "sample.example/keeper";
const ADDRESS: &str = "https://sample.example/";

/// A prefecture, by its number in the order of all.
pub(super) struct Prefecture {
    pub name: &'static str,
    pub name_ja: &'static str,
    centres: usize,
}

impl Prefecture {
    pub(super) fn all() -> Vec<Self> {
        let lines = PREFECTURES.lines().filter(|line| !line.starts_with('#'));
        let prefecture = |line: &'static str| {
            let mut parts = line.split('\t');
            Some(Self { name: parts.next()?, name_ja: parts.next()?, centres: parts.next()?.parse().ok()? })
        };
        lines.filter_map(prefecture).collect()
    }

    /// Whether an organisation says by its name that it is there.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        entry.name_ja.contains(self.name_ja)
    }
}

/// The sample, signed anew each time it is looked at, so that it is never over.
pub(super) fn directory() -> Outcome<Directory> {
    let key = PublisherSeed::from_bytes(&seed("publisher")).signing_key();
    let note = publish::compose(&key, None, Purpose::Sample, entries()?)?;
    Directory::verify(note.as_bytes()).map_err(Failure::internal)
}

/// Everybody who stands in it.
pub(super) fn entries() -> Outcome<Vec<Entry>> {
    let mut entries = vec![
        entry(Kind::Office, "Patent office, specialists (sample)", "特許の役所・専門官の窓口（見本）")?,
        entry(
            Kind::Rescue,
            "IT agency, rescue team of about 20 (sample)",
            "情報処理の機関・サイバーレスキュー隊 約20名（見本）",
        )?,
        entry(Kind::Police, "National police (sample)", "全国の警察（見本）")?,
    ];
    for Prefecture { name, name_ja, centres } in Prefecture::all() {
        for number in 1..=centres {
            let (english, japanese) = match centres {
                1 => (format!("{name} centre (sample)"), format!("{name_ja}の窓口（見本）")),
                _ => (format!("{name} centre {number} (sample)"), format!("{name_ja}の窓口 その{number}（見本）")),
            };
            entries.push(entry(Kind::Centre, &english, &japanese)?);
        }
        for (desk, desk_ja) in [("trade secrets", "営業秘密"), ("economic security", "経済安全保障")] {
            let (english, japanese) =
                (format!("{name} police, {desk} (sample)"), format!("{name_ja}の警察・{desk_ja}の窓口（見本）"));
            entries.push(entry(Kind::Police, &english, &japanese)?);
        }
    }
    entries.sort_by_key(|entry| entry.key);
    Ok(entries)
}

fn entry(kind: Kind, name: &str, name_ja: &str) -> Outcome<Entry> {
    Ok(Entry {
        kind,
        key: OrganisationSeed::from_bytes(&seed(name)).signing_key().verifying_key(),
        keeper: Origin::parse(KEEPER).map_err(Failure::internal)?,
        address: ADDRESS.to_owned(),
        name: name.to_owned(),
        name_ja: name_ja.to_owned(),
    })
}

fn seed(of: &str) -> [u8; 32] {
    Sha256::digest(format!("hizo sample directory: {of}")).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_sample_has_the_shape_of_the_real_one_and_says_that_it_is_none() {
        let directory = directory().unwrap();
        assert_eq!((directory.purpose, directory.serial), (Purpose::Sample, 1));
        let all = &directory.entries;
        let count = |is: &dyn Fn(&Entry) -> bool| all.iter().filter(|entry| is(entry)).count();
        let prefectures = Prefecture::all();
        assert_eq!(prefectures.len(), 47);
        assert_eq!(count(&|entry| entry.kind == Kind::Centre), 57);
        assert_eq!(count(&|entry| entry.kind == Kind::Office), 1);
        assert_eq!(count(&|entry| entry.kind == Kind::Rescue), 1);
        let is_local = |entry: &Entry| prefectures.iter().filter(|one| one.has(entry)).count();
        assert_eq!(count(&|entry| entry.kind == Kind::Police && is_local(entry) == 0), 1);
        assert_eq!(count(&|entry| entry.kind == Kind::Police && entry.name_ja.contains("営業秘密")), 47);
        assert_eq!(count(&|entry| entry.kind == Kind::Police && entry.name_ja.contains("経済安全保障")), 47);
        assert_eq!(all.len(), 57 + 1 + 1 + 1 + 2 * 47);
        for prefecture in &prefectures {
            let here = |kind| count(&|entry: &Entry| entry.kind == kind && prefecture.has(entry));
            assert_eq!((here(Kind::Centre), here(Kind::Police)), (prefecture.centres, 2), "{}", prefecture.name);
        }
        // No organisation is in two prefectures: the names of some stand in those of others.
        assert!(all.iter().all(|entry| is_local(entry) <= 1));
        assert!(all.iter().all(|entry| entry.name.ends_with("(sample)") && entry.name_ja.ends_with("（見本）")));
        assert!(all.iter().all(|entry| entry.address == ADDRESS && entry.keeper.as_str() == KEEPER));
        let names: BTreeSet<_> = all.iter().flat_map(|entry| [&entry.name, &entry.name_ja]).collect();
        assert_eq!(names.len(), 2 * all.len());
    }
}
