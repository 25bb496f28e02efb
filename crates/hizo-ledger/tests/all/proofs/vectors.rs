//! The vectors of docs/spec/proof.md. `cargo test -p hizo-ledger -- --ignored write_the_bundles` writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use base64::Engine as _;
use hizo_ledger::commitment::{Fields, Meta, MetaKind};
use hizo_ledger::id::ObjectId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{Brought, Bundle, Disclosure, GivenFile, KEYS_MAX, Opened, Report, Verdict};
use hizo_ledger::record::Envelope;
use hizo_ledger::timestamp::{
    Accuracy, Authority, Moment, SELF_STAMP_POLICY, certificates_from_pem, certificates_to_pem, revocation_lists_to_pem,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::world::{
    self, DRAWING, Entry, Files, KEEPER, Renewed, Stamp, World, entries, info, log_key, own_stamps, show, show_all,
};
use crate::kit;
use crate::stamps::forge::{self, Certificate, Forge, list_by, revoked, signed_list};

/// The bundle that all others are told as changes of: what is not in their folder is as in this one.
const BASE: &str = "file";

/// The verifier's own files, beside the bundles.
pub(super) fn brought_files() -> &'static BTreeMap<&'static str, Vec<u8>> {
    static FILES: LazyLock<BTreeMap<&'static str, Vec<u8>>> = LazyLock::new(make_brought_files);
    &FILES
}

fn make_brought_files() -> BTreeMap<&'static str, Vec<u8>> {
    let pem = |certificate: Certificate| certificates_to_pem(&[certificate.to_der()]).into_bytes();
    BTreeMap::from([
        ("policy", world::policy().into_bytes()),
        ("policy-two-logs", format!("{}log {}\n", world::policy(), log_key("other.example/log", "other log")).into()),
        ("policy-other-log", format!("log {}\nquorum none\n", log_key("other.example/log", "other log")).into()),
        ("policy-other-key", format!("log {}\nquorum none\n", log_key(KEEPER, "other log")).into()),
        ("roots.pem", pem(Certificate::root())),
        ("own-root.pem", pem(forge::other_root())),
        ("receipt-key", world::receipt_key().to_string().into()),
        ("KX-204.dxf", DRAWING.to_vec()),
        ("KX-205.dxf", b"outline, layer 8\n".to_vec()),
    ])
}

/// A bundle, what the verifier brings, and what must come of it.
pub(super) struct Case {
    accepted: bool,
    name: &'static str,
    about: &'static str,
    pub(super) files: Files,
    policy: Option<&'static str>,
    roots: Option<&'static str>,
    receipt_key: bool,
    given: Vec<&'static str>,
    /// The step that fails, or the doubts.
    expected: Expected,
    /// Whether a program without BLAKE3 and ML-DSA can tell.
    stock: bool,
}

#[derive(Clone, PartialEq, Debug)]
enum Expected {
    Holds,
    Fails(&'static str),
    Unknown(&'static [&'static str]),
}

impl Case {
    fn new(name: &'static str, about: &'static str, files: Files, expected: Expected) -> Self {
        Self {
            accepted: expected == Expected::Holds,
            name,
            about,
            files,
            policy: Some("policy"),
            roots: Some("roots.pem"),
            receipt_key: false,
            given: Vec::new(),
            expected,
            stock: true,
        }
    }

    fn folder(&self) -> String {
        format!("{}/{}", if self.accepted { "accepted" } else { "refused" }, self.name)
    }

    fn said(&self) -> Value {
        let mut said = json!({
            "bundle": self.folder(), "about": self.about, "policy": self.policy, "roots": self.roots,
            "receipt_key": self.receipt_key.then_some("receipt-key"), "files": self.given, "stock": self.stock,
        });
        let base = World::usual().files();
        said["without"] = base.keys().filter(|name| !self.files.contains_key(*name)).cloned().collect();
        let report = self.report();
        match &report.verdict {
            Verdict::Holds { since, before } => {
                said["exit"] = 0.into();
                said["since"] = since.to_string().into();
                said["before"] = before.to_string().into();
            }
            Verdict::CannotBeTold(doubts) => {
                said["exit"] = 4.into();
                said["doubts"] = doubts.iter().map(|doubt| doubt.word()).collect();
            }
            Verdict::DoesNotHold(fault) => {
                said["exit"] = 3.into();
                said["step"] = fault.step().word().into();
                said["fault"] = fault.to_string().into();
            }
        }
        let names = report.shown.iter().map(|shown| shown.name.as_ref().map(hex::encode));
        said["shown"] = names.collect();
        said
    }

    pub(super) fn report(&self) -> Report {
        verify(&self.files, self.policy, self.roots, self.receipt_key, &self.given)
    }
}

/// What the library says of a bundle.
pub(super) fn verify(
    files: &Files,
    policy: Option<&str>,
    roots: Option<&str>,
    receipt_key: bool,
    given: &[&str],
) -> Report {
    let brought = brought_files();
    let text = |name: &str| String::from_utf8(brought[name].clone()).unwrap();
    let policy = policy.map(|name| Policy::parse(&brought[name]).unwrap());
    let authorities = roots.map(|name| Authority::new("test", &certificates_from_pem(&text(name)).unwrap()).unwrap());
    let receipt_key = receipt_key.then(|| NamedKey::parse(&text("receipt-key")).unwrap());
    let bundle = Bundle::new(files.clone()).unwrap();
    let opened = bundle.open();
    let files: Vec<_> = given.iter().map(|name| given_file(&opened, &brought[name])).collect();
    opened.verify(&Brought {
        policy: policy.as_ref(),
        authorities: authorities.as_slice(),
        receipt_key: receipt_key.as_ref(),
        files: &files,
        ..Brought::default()
    })
}

fn given_file(bundle: &Opened<'_>, bytes: &[u8]) -> GivenFile {
    let sha256 = Sha256::digest(bytes).into();
    let values = bundle.keys_for(&sha256).into_iter();
    let values = values.map(|key| hizo_ledger::commitment::ContentValue::of(key, bytes)).collect();
    GivenFile { sha256, size: bytes.len() as u64, values }
}

fn edit(mut files: Files, name: &str, change: impl FnOnce(String) -> String) -> Files {
    let text = String::from_utf8(files.remove(name).unwrap()).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "nothing was changed in {name}");
    files.insert(name.to_owned(), changed.into_bytes());
    files
}

fn without(mut files: Files, name: &str) -> Files {
    files.remove(name).unwrap();
    files
}

/// With revocation lists in a file.
fn with_lists(mut files: Files, name: &str, lists: &[Vec<u8>]) -> Files {
    files.insert(name.to_owned(), revocation_lists_to_pem(lists).into_bytes());
    files
}

/// The usual bundle with these renewals.
fn renewed<const N: usize>(renewals: [Renewed; N]) -> Files {
    World { renewals: renewals.to_vec(), ..World::usual() }.files()
}

/// A renewal at this time, by a certificate that ends in 2037.
fn by_ten_years(time: &'static str) -> Renewed {
    Renewed::by(Stamp::Until(time, "2037-01-01T00:00:00Z"))
}

/// A stamp by an authority that nobody brought.
fn stranger() -> Stamp {
    Stamp::Forged(|info| Forge::by(&info, &own_stamps()))
}

fn own_stamp(info: hizo_ledger::timestamp::Info) -> Forge {
    Forge::by(&hizo_ledger::timestamp::Info { policy: SELF_STAMP_POLICY, ..info }, &own_stamps())
}

/// A stamp with the attribute signing-certificate (RFC 2634), which binds by SHA-1, in place of its successor.
fn ess_v1(info: hizo_ledger::timestamp::Info) -> Forge {
    use hizo_ledger::timestamp::der;
    let certificates = der::sequence(&[&der::sequence(&[&der::sequence(&[&forge::octets(&[7; 20])])])]);
    Forge::new(&info).attributes(|attributes| {
        attributes[2] = forge::attribute("1.2.840.113549.1.9.16.2.12", &[certificates]);
    })
}

/// The usual record with a second signature, in the falling order of the keys.
fn two_signers() -> Files {
    use ed25519_dalek::Signer as _;
    let mut files = World::usual().files();
    let note = String::from_utf8(files["record.note"].clone()).unwrap();
    let text = kit::text(&note);
    let mut keys: Vec<_> = ["machine", "owner"].map(|who| (kit::key(who), who)).into();
    keys.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
    let line = |(key, who): &(VerifyingKey, &str)| {
        let signature = kit::secret(who).sign(text.as_bytes()).to_bytes();
        let signed = base64::engine::general_purpose::STANDARD.encode([&key.key_id()[..], &signature].concat());
        format!("— {} {signed}\n", key.name())
    };
    let lines: String = keys.iter().map(line).collect();
    files.insert("record.note".to_owned(), format!("{text}\n{lines}").into_bytes());
    files.insert("record.keys".to_owned(), keys.iter().map(|(key, _)| format!("{key}\n")).collect::<String>().into());
    files
}

/// The drawing under two names, the second with this size.
fn two_names(size: u64) -> [Entry; 2] {
    let first = Entry::file(b"KX-204.dxf", DRAWING);
    let meta = Meta { kind: MetaKind::File { size }, ..first.meta.clone() };
    [first.clone(), Entry { name: b"copy.dxf".to_vec(), meta, ..first }]
}

/// An answer with text for people beside its status, outside of what the authority signed.
fn with_status_text(answer: &[u8], text: &str) -> Vec<u8> {
    use hizo_ledger::timestamp::der::{self, tag};
    let mut response = der::only(answer, tag::SEQUENCE).unwrap();
    response.inside(tag::SEQUENCE).unwrap();
    let token = response.element(tag::SEQUENCE).unwrap().whole;
    let text = der::sequence(&[&der::element(tag::UTF8, text.as_bytes())]);
    der::sequence(&[&der::sequence(&[&der::integer(&[0]), &text]), token])
}

fn rejection() -> Vec<u8> {
    hizo_ledger::timestamp::rejected(hizo_ledger::timestamp::Failure::BadRequest)
}

const CONTENT: Fields = Fields { content: true, name: false, meta: false };
const BEFORE: &str = "2027-05-01T00:00:00Z";
const LATER: &str = "2027-12-01T00:00:00Z";
const NAME: Fields = Fields { content: false, name: true, meta: false };

/// What a keeper says once a second directory has the record.
fn kept_twice() -> World {
    let mut world = World::usual();
    world.receipt.is_twice = true;
    world
}

fn accepted() -> Vec<Case> {
    let all = entries();
    let showing = |disclosure: Disclosure| World::of(&all, disclosure).files();
    let usual = || World::usual().files();
    let case = |name, about, files| Case::new(name, about, files, Expected::Holds);
    let stamped = |stamps: &[(&'static str, Stamp)]| World { stamps: stamps.to_vec(), ..World::usual() }.files();
    let mut nothing_hidden = show_all(&all, Fields::ALL);
    nothing_hidden.entries.reverse();
    vec![
        Case { given: vec!["KX-204.dxf"], ..case("file", "one file with all its fields, and the file", usual()) },
        case("no_file", "the same without the file: what is shown are hashes", usual()),
        case("content", "a content without its name", showing(show(&all, &[(0, CONTENT)]))),
        case("name", "a name that is not text, without its content", showing(show(&all, &[(4, NAME)]))),
        case("nothing", "an entry of which nothing is shown", showing(show(&all, &[(3, Fields::default())]))),
        case("kinds", "a folder, a link and a file, in any order", {
            showing(show(&all, &[(3, Fields::ALL), (2, Fields::ALL), (1, CONTENT)]))
        }),
        case("complete", "all entries with all fields, in any order", showing(Disclosure::Complete(nothing_hidden))),
        case("complete_names", "all names, and that these are all", {
            showing(Disclosure::Complete(show_all(&all, NAME)))
        }),
        case("complete_none", "a deposit of no entries", {
            World::of(&[], Disclosure::Complete(show_all(&[], NAME))).files()
        }),
        Case { receipt_key: true, ..case("receipt_checked", "the receipt's signature checked too", usual()) },
        case("no_keys", "without the keys of the record's signatures", without(usual(), "record.keys")),
        case("two_stamps", "two stamps, the earlier of which is the second by name", {
            stamped(&[("a", Stamp::At("2027-05-03T09:13:00Z")), ("b", Stamp::At("2027-05-03T09:12:44Z"))])
        }),
        case("chain_beside", "a token whose certificates lie beside it", stamped(&[("first", Stamp::Beside)])),
        case("injected", "a token to which somebody added a certificate", {
            stamped(&[(
                "first",
                Stamp::Forged(|info| {
                    let mut forge = Forge::new(&info);
                    forge.certificates.push(own_stamps().to_der());
                    forge
                }),
            )])
        }),
        case("stranger_beside", "a stamp that counts, and one by an authority that nobody brought", {
            stamped(&[
                ("first", Stamp::At(forge::TIME)),
                ("second", Stamp::Forged(|info| Forge::by(&info, &own_stamps()))),
            ])
        }),
        case("ess_v1_beside", "a stamp that counts, and one that binds its certificate by SHA-1 alone", {
            stamped(&[("first", Stamp::At(forge::TIME)), ("second", Stamp::Forged(ess_v1))])
        }),
        case("rejected_beside", "a stamp that counts, and an answer without one", {
            let mut files = usual();
            files.insert("stamps/second.tsr".to_owned(), rejection());
            files
        }),
        case("stamp_fraction", "a stamp of half a second, exact to 1.000501 seconds", {
            stamped(&[(
                "first",
                Stamp::Forged(|info| {
                    let time = Moment::from_unix(info.time.unix_seconds(), 500_000_000).unwrap();
                    let accuracy = Some(Accuracy { seconds: 1, millis: 0, micros: 501 });
                    Forge::new(&hizo_ledger::timestamp::Info { time, accuracy, ..info })
                }),
            )])
        }),
        case("stamp_status_text", "an answer that says an earlier time, beside what the authority signed", {
            let mut files = usual();
            let text = "as asked\nTime stamp: Jan  1 00:00:00 2027 GMT\nAccuracy: 0x00 seconds";
            let answer = with_status_text(&files["stamps/first.tsr"], text);
            files.insert("stamps/first.tsr".to_owned(), answer);
            files
        }),
        case(
            "receipt_later",
            "a receipt whose time is after that of an independent stamp: that is said, and harms nothing",
            {
                let mut world = World::usual();
                world.receipt.time = hizo_ledger::record::ClaimedTime::parse("2027-05-03T09:12:46Z").unwrap();
                world.files()
            },
        ),
        Case {
            receipt_key: true,
            ..case("receipt_twice", "a receipt that says of the record that it is kept twice", kept_twice().files())
        },
        Case {
            given: vec!["KX-204.dxf"],
            ..case("two_names", "one content under two names, and the file", {
                World::of(&two_names(17), show(&two_names(17), &[(0, Fields::ALL), (1, Fields::ALL)])).files()
            })
        },
        case("other_certificates", "certificates beside the token that cannot be read", {
            edit(usual(), "stamps/first.pem", |_| "no certificate\n".to_owned())
        }),
        case("renewed", "a later stamp that covers the first in time", renewed([by_ten_years("2027-12-01T00:00:00Z")])),
        case("renewed_twice", "a stamp that covers one that covers the first", {
            let mut middle = Renewed::by(Stamp::Until("2027-12-01T00:00:00Z", "2030-01-01T00:00:00Z"));
            middle.stamps.push(("stranger", stranger()));
            renewed([middle, by_ten_years("2029-06-01T00:00:00Z")])
        }),
        case("renewed_over_a_stranger", "a stamp that covers the first by way of one that nobody vouches for", {
            let middle = Renewed::by(stranger());
            renewed([middle, by_ten_years("2027-12-01T00:00:00Z")])
        }),
        case("renewed_last_second", "a later stamp whose accuracy ends with the certificate of the first", {
            renewed([by_ten_years("2027-12-31T23:59:58Z")])
        }),
        case("renewed_too_late", "a later stamp after the certificate of the first had ended: it counts by itself", {
            renewed([by_ten_years("2027-12-31T23:59:59Z")])
        }),
        case("renewed_gap_between", "a chain of three whose last link came too late: the last counts by itself", {
            let middle = Renewed::by(Stamp::Until("2027-12-01T00:00:00Z", "2029-01-01T00:00:00Z"));
            renewed([middle, by_ten_years("2029-06-01T00:00:00Z")])
        }),
        case("renewed_one_of_two", "two stamps, the later of which is covered by a renewal and the earlier is not", {
            let stamps = vec![("a", Stamp::At("2027-05-03T09:12:44Z")), ("first", Stamp::At("2027-05-03T09:13:00Z"))];
            World { stamps, renewals: vec![by_ten_years("2027-12-01T00:00:00Z")], ..World::usual() }.files()
        }),
        case("renewed_both", "two stamps, both of which are covered by two of a renewal, one of them in time", {
            let until = |end| Stamp::Until("2027-05-03T09:12:44Z", end);
            let late = Stamp::Until("2027-12-02T00:00:00Z", "2036-01-01T00:00:00Z");
            let mut renewal = by_ten_years("2027-12-01T00:00:00Z");
            renewal.earlier = vec!["a", "first"];
            renewal.stamps.push(("late", late));
            let stamps = vec![("a", until("2027-12-01T12:00:00Z")), ("first", until("2028-01-01T00:00:00Z"))];
            World { stamps, renewals: vec![renewal], ..World::usual() }.files()
        }),
        case("renewed_by_a_stranger", "a renewal that nobody vouches for changes nothing", {
            renewed([Renewed::by(stranger())])
        }),
        case("renewed_without_stamps", "a renewal without a stamp changes nothing", {
            renewed([Renewed { stamps: Vec::new(), ..by_ten_years("") }])
        }),
        case("self_stamp_renewed", "the keeper's own stamp, and an independent one that covers it", {
            World {
                stamps: vec![("first", Stamp::Forged(own_stamp))],
                renewals: vec![by_ten_years("2027-12-01T00:00:00Z")],
                ..World::usual()
            }
            .files()
        }),
        case("renewed_under_another_key", "a renewal whose checkpoint another key signed: what counts is the stamp", {
            renewed([Renewed { log: (KEEPER, "other log"), ..by_ten_years("2027-12-01T00:00:00Z") }])
        }),
        case("not_revoked", "revocation lists beside a stamp, which say nothing against it", {
            with_lists(usual(), "stamps/first.crl", &[list_by("issuer", &[], &[]), list_by("root", &[], &[])])
        }),
        case("revoked_later", "a certificate that was given up after it had stamped", {
            with_lists(usual(), "stamps/first.crl", &[list_by("issuer", &[revoked(3, LATER, Some(4))], &[])])
        }),
        case("revoked_by_a_stranger", "a revocation list that the issuer did not sign", {
            with_lists(usual(), "stamps/first.crl", &[signed_list("issuer", "other", &[revoked(3, LATER, None)], &[])])
        }),
        Case {
            stock: false,
            ..case(
                "revoked_and_renewed",
                "a certificate that was compromised after it had been renewed: the later stamp counts",
                {
                    let files = renewed([by_ten_years("2027-12-01T00:00:00Z")]);
                    let list = list_by("issuer", &[revoked(3, "2028-01-01T00:00:00Z", Some(1))], &[]);
                    let mut files = with_lists(files, "renewals/1/earlier/first.crl", &[list]);
                    // The later stamp is by a certificate of another number.
                    let later = Certificate {
                        serial: vec![4],
                        until: forge::time("2037-01-01T00:00:00Z"),
                        ..Certificate::signer()
                    };
                    let info = hizo_ledger::timestamp::Info {
                        time: Moment::parse("2027-12-01T00:00:00Z").unwrap(),
                        ..info(&files["renewals/1/checkpoint"])
                    };
                    files.insert("renewals/1/stamps/first.tsr".to_owned(), Forge::by(&info, &later).response());
                    without(files, "renewals/1/stamps/first.pem")
                },
            )
        },
        case("two_witnesses", "signed by the two witnesses whose signatures every program can check", {
            World { witnesses: vec![1, 2], ..World::usual() }.files()
        }),
        Case {
            stock: false,
            ..case("ml_dsa_witness", "a quorum that needs the witness with ML-DSA-44", {
                World { witnesses: vec![1, 3], ..World::usual() }.files()
            })
        },
    ]
}

/// What is not false and cannot be told.
fn unknown() -> Vec<Case> {
    let usual = || World::usual().files();
    let case = |name, about, files, doubts| Case::new(name, about, files, Expected::Unknown(doubts));
    let stamped = |forged| World { stamps: vec![("first", Stamp::Forged(forged))], ..World::usual() }.files();
    let own: fn(_) -> _ = own_stamp;
    // Without certificates beside it, of which the stock tool could take another of the same number.
    let alone = |forged| without(stamped(forged), "stamps/first.pem");
    let rejected_only = {
        let mut files = usual();
        files.insert("stamps/first.tsr".to_owned(), rejection());
        files
    };
    vec![
        Case {
            roots: Some("own-root.pem"),
            ..case(
                "self_stamp",
                "the keeper's own stamp, whose root the verifier brings",
                stamped(own),
                &["self-stamped"],
            )
        },
        Case { roots: None, ..case("self_stamp_no_roots", "the keeper's own stamp", stamped(own), &["self-stamped"]) },
        case(
            "self_stamp_renewed_by_itself",
            "the keeper's own stamp, and another of the keeper's that covers it",
            {
                let stamps = vec![("first", Stamp::Forged(own))];
                World { stamps, renewals: vec![Renewed::by(Stamp::Forged(own))], ..World::usual() }.files()
            },
            &["self-stamped"],
        ),
        Case {
            stock: false,
            ..case(
                "revoked",
                "a certificate that had been revoked when it stamped",
                with_lists(usual(), "stamps/first.crl", &[list_by("issuer", &[revoked(3, BEFORE, Some(4))], &[])]),
                &["revoked"],
            )
        },
        Case {
            stock: false,
            ..case(
                "revoked_compromised",
                "a certificate that was revoked after it had stamped, without a reason",
                with_lists(usual(), "stamps/first.crl", &[list_by("issuer", &[revoked(3, LATER, None)], &[])]),
                &["revoked"],
            )
        },
        Case { policy: None, ..case("no_policy", "no policy is brought", usual(), &["no-policy"]) },
        Case { roots: None, ..case("no_roots", "no root is brought", usual(), &["no-roots"]) },
        Case {
            policy: None,
            roots: None,
            ..case("nothing_brought", "neither is brought", usual(), &["no-policy", "no-roots"])
        },
        Case {
            policy: Some("policy-other-log"),
            ..case("other_log", "a policy of another log", usual(), &["other-log"])
        },
        Case {
            policy: Some("policy-other-key"),
            ..case("other_log_key", "the log under another key", usual(), &["other-log"])
        },
        case(
            "no_quorum",
            "one witness where the policy asks for two",
            World { witnesses: vec![2], ..World::usual() }.files(),
            &["no-quorum"],
        ),
        case("no_stamp", "no stamp", World { stamps: Vec::new(), ..World::usual() }.files(), &["no-stamp"]),
        case(
            "stranger",
            "a stamp by an authority that nobody brought, its root lies beside it",
            {
                let files = stamped(|info| Forge::by(&info, &own_stamps()));
                edit(files, "stamps/first.pem", |_| certificates_to_pem(&[forge::other_root().to_der()]))
            },
            &["not-vouched"],
        ),
        case(
            "root_injected",
            "a stamp whose token carries a root of its own under the name of the brought one",
            {
                without(
                    stamped(|info| {
                        let root = Certificate { key: "other", by: "other", ..Certificate::root() };
                        let issuer = Certificate { key: "other", by: "other", ..Certificate::issuer() };
                        let signer = Certificate { by: "other", ..Certificate::signer() };
                        let mut forge = Forge::by(&info, &signer).under(&issuer);
                        forge.certificates.push(root.to_der());
                        forge
                    }),
                    "stamps/first.pem",
                )
            },
            &["not-vouched"],
        ),
        case(
            "issuer_expired",
            "a chain that had ended at the time of the stamp",
            {
                without(
                    stamped(|info| {
                        Forge::new(&info)
                            .under(&Certificate { until: forge::time("2027-05-03T09:12:43Z"), ..Certificate::issuer() })
                    }),
                    "stamps/first.pem",
                )
            },
            &["not-vouched"],
        ),
        case(
            "stamp_purpose",
            "a stamp by a certificate for servers",
            alone(|info| Forge::by(&info, &Certificate::signer().with(forge::purposes(true, &[forge::SERVER])))),
            &["not-vouched"],
        ),
        case(
            "stamp_signer_expired",
            "a stamp by a certificate that had ended",
            alone(|info| {
                let until = forge::time("2027-05-03T09:12:43Z");
                Forge::by(&info, &Certificate { until, ..Certificate::signer() })
            }),
            &["not-vouched"],
        ),
        case(
            "stamp_signer_expired_by_a_fraction",
            "a stamp half a second after the end of its certificate",
            alone(|info| {
                let until = forge::time(forge::TIME);
                let time = Moment::from_unix(info.time.unix_seconds(), 500_000_000).unwrap();
                let info = hizo_ledger::timestamp::Info { time, ..info };
                Forge::by(&info, &Certificate { until, ..Certificate::signer() })
            }),
            &["not-vouched"],
        ),
        case(
            "stamp_signer_critical",
            "a stamp by a certificate with a critical extension that nobody knows",
            alone(|info| {
                let unknown = forge::extension("1.2.3.4.9", true, b"");
                Forge::by(&info, &Certificate::signer().with(unknown))
            }),
            &["not-vouched"],
        ),
        case(
            "stamp_signer_absent",
            "a stamp whose certificate is nowhere",
            without(stamped(|info| Forge { certificates: Vec::new(), ..Forge::new(&info) }), "stamps/first.pem"),
            &["not-vouched"],
        ),
        case(
            "stamp_ess_v2_behind",
            "a stamp that binds its certificate by SHA-1 alone, and behind its end the attribute that binds it by SHA-256",
            {
                let mut files = stamped(ess_v1);
                let attribute = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f";
                files.get_mut("stamps/first.tsr").unwrap().extend(attribute);
                files
            },
            &["not-vouched"],
        ),
        case(
            "stamp_trailing",
            "a byte behind the end of a stamp",
            {
                let mut files = usual();
                files.get_mut("stamps/first.tsr").unwrap().push(0);
                files
            },
            &["not-vouched"],
        ),
        case("stamp_ess_v1", "a stamp that binds its certificate by SHA-1 alone", stamped(ess_v1), &["not-vouched"]),
        case("stamp_rejected", "an answer without a stamp", rejected_only, &["not-vouched"]),
        Case {
            given: vec!["KX-204.dxf"],
            ..case(
                "nothing_to_compare",
                "a file, and a bundle that shows a name only",
                World::of(&entries(), show(&entries(), &[(0, NAME)])).files(),
                &["nothing-to-compare"],
            )
        },
    ]
}

fn refused() -> Vec<Case> {
    let all = entries();
    let usual = || World::usual().files();
    let case = |name, about, files, step| Case::new(name, about, files, Expected::Fails(step));
    let edited = |name, change: fn(String) -> String| edit(usual(), name, change);
    let second_line = |text: &str, from: &str, change: fn(&str) -> String| {
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let place = lines.iter().position(|line| line.starts_with(from)).unwrap();
        [lines[..place].concat(), change(lines[place]), lines[place + 1..].concat()].concat()
    };
    let shown = |disclosure: Disclosure| World::of(&all, disclosure).files();
    let stamped = |forged| World { stamps: vec![("first", Stamp::Forged(forged))], ..World::usual() }.files();
    let drawing_twice = [all[0].clone(), Entry::file(b"KX-204.dxf", b"another one"), all[2].clone()];
    // Whoever has the SHA-256 of a file and not the file writes what he likes in the place of its keyed hash.
    let mut digest_only = all.clone();
    digest_only[0].content[64..].fill(7);
    let mut too_long = all.clone();
    too_long[0].meta = Meta { kind: MetaKind::File { size: 18 }, ..too_long[0].meta.clone() };
    let mut one_left_out = show_all(&all, NAME);
    one_left_out.entries.pop();
    one_left_out.dummies += 1;
    let mut other_count = show_all(&all, NAME);
    other_count.dummies += 1;
    let mut entry_as_dummy = show_all(&all, NAME);
    entry_as_dummy.entries.pop();
    let drawing = || show(&all, &[(0, Fields::ALL)]);
    let other_origin = World { log: ("other.example/log", "other log"), ..World::usual() };
    let mut other_receipt = World::usual();
    other_receipt.receipt.keeper = hizo_ledger::record::Origin::parse("other.example/log").unwrap();
    let mut other_record = World::usual();
    other_record.receipt.leaf.record = hizo_ledger::id::RecordId::from_bytes([7; 32]);
    let mut other_slot = World::usual();
    other_slot.receipt.leaf.slot = hizo_ledger::id::Slot::from_bytes([7; 32]);
    let mut says_only = World::usual();
    let envelope = kit::Story::begin(&[]).say();
    let envelope = hizo_ledger::record::Envelope { keeper: other_slot.receipt.keeper.clone(), ..envelope };
    let record = kit::signed(&envelope, "owner");
    (says_only.record, says_only.keys) = (record.note_bytes().to_vec(), None);
    let other_checkpoint = World { leaf: other_slot.receipt.leaf, ..World::usual() };
    vec![
        case(
            "record_changed",
            "another time in the record, whose signature is of the old one",
            edited("record.note", |text| text.replacen("time 2027", "time 2026", 1)),
            "record",
        ),
        case(
            "record_form",
            "a record with a line that nobody knows",
            edited("record.note", |text| text.replacen("\n\n", "\nmore\n\n", 1)),
            "record",
        ),
        case(
            "record_commit_twice",
            "a record with two commitments",
            without(
                edited("record.note", |text| {
                    let line = text.lines().find(|line| line.starts_with("commit ")).unwrap();
                    text.replacen(line, &format!("{line}\n{line}"), 1)
                }),
                "record.keys",
            ),
            "record",
        ),
        case(
            "record_number",
            "a record with a number that none has",
            without(
                edited("record.note", |text| text.replacen("\nnumber 2\n", "\nnumber 18446744073709551616\n", 1)),
                "record.keys",
            ),
            "record",
        ),
        case(
            "record_time",
            "a record of a day that does not exist",
            without(
                edited("record.note", |text| text.replacen("time 2027-05-03", "time 2027-02-29", 1)),
                "record.keys",
            ),
            "record",
        ),
        case("record_keys_order", "two keys and their signatures, both in the falling order", two_signers(), "record"),
        case(
            "record_keys",
            "another key than the signature's",
            edited("record.keys", |_| format!("{}\n", kit::key("owner"))),
            "record",
        ),
        case(
            "record_key_more",
            "a key that signed nothing",
            edited("record.keys", |text| format!("{text}{}\n", kit::key("owner"))),
            "record",
        ),
        case("no_deposit", "a record that makes no deposit", says_only.files(), "commitment"),
        case(
            "name_changed",
            "another name than was committed to",
            edited("opening.json", |text| text.replacen("KX-204.dxf", "KX-205.dxf", 1)),
            "opening",
        ),
        case(
            "size_changed",
            "another size than was committed to",
            edited("opening.json", |text| text.replacen("\"size\": \"17\"", "\"size\": \"18\"", 1)),
            "opening",
        ),
        case(
            "salt_changed",
            "another salt",
            edited("opening.json", |text| {
                let place = text.find("\"salt\": \"").unwrap() + 9;
                let digit = if text.as_bytes()[place] == b'0' { "1" } else { "0" };
                format!("{}{digit}{}", &text[..place], &text[place + 1..])
            }),
            "opening",
        ),
        case(
            "index_changed",
            "another place in the tree",
            {
                let mut world = World::usual();
                let Disclosure::Chosen(openings) = &world.disclosure else { unreachable!() };
                let [sha256, blake3] = openings[0].branches();
                let moved = hizo_ledger::commitment::Branch { index: sha256.index ^ 1, ..sha256.clone() };
                let opening = hizo_ledger::commitment::Opening::new(
                    *openings[0].blind(),
                    4,
                    openings[0].parts().clone(),
                    moved,
                    blake3.clone(),
                )
                .unwrap();
                world.disclosure = Disclosure::Chosen(vec![opening]);
                world.files()
            },
            "opening",
        ),
        case(
            "depth_changed",
            "the path of a tree of another depth",
            {
                let mut world = World::usual();
                let Disclosure::Chosen(openings) = &world.disclosure else { unreachable!() };
                let longer = openings[0].branches().map(|branch| {
                    let path = [branch.path.clone(), vec![[7; 32]; 2]].concat();
                    hizo_ledger::commitment::Branch { index: branch.index, path }
                });
                let [sha256, blake3] = longer;
                let opening = hizo_ledger::commitment::Opening::new(
                    *openings[0].blind(),
                    6,
                    openings[0].parts().clone(),
                    sha256,
                    blake3,
                )
                .unwrap();
                world.disclosure = Disclosure::Chosen(vec![opening]);
                world.files()
            },
            "opening",
        ),
        case(
            "depth_odd",
            "a depth that no tree has",
            edited("opening.json", |text| text.replacen("\"depth\": 4", "\"depth\": 5", 1)),
            "opening",
        ),
        case(
            "path_short",
            "a path that is cut short",
            {
                edit(usual(), "opening.json", |text| {
                    let end = text.find("\n        ]\n").unwrap();
                    let start = text[..end].rfind(",\n").unwrap();
                    format!("{}{}", &text[..start], &text[end..])
                })
            },
            "opening",
        ),
        Case {
            stock: false,
            ..case(
                "blake3_changed",
                "a path that holds in the first tree and not in the second",
                {
                    let mut world = World::usual();
                    let Disclosure::Chosen(openings) = &world.disclosure else { unreachable!() };
                    let [sha256, blake3] = openings[0].branches();
                    let moved = hizo_ledger::commitment::Branch { index: blake3.index ^ 1, ..blake3.clone() };
                    let opening = hizo_ledger::commitment::Opening::new(
                        *openings[0].blind(),
                        4,
                        openings[0].parts().clone(),
                        sha256.clone(),
                        moved,
                    )
                    .unwrap();
                    world.disclosure = Disclosure::Chosen(vec![opening]);
                    world.files()
                },
                "opening",
            )
        },
        case(
            "of_another_deposit",
            "an opening of another deposit",
            {
                let other = [all[0].clone(), all[1].clone()];
                shown(show(&other, &[(0, Fields::ALL)]))
            },
            "opening",
        ),
        case(
            "not_canonical",
            "opening.json with a space more",
            edited("opening.json", |text| text.replacen("\"depth\": 4", "\"depth\":  4", 1)),
            "opening",
        ),
        case(
            "name_in_hex",
            "a plain name in hexadecimal",
            edited("opening.json", |text| {
                text.replacen("\"text\": \"KX-204.dxf\"", "\"hex\": \"4b582d3230342e647866\"", 1)
            }),
            "opening",
        ),
        case(
            "name_misleads",
            "a name that turns the direction of text, as a text",
            edit(
                {
                    let entries = [Entry::file("a\u{202e}fxd".as_bytes(), DRAWING)];
                    World::of(&entries, show(&entries, &[(0, Fields::ALL)])).files()
                },
                "opening.json",
                |text| text.replacen("\"hex\": \"61e280ae667864\"", "\"text\": \"a\u{202e}fxd\"", 1),
            ),
            "opening",
        ),
        case(
            "name_unseen",
            "a name with a soft hyphen, as a text",
            edit(
                {
                    let entries = [Entry::file("KX\u{ad}204".as_bytes(), DRAWING)];
                    World::of(&entries, show(&entries, &[(0, Fields::ALL)])).files()
                },
                "opening.json",
                |text| text.replacen("\"hex\": \"4b58c2ad323034\"", "\"text\": \"KX\u{ad}204\"", 1),
            ),
            "opening",
        ),
        case(
            "size_zeros",
            "a size with a zero before it",
            edited("opening.json", |text| text.replacen("\"size\": \"17\"", "\"size\": \"017\"", 1)),
            "opening",
        ),
        case(
            "size_number",
            "a size as a number in place of a text",
            edited("opening.json", |text| text.replacen("\"size\": \"17\"", "\"size\": 17", 1)),
            "opening",
        ),
        case(
            "depth_fraction",
            "a depth with a fraction",
            edited("opening.json", |text| text.replacen("\"depth\": 4", "\"depth\": 4.0", 1)),
            "opening",
        ),
        case(
            "folder_with_content",
            "a folder that has a content",
            {
                let folder = Entry {
                    meta: Meta { kind: MetaKind::Directory, ..all[0].meta.clone() },
                    ..Entry::file(b"folder", DRAWING)
                };
                let entries = [folder];
                World::of(&entries, show(&entries, &[(0, Fields::ALL)])).files()
            },
            "opening",
        ),
        case(
            "member_more",
            "opening.json that says something more",
            {
                edited("opening.json", |text| {
                    text.replacen("  \"depth\": 4,\n", "  \"depth\": 4,\n  \"more\": 4,\n", 1)
                })
            },
            "opening",
        ),
        case(
            "member_twice",
            "opening.json that says something twice",
            {
                edited("opening.json", |text| {
                    text.replacen("  \"depth\": 4,\n", "  \"depth\": 4,\n  \"depth\": 4,\n", 1)
                })
            },
            "opening",
        ),
        case(
            "one_left_out",
            "all entries but one, with one dummy more",
            shown(Disclosure::Complete(one_left_out)),
            "opening",
        ),
        case("entry_as_dummy", "all entries but one", shown(Disclosure::Complete(entry_as_dummy)), "opening"),
        case(
            "dummies_more",
            "a dummy more than there is room for",
            shown(Disclosure::Complete(other_count)),
            "opening",
        ),
        case("entry_twice", "one entry shown twice", shown(show(&all, &[(0, Fields::ALL), (0, CONTENT)])), "names"),
        case(
            "name_twice",
            "two entries under one name",
            World::of(&drawing_twice, show(&drawing_twice, &[(0, Fields::ALL), (1, Fields::ALL)])).files(),
            "names",
        ),
        case(
            "name_twice_complete",
            "two entries under one name among all",
            World::of(&drawing_twice, Disclosure::Complete(show_all(&drawing_twice, NAME))).files(),
            "names",
        ),
        case(
            "receipt_form",
            "a receipt in another order",
            edited("receipt.note", |text| text.replacen("hizo/receipt/v1", "hizo/receipt/v2", 1)),
            "receipt",
        ),
        Case {
            receipt_key: true,
            ..case(
                "receipt_signature",
                "a receipt whose time was changed",
                edited("receipt.note", |text| text.replacen("time 2027-05-03", "time 2027-05-02", 1)),
                "receipt",
            )
        },
        Case {
            receipt_key: true,
            ..case(
                "receipt_twice_unsigned",
                "a receipt to which somebody added that the record is kept twice",
                edited("receipt.note", |text| text.replacen("\n\n", "\ncopies 2\n\n", 1)),
                "receipt",
            )
        },
        case(
            "receipt_copies",
            "a receipt that says of the record that it is kept three times",
            edit(kept_twice().files(), "receipt.note", |text| text.replacen("copies 2", "copies 3", 1)),
            "receipt",
        ),
        Case {
            receipt_key: true,
            ..case(
                "receipt_by_log",
                "a receipt by the key of the log",
                World { receipt_signer: "log", ..World::usual() }.files(),
                "receipt",
            )
        },
        case("receipt_of_another", "a receipt for another record", other_record.files(), "receipt"),
        case("receipt_keeper", "a receipt by another keeper", other_receipt.files(), "receipt"),
        case(
            "inclusion_form",
            "a proof of inclusion in another form",
            edited("record.tlog-proof", |text| text.replacen("c2sp.org", "c2sp/org", 1)),
            "inclusion",
        ),
        case("wrong_slot", "a receipt with another slot than the log has", other_slot.files(), "inclusion"),
        case(
            "proof_truncated",
            "a path that is cut short",
            {
                edit(usual(), "record.tlog-proof", |text| {
                    let end = text.find("\n\n").unwrap();
                    let start = text[..end].rfind('\n').unwrap();
                    format!("{}{}", &text[..start], &text[end..])
                })
            },
            "inclusion",
        ),
        case(
            "proof_longer",
            "a path with a hash more",
            {
                edit(usual(), "record.tlog-proof", |text| {
                    text.replacen("\n\n", &format!("\n{}=\n\n", "A".repeat(43)), 1)
                })
            },
            "inclusion",
        ),
        case(
            "proof_swapped",
            "the leaf's place and its sibling's exchanged",
            edited("record.tlog-proof", |text| text.replacen("index 6", "index 7", 1)),
            "inclusion",
        ),
        case(
            "proof_outside",
            "a place that the tree does not have",
            edited("record.tlog-proof", |text| text.replacen("index 6", "index 11", 1)),
            "inclusion",
        ),
        case(
            "proof_extra",
            "an extra line, for which nobody vouches",
            edited("record.tlog-proof", |text| text.replacen("index 6", "extra aGVsZA==\nindex 6", 1)),
            "inclusion",
        ),
        Case {
            policy: Some("policy-two-logs"),
            ..case(
                "other_origin",
                "the log of another keeper, which the policy names too",
                other_origin.files(),
                "checkpoint",
            )
        },
        case(
            "log_signature",
            "a signature of the log over another size",
            {
                let files = other_checkpoint.files();
                let of = |text: &str| {
                    text.split_inclusive('\n').find(|line| line.starts_with("— keeper")).unwrap().to_owned()
                };
                let other = of(std::str::from_utf8(&files["checkpoint"]).unwrap());
                edit(usual(), "record.tlog-proof", |text| text.replacen(&of(&text), &other, 1))
            },
            "checkpoint",
        ),
        case(
            "witness_time",
            "a witness's time that was changed",
            {
                edit(usual(), "record.tlog-proof", |text| {
                    second_line(&text, "— w.example/1 ", |line| {
                        use base64::Engine as _;
                        use base64::engine::general_purpose::STANDARD;
                        let (name, value) = line.trim_end().rsplit_once(' ').unwrap();
                        let mut bytes = STANDARD.decode(value).unwrap();
                        bytes[11] ^= 1;
                        format!("{name} {}\n", STANDARD.encode(bytes))
                    })
                })
            },
            "checkpoint",
        ),
        case(
            "stamped_other",
            "the stamp is over another checkpoint of the same log",
            {
                let other = other_checkpoint.files();
                let mut files = usual();
                for name in ["checkpoint", "stamps/first.tsr"] {
                    files.insert(name.to_owned(), other[name].clone());
                }
                files
            },
            "stamped",
        ),
        case(
            "stamped_no_checkpoint",
            "the stamped file is no checkpoint",
            edited("checkpoint", |text| text.replacen("\n11\n", "\n011\n", 1)),
            "stamped",
        ),
        case(
            "stamp_of_other_bytes",
            "a stamp over other bytes",
            {
                stamped(|given| {
                    Forge::new(&hizo_ledger::timestamp::Info { nonce: given.nonce, ..info(b"other bytes") })
                })
            },
            "stamps",
        ),
        case(
            "stamp_of_witnessed",
            "a stamp over the note with its cosignatures",
            {
                let mut files = usual();
                let proof = String::from_utf8(files["record.tlog-proof"].clone()).unwrap();
                let note = proof.split_once("\n\n").unwrap().1;
                files.insert("stamps/first.tsr".to_owned(), Forge::new(&info(note.as_bytes())).response());
                files
            },
            "stamps",
        ),
        case(
            "stamp_signature",
            "a stamp whose signature is by another key",
            stamped(|info| Forge { key: "other", ..Forge::new(&info) }),
            "stamps",
        ),
        case(
            "stamp_signer_injected",
            "a stamp that binds another certificate than it names",
            {
                stamped(|info| {
                    let twin = Certificate { key: "other", ..Certificate::signer() }.to_der();
                    let mut forge = Forge { certificate: twin.clone(), key: "other", ..Forge::new(&info) };
                    forge = forge.attributes(|attributes| {
                        attributes[2] = forge::bound(&[forge::ess(&Certificate::signer().to_der())])
                    });
                    forge.certificates.push(twin);
                    forge
                })
            },
            "stamps",
        ),
        case(
            "one_stamp_false",
            "two stamps, one of which does not hold",
            {
                let good: (&str, Stamp) = ("a", Stamp::At(forge::TIME));
                let bad: fn(_) -> _ = |info| Forge { key: "other", ..Forge::new(&info) };
                World { stamps: vec![good, ("b", Stamp::Forged(bad))], ..World::usual() }.files()
            },
            "stamps",
        ),
        case(
            "renewal_of_nothing",
            "a renewal that covers no earlier stamp",
            renewed([Renewed { earlier: Vec::new(), ..by_ten_years(LATER) }]),
            "renewals",
        ),
        case(
            "renewal_of_unknown",
            "a renewal's record of a stamp that is not there",
            renewed([Renewed { earlier: vec!["other"], ..by_ten_years(LATER) }]),
            "renewals",
        ),
        case(
            "renewal_of_other_bytes",
            "the record of the earlier stamp names other bytes",
            renewed([Renewed {
                record: |envelope| Envelope { body: Some((ObjectId::of(b"other bytes"), 11)), ..envelope },
                ..by_ten_years(LATER)
            }]),
            "renewals",
        ),
        case(
            "renewal_of_other_length",
            "the record of the earlier stamp names another length",
            renewed([Renewed {
                record: |envelope| Envelope { body: envelope.body.map(|(id, bytes)| (id, bytes + 1)), ..envelope },
                ..by_ten_years(LATER)
            }]),
            "renewals",
        ),
        case(
            "renewal_by_control",
            "the record of the earlier stamp also changes a space",
            renewed([Renewed {
                record: |envelope| Envelope {
                    controls: vec![hizo_ledger::record::Control::Recovery(None)],
                    ..envelope
                },
                ..by_ten_years(LATER)
            }]),
            "renewals",
        ),
        case(
            "renewal_keeper",
            "the record of the earlier stamp is another keeper's",
            renewed([Renewed {
                record: |envelope| Envelope {
                    keeper: hizo_ledger::record::Origin::parse("other.example/log").unwrap(),
                    ..envelope
                },
                ..by_ten_years(LATER)
            }]),
            "renewals",
        ),
        case(
            "renewal_origin",
            "the later head is of another log",
            renewed([Renewed { log: ("other.example/log", "other log"), ..by_ten_years(LATER) }]),
            "renewals",
        ),
        case(
            "renewal_outside",
            "the record of the earlier stamp does not stand where the proof says",
            edit(renewed([by_ten_years(LATER)]), "renewals/1/earlier/first.tlog-proof", |text| {
                text.replacen("index 11", "index 10", 1)
            }),
            "renewals",
        ),
        case(
            "renewal_receipt",
            "the receipt of the earlier stamp's record has another slot",
            edit(renewed([by_ten_years(LATER)]), "renewals/1/earlier/first.receipt", |text| {
                second_line(&text, "slot ", |line| line.replace(['0', '1'], "2"))
            }),
            "renewals",
        ),
        case(
            "renewal_other_head",
            "the later stamp is over a head before that of the proof of the earlier stamp",
            {
                let mut files = renewed([by_ten_years(LATER)]);
                files.insert("renewals/1/checkpoint".to_owned(), files["checkpoint"].clone());
                files
            },
            "renewals",
        ),
        case(
            "renewal_stamp_of_other_bytes",
            "the later stamp is over the earlier head",
            {
                let mut files = renewed([by_ten_years(LATER)]);
                files.insert("renewals/1/stamps/first.tsr".to_owned(), files["stamps/first.tsr"].clone());
                files
            },
            "renewals",
        ),
        case(
            "renewal_stamp_signature",
            "the signature of the later stamp is by another key",
            renewed([Renewed::by(Stamp::Forged(|info| Forge { key: "other", ..Forge::new(&info) }))]),
            "renewals",
        ),
        case(
            "renewal_before",
            "the later stamp says a time before that of the stamp that it covers",
            renewed([by_ten_years("2027-05-03T09:12:41Z")]),
            "renewals",
        ),
        case(
            "renewal_log_signature",
            "a signature of the log on the later head that does not hold",
            {
                let files = renewed([by_ten_years(LATER)]);
                let of = |text: &str| {
                    text.split_inclusive('\n').find(|line| line.starts_with("— keeper")).unwrap().to_owned()
                };
                let other = of(std::str::from_utf8(&files["checkpoint"]).unwrap());
                edit(files, "renewals/1/earlier/first.tlog-proof", |text| text.replacen(&of(&text), &other, 1))
            },
            "renewals",
        ),
        case(
            "renewal_form",
            "the later head is no checkpoint",
            edit(renewed([by_ten_years(LATER)]), "renewals/1/checkpoint", |text| text.replacen("\n13\n", "\n013\n", 1)),
            "renewals",
        ),
        Case {
            given: vec!["KX-204.dxf", "KX-205.dxf"],
            ..case("other_file", "a file that is not shown", usual(), "files")
        },
        Case {
            given: vec!["KX-204.dxf"],
            stock: false,
            ..case(
                "digest_only",
                "a content of which only the SHA-256 was known",
                World::of(&digest_only, show(&digest_only, &[(0, Fields::ALL)])).files(),
                "files",
            )
        },
        Case {
            given: vec!["KX-204.dxf"],
            ..case(
                "other_size",
                "a content that was committed to with another size",
                World::of(&too_long, show(&too_long, &[(0, Fields::ALL)])).files(),
                "files",
            )
        },
    ]
    .into_iter()
    .chain([Case {
        given: vec!["KX-204.dxf"],
        ..case(
            "other_size_of_two",
            "one content under two names, the second with another size",
            World::of(&two_names(18), show(&two_names(18), &[(0, Fields::ALL), (1, Fields::ALL)])).files(),
            "files",
        )
    }])
    .chain([Case::new(
        "hidden_instead",
        "a field hidden under other hashes",
        {
            let Disclosure::Chosen(openings) = drawing() else { unreachable!() };
            let mut parts = openings[0].parts().clone();
            parts[1] = hizo_ledger::commitment::Part::Hidden(hizo_ledger::commitment::FieldHashes {
                sha256: [7; 32],
                blake3: [7; 32],
            });
            let [sha256, blake3] = openings[0].branches();
            let opening =
                hizo_ledger::commitment::Opening::new(*openings[0].blind(), 4, parts, sha256.clone(), blake3.clone())
                    .unwrap();
            shown(Disclosure::Chosen(vec![opening]))
        },
        Expected::Fails("opening"),
    )])
    .collect()
}

pub(super) fn cases() -> Vec<Case> {
    [accepted(), unknown(), refused()].into_iter().flatten().collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/proof/v1")
}

/// Every file of the vectors.
fn files() -> BTreeMap<PathBuf, Vec<u8>> {
    let cases = cases();
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    files.extend(brought_files().iter().map(|(name, bytes)| (name.into(), bytes.clone())));
    for case in &cases {
        let folder = PathBuf::from(case.folder());
        let base = &cases[0].files;
        let own = case.files.iter().filter(|(name, bytes)| case.name == BASE || base.get(*name) != Some(*bytes));
        files.extend(own.map(|(name, bytes)| (folder.join(name), bytes.clone())));
    }
    let index: Vec<_> = cases.iter().map(Case::said).collect();
    files.insert("index.json".into(), (serde_json::to_string_pretty(&index).unwrap() + "\n").into_bytes());
    files
}

fn walk(folder: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = below.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => walk(&entry.path(), &name, found),
            false => {
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
}

#[test]
fn every_bundle_is_judged_as_it_must_be() {
    for case in cases() {
        let report = case.report();
        let found = match &report.verdict {
            Verdict::Holds { .. } => Expected::Holds,
            Verdict::CannotBeTold(doubts) => {
                let Expected::Unknown(expected) = case.expected else { panic!("{}: {report:?}", case.name) };
                assert_eq!(doubts.iter().map(|doubt| doubt.word()).collect::<Vec<_>>(), expected, "{}", case.name);
                case.expected.clone()
            }
            Verdict::DoesNotHold(fault) => Expected::Fails(fault.step().word()),
        };
        assert_eq!(found, case.expected, "{}: {:?}", case.name, report.verdict);
    }
}

#[test]
fn stored_bundles_are_the_ones_made_from_the_keys() {
    let mut stored = BTreeMap::new();
    walk(&folder(), Path::new(""), &mut stored);
    let made = files();
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&stored), names(&made));
    for (name, bytes) in made {
        assert!(stored[&name] == bytes, "{} is another", name.display());
    }
}

#[test]
#[ignore = "writes the files that the other tests compare"]
fn write_the_bundles() {
    let _ = fs::remove_dir_all(folder());
    for (name, bytes) in files() {
        let path = folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn the_verdict_time_is_the_earliest_independent_stamp_and_its_accuracy() {
    let case = accepted().into_iter().find(|case| case.name == "two_stamps").unwrap();
    let Verdict::Holds { since, before } = case.report().verdict else { panic!("two_stamps holds") };
    assert_eq!(since, Moment::parse("2027-05-03T09:12:45Z").unwrap());
    assert_eq!(before, Moment::parse("2027-12-31T23:59:59Z").unwrap());
}

#[test]
fn a_stamp_counts_as_long_as_its_chain_of_renewals_has_no_gap() {
    let (first, ends) = ("2027-05-03T09:12:45Z", "2027-12-31T23:59:59Z");
    let by_ten_years = "2037-01-01T00:00:00Z";
    let cases = accepted();
    for (name, since, before) in [
        ("file", first, ends),
        ("renewed", first, by_ten_years),
        ("renewed_twice", first, by_ten_years),
        ("renewed_over_a_stranger", first, by_ten_years),
        ("renewed_last_second", first, by_ten_years),
        ("renewed_too_late", "2028-01-01T00:00:00Z", by_ten_years),
        ("renewed_gap_between", "2029-06-01T00:00:01Z", by_ten_years),
        ("renewed_one_of_two", "2027-05-03T09:13:01Z", by_ten_years),
        ("renewed_by_a_stranger", first, ends),
        ("renewed_without_stamps", first, ends),
        ("self_stamp_renewed", "2027-12-01T00:00:01Z", by_ten_years),
        ("revoked_later", first, ends),
        ("revoked_and_renewed", "2027-12-01T00:00:01Z", by_ten_years),
    ] {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let Verdict::Holds { since: found, before: until } = case.report().verdict else { panic!("{name} holds") };
        assert_eq!([found.to_string(), until.to_string()], [since, before], "{name}");
    }
}

#[test]
fn a_bundle_vouches_for_nothing_by_what_lies_in_it() {
    // All roots, the policy and the receipt key put beside the proof, and nothing brought.
    let mut files = World::usual().files();
    files.extend(brought_files().iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())));
    files.insert("stamps/roots.pem".into(), brought_files()["roots.pem"].clone());
    let report = verify(&files, None, None, false, &[]);
    let Verdict::CannotBeTold(doubts) = report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(doubts.iter().map(|doubt| doubt.word()).collect::<Vec<_>>(), ["no-policy", "no-roots"]);
}

#[test]
fn a_second_program_written_from_the_pages_agrees() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/verify.py");
    let is_here = |program: &str, argument: &str| Command::new(program).arg(argument).output().is_ok();
    if !is_here("python3", "--version") || !is_here("openssl", "version") {
        eprintln!("NOT CHECKED: python3 or openssl is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    brought_files().iter().for_each(|(name, bytes)| fs::write(place(name), bytes).unwrap());
    let (stock, other): (Vec<_>, Vec<_>) = cases().into_iter().partition(|case| case.stock);
    let check = |case: &Case| {
        let bundle = place(case.name);
        for (name, bytes) in &case.files {
            fs::create_dir_all(bundle.join(name).parent().unwrap()).unwrap();
            fs::write(bundle.join(name), bytes).unwrap();
        }
        let mut command = Command::new("python3");
        command.arg(&script).arg(&bundle).args(case.given.iter().map(|name| place(name)));
        command.args(case.policy.iter().flat_map(|name| ["--policy".into(), place(name)]));
        command.args(case.roots.iter().flat_map(|name| ["--roots".into(), place(name)]));
        if case.receipt_key {
            command.arg("--receipt-key").arg(world::receipt_key().to_string());
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let (code, words) = match &case.report().verdict {
            Verdict::Holds { since, .. } => (0, format!("it holds, since {since}")),
            Verdict::CannotBeTold(doubts) => {
                let doubts: Vec<_> = doubts.iter().map(|doubt| doubt.word()).collect();
                (4, format!("cannot be told: {}", doubts.join(", ")))
            }
            Verdict::DoesNotHold(fault) => (3, format!("it does not hold: {}: ", fault.step().word())),
        };
        assert_eq!(output.status.code(), Some(code), "{}: {said}", case.name);
        assert!(said.contains(&words), "{}: {said}", case.name);
    };
    // Most of the time is spent in starting the two programs.
    std::thread::scope(|scope| {
        for part in stock.chunks(stock.len().div_ceil(4)) {
            scope.spawn(move || part.iter().for_each(check));
        }
    });
    let names: Vec<_> = other.iter().map(|case| case.name).collect();
    eprintln!("{} bundles checked; not of its kinds: {}", stock.len(), names.join(" "));
}

#[test]
fn signers_are_told_when_their_keys_lie_beside_the_record() {
    let keys = |files: &Files| {
        let report = verify(files, Some("policy"), Some("roots.pem"), false, &[]);
        report.findings.into_iter().find_map(|finding| match finding {
            hizo_ledger::proof::Finding::Record { signers, .. } => Some(signers),
            _ => None,
        })
    };
    let files = World::usual().files();
    let machine: VerifyingKey = kit::key("machine");
    assert_eq!(keys(&files), Some(Some(vec![machine])));
    assert_eq!(keys(&without(files, "record.keys")), Some(None));
}

/// What a second program must not take from whoever made the proof, or cannot use.
#[test]
fn a_second_program_refuses_what_it_cannot_use_and_follows_no_links() {
    if Command::new("python3").arg("--version").output().is_err()
        || Command::new("openssl").arg("version").output().is_err()
    {
        eprintln!("NOT CHECKED: python3 or openssl is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for (name, bytes) in &World::usual().files() {
        fs::create_dir_all(place("bundle").join(name).parent().unwrap()).unwrap();
        fs::write(place("bundle").join(name), bytes).unwrap();
    }
    brought_files().iter().for_each(|(name, bytes)| fs::write(place(name), bytes).unwrap());
    let run = |more: &[(&str, &str)]| {
        let mut command = Command::new("python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/verify.py")).arg(place("bundle"));
        command.args(more.iter().flat_map(|(option, name)| [PathBuf::from(option), place(name)]));
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let twice = world::policy().replace("2 W1 W2 W3", "2 W1 W1 W3");
    assert_eq!(Policy::parse(twice.as_bytes()), Err(hizo_ledger::log::policy::Error::Twice { line: 5 }));
    fs::write(place("twice"), twice).unwrap();
    assert_eq!(run(&[("--policy", "twice")]).0, 1);
    let list = [b"hizo/authorities/v1\n\nauthority test\n", brought_files()["roots.pem"].as_slice()].concat();
    fs::write(place("list"), list).unwrap();
    assert_eq!(run(&[("--roots", "list")]).0, 1);
    let stamps = place("bundle/stamps");
    fs::create_dir(stamps.join("below")).unwrap();
    fs::rename(stamps.join("first.tsr"), stamps.join("below/first.tsr")).unwrap();
    let doubts = |said: (i32, String)| (said.0, said.1.contains("no-stamp"));
    assert_eq!(doubts(run(&[("--policy", "policy"), ("--roots", "roots.pem")])), (4, true));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(stamps.join("below/first.tsr"), stamps.join("first.tsr")).unwrap();
        assert_eq!(doubts(run(&[("--policy", "policy"), ("--roots", "roots.pem")])), (4, true));
    }
    fs::write(place("bundle/receipt.note"), vec![b'a'; 4096]).unwrap();
    assert_eq!(run(&[]).0, 3);
    fs::write(place("bundle/receipt.note"), b"\xff").unwrap();
    assert_eq!(run(&[]).0, 3);
}

/// The token is an answer that the stock tool reads as it stands.
#[test]
fn the_stock_tool_verifies_the_stamp_over_the_stamped_file() {
    let folder = folder().join("accepted/file");
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-attime", "1809335564", "-data"]).arg(folder.join("checkpoint"));
    command.arg("-in").arg(folder.join("stamps/first.tsr")).arg("-CAfile").arg(folder.join("../../roots.pem"));
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => eprintln!("NOT CHECKED: openssl is not here ({error})"),
    }
}

#[test]
fn what_no_given_file_was_compared_with_is_told_apart() {
    let compared = |name: &str| {
        let report = cases().into_iter().find(|case| case.name == name).unwrap().report();
        (0..report.shown.len()).map(|entry| report.is_compared(entry)).collect::<Vec<_>>()
    };
    assert_eq!(compared("file"), [Some(true)]);
    assert_eq!(compared("no_file"), [Some(false)]);
    assert_eq!(compared("two_names"), [Some(true), Some(true)]);
    assert_eq!(compared("kinds"), [None, None, Some(false)]);
    assert_eq!(compared("name"), [None]);
}

#[test]
fn a_file_is_hashed_under_few_keys_and_under_none_that_was_not_committed_to() {
    let entry = |number: usize| Entry {
        content: hizo_ledger::commitment::ContentValue::of([number as u8; 32], DRAWING).to_bytes().to_vec(),
        ..Entry::file(format!("{number}").as_bytes(), DRAWING)
    };
    let many: Vec<_> = (0..KEYS_MAX + 4).map(entry).collect();
    let chosen: Vec<_> = (0..many.len()).map(|number| (number, CONTENT)).collect();
    let files = World::of(&many, show(&many, &chosen)).files();
    let sha256 = Sha256::digest(DRAWING).into();
    assert_eq!(Bundle::new(files.clone()).unwrap().open().keys_for(&sha256).len(), KEYS_MAX);
    let report = verify(&files, Some("policy"), Some("roots.pem"), false, &["KX-204.dxf"]);
    let compared = (0..many.len()).filter(|entry| report.is_compared(*entry) == Some(true)).count();
    assert_eq!(compared, KEYS_MAX, "the others are told to be compared with nothing");
    let changed = edit(files, "opening.json", |text| {
        text.replacen("\"blind\": \"", "\"blind\": \"0", 1).replacen("0\"", "\"", 1)
    });
    assert!(Bundle::new(changed).unwrap().open().keys_for(&sha256).is_empty());
}

#[test]
fn a_receipt_later_than_an_independent_stamp_is_told() {
    let later = |name: &str| {
        let report = accepted().into_iter().find(|case| case.name == name).unwrap().report();
        report.findings.iter().any(|finding| matches!(finding, hizo_ledger::proof::Finding::ReceiptLater { .. }))
    };
    assert!(later("receipt_later") && !later("file"));
}
