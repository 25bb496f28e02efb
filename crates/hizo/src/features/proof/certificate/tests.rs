use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::*;

const DAY: u64 = 86_400;
/// 2026-11-20 09:05:01 UTC.
const STAMPED: u64 = 1_795_165_501;

fn facts() -> Facts {
    let hash = |seed: u8| std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add((at as u8).wrapping_mul(7)));
    let file = |name: &str, bytes: u64, seed: u8| Entry {
        name: Some(name.into()),
        content: Some(Some(hash(seed))),
        meta: Some(Meta { kind: Kind::File { bytes }, modified_ns: (STAMPED - 40 * DAY) as i64 * 1_000_000_000 }),
    };
    Facts {
        record: RecordId::from_bytes(hash(1)),
        series: SeriesId::from_bytes([0x3f, 0xa0, 0x11, 0xc2, 0x9d, 0x44, 0x70, 0x08]),
        number: 7,
        deposits: 9,
        commitment: Commitment { sha256: hash(2), blake3: hash(3) },
        log: Log { origin: "keeper.example.jp/2026".into(), index: 48_211, size: 48_230, root: hash(4) },
        signers: vec![Signer {
            key: RecordId::from_bytes(hash(5)).to_string(),
            name: Some("設計課の保管用端末".into()),
        }],
        witnesses: vec!["witness.example.ac.jp".into(), "witness.example.org".into()],
        device_says: STAMPED - 50,
        keeper_says: Some(STAMPED - 49),
        at_the_latest: STAMPED,
        stamps: vec![
            Stamp {
                authority: "Example Time Stamping Authority 1".into(),
                time: STAMPED - 1,
                accuracy_ms: Some(1000),
                signer: ObjectId::of(b"first"),
                is_independent: true,
                token: "stamps/1.tsr".into(),
                chain: "stamps/1.pem".into(),
            },
            Stamp {
                authority: "認定タイムスタンプ局 第二".into(),
                time: STAMPED + 60,
                accuracy_ms: Some(500),
                signer: ObjectId::of(b"second"),
                is_independent: true,
                token: "stamps/2.tsr".into(),
                chain: "stamps/2.pem".into(),
            },
        ],
        strength: Strength::Committed,
        scope: Scope::Chosen { depth: 8 },
        entries: vec![
            file("金型/KX-204 レンズ枠/KX-204_cavity_revB.dxf", 9_437_184, 6),
            file("配合/R-17 低反り黒 recipe.csv", 18_204, 7),
            Entry { name: None, content: Some(Some(hash(8))), meta: None },
        ],
        refresh_before: STAMPED + 3650 * DAY,
    }
}

fn self_stamped() -> Facts {
    let mut facts = facts();
    facts.stamps = vec![Stamp {
        authority: "local.hizo".into(),
        is_independent: false,
        accuracy_ms: Some(1000),
        ..facts.stamps.swap_remove(0)
    }];
    facts.witnesses.clear();
    facts
}

fn hostile() -> Facts {
    let mut facts = facts();
    let long = format!("{}/{}.dxf", "金型".repeat(300), "w".repeat(400));
    let name = |name: &[u8]| Entry { name: Some(name.into()), content: Some(None), meta: None };
    facts.entries = vec![
        name("invoice\u{202e}fdp.exe".as_bytes()),
        name(b"line\nbreak\x1b[31m"),
        name(b"latin-\xe9.txt"),
        name("🔑 한글 \u{a0}x".as_bytes()),
        name("か\u{3099}んた\u{3099}む.txt".as_bytes()),
        name("がんだむ.txt".as_bytes()),
        name(long.as_bytes()),
    ];
    facts.signers[0].name = Some("Court\u{202e}\n\n保管".into());
    facts.log.origin = "a".repeat(3000);
    facts
}

fn many() -> Facts {
    let mut facts = facts();
    let entry = |number: u32| Entry {
        name: Some(format!("測定/{number:03}.csv").into()),
        content: Some(Some([number as u8; 32])),
        meta: Some(Meta { kind: Kind::File { bytes: u64::from(number) }, modified_ns: 0 }),
    };
    facts.entries = (0..500).map(entry).collect();
    facts.scope = Scope::Chosen { depth: 10 };
    facts
}

/// Both languages' pages as text, without the spaces and line ends by which it was laid out; nothing where the tool is not
/// installed.
fn text(facts: &Facts) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&certificate(facts).unwrap()).unwrap();
    match Command::new("pdftotext").arg("-raw").arg(file.path()).arg("-").output() {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(squeezed(&String::from_utf8(output.stdout).unwrap()))
        }
        Err(error) => {
            crate::say_aloud::say_aloud(&format!("the text of certificates: pdftotext does not run: {error}"));
            None
        }
    }
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

#[track_caller]
fn says(facts: &Facts, sentences: &[&str]) {
    let Some(text) = text(facts) else { return };
    for sentence in sentences {
        assert!(text.contains(&squeezed(sentence)), "{sentence:?} is missing from {text}");
    }
}

#[track_caller]
fn never_says(facts: &Facts, sentences: &[&str]) {
    let Some(text) = text(facts) else { return };
    for sentence in sentences {
        assert!(!text.contains(&squeezed(sentence)), "{sentence:?} is in {text}");
    }
}

#[test]
fn the_verdict_is_held_unchanged_since_at_the_latest() {
    says(
        &facts(),
        &[
            "保管証明書",
            "Certificate of safekeeping",
            "下に示すものは、遅くとも 2026年11月20日 18:05:01（日本時間）には保持され、以後変わっていません",
            "What is shown below has been held, unchanged, since at the latest 20 November 2026, 09:05:01 UTC",
            "この時刻は、時刻認証局の証明によります（異なる証明書2通による時刻証明2件を添付）",
            "2 time stamps under 2 different certificates of authorities are included. That these are independent of the keeper is the word of whoever made this paper.",
            "2036年11月17日より前に、確認または更新してください",
            "Verify or refresh before 17 November 2036",
        ],
    );
    never_says(&facts(), &["自己発行", "self-stamped", "第三者", "owned", "所有", "belongs", "保管されています"]);
    // Two stamps under one certificate are one authority's.
    let mut one = facts();
    one.stamps[1].signer = one.stamps[0].signer;
    says(&one, &["時刻認証局1局の証明によります", "One time-stamping authority vouches for this time."]);
}

#[test]
fn what_it_must_always_say_stands_in_both_languages() {
    says(
        &facts(),
        &[
            "3fa011c29d447008 の第7回（ログの大きさ 48,230 の時点で、この束は全9回）",
            "3fa011c29d447008: deposit 7 of 9 in this series as of log size 48,230",
            "最大255件（2^8−1）の中の3件を示します。全部で何件あるか、同じ名前がほかにないかは示しません。",
            "What is shown is 3 of up to 255 (2^8−1) entries. How many there are is not shown, nor that each name is there only once.",
            "ほかの預け入れ、ほかの束・スペース・アカウントについては、何も示しません。",
            "Nothing is said about other deposits, or about other series, spaces or accounts.",
            "誰のものか、誰が作ったかは示しません。",
            "Not who owns it, nor who made it.",
            "秘密であったこと、秘密として管理されていたことは示しません。",
            "Not that it was secret, nor that it was managed as a secret.",
            "署名した鍵",
            "Signed by",
            "設計課の保管用端末",
            &facts().signers[0].key,
            "預けた機械の申告",
            "Device says 20 November 2026, 09:04:11 UTC",
            "預かる側の申告",
            "Keeper says 20 November 2026, 09:04:12 UTC",
            "Since at the latest 20 November 2026, 09:05:01 UTC",
            "Example Time Stamping Authority 1: 2026-11-20T09:05:00Z ±1 s; independent",
            "認定タイムスタンプ局 第二: 2026-11-20T09:06:01Z ±0.500秒、独立",
            "keeper.example.jp/2026 の番号 48,211（ログの大きさ 48,230）",
            "keeper.example.jp/2026: index 48,211 in the log of size 48,230",
            &facts().record.to_string(),
            "確約（committed）",
            "Committed",
            "hizo verify DIR",
            "sha256sum record.note",
            "openssl ts -verify -data checkpoint -in stamps/1.tsr -CAfile ROOT.pem \\ -untrusted stamps/1.pem -attime 1795165500",
        ],
    );
}

#[test]
fn what_is_not_shown_is_said_to_be_so() {
    let mut facts = facts();
    facts.entries.push(Entry { name: Some(b"a".into()), content: None, meta: None });
    facts.entries.push(Entry {
        name: Some(b"b".into()),
        content: Some(None),
        meta: Some(Meta { kind: Kind::Folder, modified_ns: -1 }),
    });
    let meta = |kind| Entry { name: None, content: None, meta: Some(Meta { kind, modified_ns: 0 }) };
    facts.entries.extend([meta(Kind::HardLink { bytes: 1000 }), meta(Kind::Symlink)]);
    says(
        &facts,
        &[
            "further name, 1,000 bytes",
            "別名 1,000 バイト",
            "リンク",
            "9,437,184 バイト",
            "9,437,184 bytes",
            "名前は示しません",
            "name not shown",
            "大きさは示しません",
            "size not shown",
            "中身は示しません",
            "content not shown",
            "フォルダー",
            "folder",
            "device says: changed 31 December 1969, 23:59:59 UTC",
        ],
    );
}

#[test]
fn a_self_stamped_time_is_never_taken_for_a_third_partys() {
    says(
        &self_stamped(),
        &[
            "預かる側の時計によれば、下に示すものは、遅くとも",
            "自己発行の時刻・第三者の証明ではありません。",
            "By the keeper's own clock, what is shown below has been held, unchanged, since at the latest",
            "Self-stamped, not independent: no third party vouches for this time.",
            "local.hizo: 2026-11-20T09:05:00Z ±1秒、自己発行の時刻・第三者の証明ではありません",
            "local.hizo: 2026-11-20T09:05:00Z ±1 s; self-stamped, not independent",
            "consistent, time not independent",
            "Whether the keeper shows others another history is visible only when two members compare heads.",
            "二人が記録の先頭を見比べるまで分かりません",
        ],
    );
    never_says(&self_stamped(), &["時刻認証局", "independent of the keeper"]);
}

#[test]
fn beside_an_independent_time_the_keepers_own_stays_marked_and_proves_nothing() {
    let mut facts = facts();
    facts.stamps.push(self_stamped().stamps.swap_remove(0));
    facts.stamps[2].token = "stamps/self.tsr".into();
    says(&facts, &["時刻証明2件を添付", "local.hizo: 2026-11-20T09:05:00Z ±1 s; self-stamped, not independent"]);
    never_says(&facts, &["By the keeper's own clock", "stamps/self.tsr"]);
}

#[test]
fn the_strength_and_completeness_are_those_of_the_proof() {
    let mut facts = facts();
    facts.strength = Strength::Kept;
    facts.scope = Scope::Complete;
    says(&facts, &["保管（kept）", "封のままの本体とその鍵", "the sealed bytes that were kept, with the key to them"]);
    says(&facts, &["ちょうど3件です", "exactly 3 entries. That each name is there only once is not shown"]);
    facts.entries.pop();
    says(
        &facts,
        &[
            "ちょうど2件で、バイト列が同じ名前はありません",
            "exactly 2 entries, no two names of which have the same bytes",
        ],
    );
    never_says(&facts, &["up to", "最大"]);
}

#[test]
fn names_play_no_tricks_and_are_shown_whole() {
    let facts = hostile();
    says(
        &facts,
        &[
            r"invoice\u{202e}fdp.exe",
            r"line\u{a}break\u{1b}[31m",
            r"latin-\xe9.txt",
            r"\u{1f511} \u{d55c}\u{ae00} \u{a0}x",
            r"か\u{3099}んた\u{3099}む.txt",
            "がんだむ.txt",
            r"Court\u{202e}\u{a}\u{a}保管",
        ],
    );
    let Some(text) = text(&facts) else { return };
    assert!(!text.contains(['\u{202e}', '\u{1b}']));
    // Long ones are cut into lines by pages too, between which heads and feet stand.
    assert!(text.matches('w').count() >= 800 && text.matches("金型").count() >= 600);
}

#[test]
fn many_entries_go_to_an_annex_and_every_page_is_numbered() {
    let facts = many();
    let bytes = certificate(&facts).unwrap();
    assert!(bytes.len() < 300_000, "{}", bytes.len());
    let Some(text) = text(&facts) else { return };
    let pages = text.matches(&squeezed(&format!("記録ID {}", facts.record))).count()
        + text.matches(&squeezed(&format!("Record id {}", facts.record))).count()
        // Beside the feet, each part's table of the record says it once.
        - 2;
    for page in 1..=pages {
        assert!(text.contains(&format!("{}{page}/{pages}", facts.record)), "page {page} of {pages}");
    }
    for number in 0..500 {
        assert_eq!(text.matches(&format!("測定/{number:03}.csv")).count(), 2, "{number}");
    }
    assert!(text.contains("別紙示すもの") && text.contains("Annex:whatisshown"));
}

#[test]
fn the_same_facts_make_the_same_bytes_and_other_facts_do_not() {
    let bytes = certificate(&facts()).unwrap();
    assert_eq!(bytes, certificate(&facts()).unwrap());
    assert!(bytes.len() < 150_000, "{}", bytes.len());
    let mut other = facts();
    other.log.size += 1;
    assert_ne!(bytes, certificate(&other).unwrap());
    for dated in [&b"CreationDate"[..], b"ModDate"] {
        assert!(!bytes.windows(dated.len()).any(|window| window == dated));
    }
}

#[test]
fn without_a_stamp_there_is_no_certificate() {
    let failure = certificate(&Facts { stamps: Vec::new(), ..facts() }).unwrap_err();
    assert_eq!(failure.message, "there is no certificate yet: nothing has stamped this deposit");
}

#[test]
fn an_accuracy_that_is_not_stated_is_not_said_to_be_none() {
    let mut facts = facts();
    facts.stamps[0].accuracy_ms = None;
    says(
        &facts,
        &["2026-11-20T09:05:00Z (accuracy not stated); independent", "2026-11-20T09:05:00Z （誤差の記載なし）、独立"],
    );
    never_says(&facts, &["±0 s", "±0秒"]);
}

#[test]
fn times_that_nobody_can_mean_are_shown_as_they_are_claimed() {
    let facts = Facts { device_says: u64::MAX, keeper_says: None, ..facts() };
    says(
        &facts,
        &["18446744073709551615 seconds after 1970", "no receipt in this proof", "この証明に受領書はありません"],
    );
}

#[test]
fn the_font_has_every_character_of_our_sentences() {
    let typeface = Typeface::new().unwrap();
    for source in [include_str!("wording.rs"), include_str!("parts.rs")] {
        for line in source.lines().filter(|line| line.contains('"')) {
            assert!(typeface.has(line.trim()), "{line}");
        }
    }
}

#[test]
fn lines_are_no_wider_than_they_may_be_and_lose_nothing() {
    let typeface = Typeface::new().unwrap();
    let check = |text: &str, width: f32, expected: &[&str]| {
        let lines = typeface.lines(text, 10.0, width);
        assert_eq!(lines, expected);
        assert!(lines.iter().all(|line| typeface.width(line, 10.0) <= width), "{lines:?}");
    };
    check("held, unchanged", 70.0, &["held,", "unchanged"]);
    check("変更なく保管。", 60.0, &["変更なく保", "管。"]);
    check("（日本）", 25.0, &["（日", "本）"]);
    check("iiiiWWWW", 20.0, &["iiii", "WW", "WW"]);
    check("one\ntwo", 100.0, &["one", "two"]);
    check("", 100.0, &[""]);
}

#[test]
#[ignore = "writes certificates to target/look, for people to look at"]
fn look() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/look");
    std::fs::create_dir_all(&folder).unwrap();
    let all = [("independent", facts()), ("self-stamped", self_stamped()), ("hostile", hostile()), ("many", many())];
    for (name, facts) in all {
        std::fs::write(folder.join(format!("{name}.pdf")), certificate(&facts).unwrap()).unwrap();
    }
}
