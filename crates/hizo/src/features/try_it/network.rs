//! A whole small world on one machine, to be shown and tried: one keeper, and everybody who has a part in a case, each in a home of his own.
//!
//! Whatever somebody does here, this program does when it is run for him alone, with his home and his passphrase: nothing is shared but
//! files that he would send ([decision 41](../../../../../docs/decisions/0041-a-demonstration-is-played-by-whole-programs.md)).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use hizo_vault::keys::generate_passphrase;
use serde_json::{Value, json};

use super::{Scratch, write_sample};
use crate::console::Console;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome, shown};
use crate::features::{directory, keeper};
use crate::home::{self, Home};
use crate::system;
use crate::words::{Language, Words, words};

/// The keeper stamps its log every second while the world is made: how often a proof is asked for again.
const STAMP_TRIES: u32 = 60;
const STAMP_WAIT: Duration = Duration::from_secs(1);

/// The series that the company has.
const SERIES: &str = "KX-204";

/// An organisation of the world. The first of its staff holds its key.
struct Body {
    folder: &'static str,
    /// What it is in the directory; nothing for the company, which stands in none.
    kind: Option<&'static str>,
    name: &'static str,
    name_ja: &'static str,
    staff: &'static [Staff],
}

struct Staff {
    folder: &'static str,
    name: &'static str,
    does: &'static str,
    does_ja: &'static str,
}

static BODIES: [Body; 5] = [
    Body {
        folder: "company",
        kind: None,
        name: "Tokuda Seiki (sample)",
        name_ja: "徳田精機（見本）",
        staff: &[
            Staff { folder: "owner", name: "徳田", does: "owner", does_ja: "社長" },
            Staff { folder: "engineer", name: "山本", does: "engineer", does_ja: "技術担当" },
        ],
    },
    Body {
        folder: "centre",
        kind: Some("centre"),
        name: "Tokyo centre (sample)",
        name_ja: "東京都の窓口（見本）",
        staff: &[
            Staff { folder: "counsellor", name: "鈴木", does: "counsellor", does_ja: "相談員" },
            Staff { folder: "deputy", name: "佐藤", does: "deputy of the counsellor", does_ja: "相談員の代理" },
        ],
    },
    Body {
        folder: "office",
        kind: Some("office"),
        name: "Patent office, specialists (sample)",
        name_ja: "特許の役所・専門官の窓口（見本）",
        staff: &[Staff { folder: "specialist", name: "田中", does: "specialist", does_ja: "専門官" }],
    },
    Body {
        folder: "rescue",
        kind: Some("rescue"),
        name: "IT agency, rescue team (sample)",
        name_ja: "情報処理の機関・サイバーレスキュー隊（見本）",
        staff: &[Staff { folder: "rescuer", name: "高橋", does: "rescue team", does_ja: "レスキュー隊員" }],
    },
    Body {
        folder: "police",
        kind: Some("police"),
        name: "Tokyo police, trade secrets (sample)",
        name_ja: "東京都の警察・営業秘密の窓口（見本）",
        staff: &[Staff { folder: "officer", name: "中村", does: "officer", does_ja: "担当官" }],
    },
];

/// The world as it stands.
pub(super) struct World {
    folder: PathBuf,
    keeper: keeper::At,
    /// The company's home of its case.
    case: PathBuf,
    proof: PathBuf,
}

/// Somebody of the world, with his folder.
struct Person {
    staff: &'static Staff,
    folder: PathBuf,
}

impl Person {
    fn of(world: &Path, body: &Body, staff: &'static Staff) -> Self {
        Self { staff, folder: world.join(body.folder).join(staff.folder) }
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn passphrase_file(&self) -> PathBuf {
        self.folder.join("passphrase")
    }

    /// The command by which he opens his desk.
    fn desk(&self) -> String {
        format!("hizo --home {} desk", shown(&self.home()))
    }

    /// What he does in one of his homes: what the program prints.
    fn does(&self, home: &Path, arguments: &[&str]) -> Outcome<Value> {
        let ran = self.runs(home, arguments)?;
        match ran.0 {
            Some(0) => serde_json::from_str(&ran.1).map_err(Failure::internal),
            _ => Err(Failure::fixable(Words::from(ran.2.trim()))),
        }
    }

    /// The same, whatever comes of it: exit code, result, and what was said beside.
    fn runs(&self, home: &Path, arguments: &[&str]) -> Outcome<(Option<i32>, String, String)> {
        let program = std::env::current_exe().map_err(Failure::internal)?;
        let mut command = Command::new(program);
        command.arg("--home").arg(home).arg("--passphrase-file").arg(self.passphrase_file()).arg("--json");
        command.args(arguments).env_remove("HIZO_HOME").env_remove("HIZO_KEEPER").stdin(Stdio::null());
        let output = command.output().map_err(Failure::internal)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
    }
}

/// Everybody of the world in a folder.
fn people(folder: &Path) -> impl Iterator<Item = (&'static Body, Person)> {
    let of = |body: &'static Body| body.staff.iter().map(move |staff| (body, staff));
    BODIES.iter().flat_map(of).map(|(body, staff)| (body, Person::of(folder, body, staff)))
}

/// A folder of the world in which it is made.
struct Site<'a> {
    folder: &'a Path,
    url: &'a str,
}

impl Site<'_> {
    fn person(&self, body: &Body, staff: &'static Staff) -> Person {
        Person::of(self.folder, body, staff)
    }

    /// A folder of his own, and a passphrase that nobody else has.
    fn arrives(&self, person: &Person) -> Outcome<()> {
        system::create_private_directory(&person.folder)
            .map_err(|error| Failure::file("make the folder", &person.folder, error))?;
        let passphrase = generate_passphrase(&mut SystemEntropy);
        home::write_new(&person.passphrase_file(), format!("{}\n", *passphrase).as_bytes())
    }

    /// A file on its way from one to another.
    fn post(&self, name: &str) -> Outcome<String> {
        let folder = self.folder.join("post");
        system::create_private_directory(&folder).map_err(|error| Failure::file("make the folder", &folder, error))?;
        text_of(&folder.join(name))
    }

    /// An organisation with its key, its own safe and its staff; its card.
    fn set_up(&self, body: &Body) -> Outcome<Value> {
        let Some((first, others)) = body.staff.split_first() else { return Ok(Value::Null) };
        let lead = self.person(body, first);
        self.arrives(&lead)?;
        lead.does(&lead.home(), &["--keeper", self.url, "init", "--name", body.name_ja])?;
        let card = lead.does(&lead.home(), &["office", "make", "--name", body.name, "--name-ja", body.name_ja])?;
        for staff in others {
            let person = self.person(body, staff);
            self.arrives(&person)?;
            let [invite, request] = ["invite", "request"].map(|what| self.post(&format!("{}.{what}", staff.folder)));
            let (invite, request) = (invite?, request?);
            lead.does(&lead.home(), &["space", "invite", "--to", &invite])?;
            let join = ["space", "join", &invite, "--name", staff.name, "--to", &request];
            let asked = person.does(&person.home(), &join)?;
            let admit = ["space", "admit", &request, "--words", word(&asked, "words")?, "--history"];
            let admitted = lead.does(&lead.home(), &admit)?;
            person.does(&person.home(), &["space", "join", "--words", word(&admitted, "words")?])?;
        }
        Ok(card)
    }

    /// A directory of those who have been set up, which everybody has.
    fn publish(&self, cards: &[Value], origin: &str) -> Outcome<Vec<u8>> {
        const STAFF: Staff =
            Staff { folder: "publisher", name: "発行者", does: "publisher", does_ja: "名簿の発行者" };
        let publisher = Person { staff: &STAFF, folder: self.folder.join(STAFF.folder) };
        self.arrives(&publisher)?;
        publisher.does(&publisher.home(), &["init", "--name", "名簿（見本）"])?;
        let mut entries = String::new();
        for (body, card) in BODIES.iter().zip(cards) {
            let Some(kind) = body.kind else { continue };
            let (key, name, name_ja) = (word(card, "key")?, body.name, body.name_ja);
            // Writing to a text does not fail.
            let _ = write!(
                entries,
                "entry {kind}\nkey {key}\nkeeper {origin}\naddress https://sample.example/\nname {name}\nname-ja {name_ja}\n"
            );
        }
        let (from, to) = (self.post("entries")?, self.post("directory")?);
        fs::write(&from, entries).map_err(|error| Failure::file("write", Path::new(&from), error))?;
        publisher.does(&publisher.home(), &["directory", "publish", &from, "--to", &to])?;
        fs::read(&to).map_err(|error| Failure::file("read", Path::new(&to), error))
    }

    /// The company keeps a folder, begins a case, and lets in whoever comes for the centre.
    fn begin_case(&self, note: &[u8]) -> Outcome<(Person, PathBuf)> {
        let [company, centre, ..] = &BODIES;
        let owner = self.person(company, &company.staff[0]);
        let sample = write_sample(&owner.folder.join("sample"))?;
        owner.does(&owner.home(), &["deposit", &text_of(&sample)?, "--series", SERIES])?;
        let (case, invite) = (owner.home().join("cases").join("sample"), self.post("case.invite")?);
        let identity = text_of(&owner.home().join("identity.age"))?;
        let open = ["--keeper", self.url, "case", "open", "--kind", "leak", "--title", "図面の件（見本）"];
        owner.does(&case, &[&open[..], &["--invite", &invite, "--identity", &identity]].concat())?;
        directory::lay_down(&Home::open(&case)?, note)?;
        let told = "退職者1が、最後の出社日に KX-204 の図面の入った媒体を持ち出したようです。（見本）";
        owner.does(&case, &["case", "tell", told])?;
        let lead = self.person(centre, &centre.staff[0]);
        for staff in centre.staff {
            let person = self.person(centre, staff);
            let acting = person.folder.join("case");
            let [request, delegated] =
                ["case.request", "case.delegated"].map(|what| self.post(&format!("{}.{what}", staff.folder)));
            let (request, delegated, own) = (request?, delegated?, text_of(&person.home())?);
            let join = ["space", "join", &invite, "--name", staff.name, "--organisation", &own, "--to", &request];
            person.does(&acting, &join)?;
            lead.does(&lead.home(), &["office", "delegate", &request, "--to", &delegated])?;
            // The directory has the centre's key: nobody compares its words.
            let admitted = owner.does(&case, &["space", "admit", &delegated, "--history"])?;
            person.does(&acting, &["space", "join", "--words", word(&admitted, "words")?])?;
            directory::lay_down(&Home::open(&acting)?, note)?;
        }
        Ok((owner, case))
    }

    fn make(&self, origin: &str) -> Outcome<(PathBuf, PathBuf)> {
        // What one organisation does for itself waits for no other.
        let cards = thread::scope(|scope| {
            let making = BODIES.each_ref().map(|body| scope.spawn(move || self.set_up(body)));
            let stopped = |_| Failure::internal_message("an organisation was not set up");
            making.map(|making| making.join().map_err(stopped).and_then(|made| made))
        });
        let cards = cards.into_iter().collect::<Outcome<Vec<_>>>()?;
        let note = self.publish(&cards, origin)?;
        for (_, person) in people(self.folder) {
            directory::lay_down(&Home::open(&person.home())?, &note)?;
        }
        let (owner, case) = self.begin_case(&note)?;
        let proof = owner.folder.join("proof");
        let prove = ["proof", &format!("latest:{SERIES}"), "--to", &text_of(&proof)?].map(str::to_owned);
        let prove: Vec<&str> = prove.iter().map(String::as_str).collect();
        for tried in 1.. {
            let (code, _, said) = owner.runs(&owner.home(), &prove)?;
            match code {
                Some(0) => break,
                // There is no stamp over it yet.
                Some(4) if tried < STAMP_TRIES => thread::sleep(STAMP_WAIT),
                _ => return Err(Failure::fixable(Words::from(said.trim()))),
            }
        }
        Ok((case, proof))
    }
}

fn word<'v>(said: &'v Value, name: &str) -> Outcome<&'v str> {
    said[name].as_str().ok_or_else(|| Failure::internal_message(format!("the program did not say {name}")))
}

/// A path as an argument of this program.
fn text_of(path: &Path) -> Outcome<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::fixable(words!("{path} is no text", "{path} は文字として読めません", path = shown(path)))
            .hint(words!("Name another folder.", "別のフォルダーを指定してください。"))
    })
}

/// Makes the world in a folder that is not there yet. Nothing is left of one that could not be made.
///
/// # Errors
/// When the folder is there, or somebody cannot do his part.
pub(super) fn make(folder: &Path) -> Outcome<World> {
    let folder = std::path::absolute(folder).map_err(|error| Failure::file("read", folder, error))?;
    let mut scratch = Scratch::make(Some(&folder))?;
    scratch.stays = false;
    let data = folder.join("keeper");
    let (at, (case, proof)) =
        keeper::while_it_answers(&data, STAMP_WAIT, |at| Site { folder: &folder, url: &at.url }.make(&at.origin))?;
    let world = World { folder, keeper: at, case, proof };
    for language in [Language::Japanese, Language::English] {
        let (name, text) = world.page(language);
        let path = world.folder.join(name);
        fs::write(&path, text).map_err(|error| Failure::file("write", &path, error))?;
    }
    scratch.stays = true;
    Ok(world)
}

impl World {
    /// Runs its keeper until it is stopped.
    pub(super) fn keep(&self, told: impl FnOnce()) -> Outcome<()> {
        keeper::answer(&self.folder.join("keeper"), self.keeper.address, told)
    }

    fn keeper_command(&self) -> String {
        format!("hizo keeper --data {} --listen {}", shown(&self.folder.join("keeper")), self.keeper.address)
    }

    pub(super) fn as_json(&self) -> Value {
        let people = people(&self.folder).map(|(body, person)| {
            json!({
                "name": person.staff.name, "does": person.staff.does, "organisation": body.name,
                "organisation_ja": body.name_ja, "kind": body.kind.unwrap_or("company"),
                "home": person.home().to_string_lossy(), "passphrase_file": person.passphrase_file().to_string_lossy(),
                "desk": person.desk(),
            })
        });
        json!({
            "folder": self.folder.to_string_lossy(), "people": people.collect::<Vec<_>>(),
            "keeper": { "url": self.keeper.url, "origin": self.keeper.origin, "command": self.keeper_command() },
            "case": self.case.to_string_lossy(), "proof": self.proof.to_string_lossy(),
        })
    }

    /// What stands in the folder, for whoever finds it.
    fn page(&self, language: Language) -> (&'static str, String) {
        let console = Console { json: false, quiet: false, language };
        let name = if language == Language::Japanese { "はじめに.txt" } else { "README.txt" };
        (name, self.lines().iter().map(|line| console.say(line.clone()) + "\n").collect())
    }

    /// What people are told of it.
    pub(super) fn lines(&self) -> Vec<Words> {
        let mut lines = vec![
            words!(
                "A demonstration: everybody here is made up, and one folder holds everybody's keys. Keep nothing real in it.",
                "これは見本です。登場する会社も機関も作りもので、全員の鍵がこのフォルダーにあります。本物の秘密を預けないでください。"
            ),
            Words::from(""),
        ];
        for (body, person) in people(&self.folder) {
            let Staff { name, does, does_ja, .. } = person.staff;
            lines.push(Words::both(
                format!("{name}, {does}, {}", body.name),
                format!("{name}　{does_ja}　{}", body.name_ja),
            ));
            lines.push(Words::from(format!("    {}", person.desk())));
            lines.push(words!(
                "    passphrase: the first line of {file}",
                "    パスフレーズ: {file} の1行目",
                file = shown(&person.passphrase_file())
            ));
        }
        lines.extend([
            Words::from(""),
            words!(
                "The company has kept a folder and proved it ({proof}), and begun a case; the centre's counsellor and deputy are in it.",
                "会社はフォルダーを預けて証明し（{proof}）、相談を始めています。窓口の相談員と代理が加わっています。",
                proof = shown(&self.proof)
            ),
            words!(
                "The keeper, when it does not run: {command}",
                "預け先が動いていないときは: {command}",
                command = self.keeper_command()
            ),
            words!("To be rid of all this, delete the folder.", "不要になったら、フォルダーごと消してください。"),
        ]);
        lines
    }
}
