//! Writes `docs/bench.md` from `bench/results.json`: goals first, then everything that was measured.

use std::fmt::Write;
use std::fs;

use serde_json::{Map, Value};

use crate::bench::measure::median;
use crate::shell::{self, About, Result};

/// The deduplicating peers; the fastest of them is the one to beat.
const RIVALS: [&str; 3] = ["restic", "rustic", "borg"];
const PROGRAMS: [&str; 6] = ["hizo", "restic", "rustic", "borg", "age", "cp"];
const SETS: [(&str, &str); 3] = [("big", "2 GiB file"), ("tree", "toolchain folder"), ("small", "20,000 small files")];
const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1024.0 * MIB;
const PEAK_MAX_MIB: f64 = 200.0;

/// One line of the goals: what was asked, what came out, and whether that is enough.
struct Goal {
    what: String,
    asked: String,
    measured: String,
    ratio: String,
    met: Option<bool>,
}

pub(crate) fn write(results: &Map<String, Value>, quick: bool) -> Result<()> {
    let page = Page { results: Value::Object(results.clone()) };
    let text = page.text(quick)?;
    let path = if quick { shell::scratch("bench").join("quick.md") } else { shell::root().join("docs/bench.md") };
    fs::write(&path, text).about(&path)?;
    println!("\nwritten: {}", path.display());
    Ok(())
}

struct Page {
    results: Value,
}

impl Page {
    fn text(&self, quick: bool) -> Result<String> {
        let mut text = String::from("# Benchmarks\n\n");
        if quick {
            text.push_str("**A quick run: one round, smaller data. No goal is judged by it.**\n\n");
        }
        text.push_str(
            "Written by `cargo xtask bench` from `bench/results.json`. hizo and its peers do the same things in the same \
             run: warm cache, a fresh repository for every round, the order of programs turned from round to round; \
             figures are medians.\n\n## Goals\n\n",
        );
        text.push_str(&goal_table(&self.goals(), quick));
        text.push_str(
            "\nTimes that judge a goal are without unlocking: the wall time of a command on the same repository that only \
             unlocks it is subtracted from every peer's figure, and from hizo's restores. hizo deposits without \
             unlocking anything, so nothing is subtracted there. Both figures stand below.\n\n",
        );
        let notes = shell::root().join("bench/notes.md");
        if let Ok(notes) = fs::read_to_string(&notes) {
            let _ = writeln!(text, "{}\n", notes.trim());
        }
        for (set, name) in SETS {
            text.push_str(&self.set(set, name));
        }
        text.push_str(&self.log());
        text.push_str(&self.keeper());
        text.push_str(&self.desk());
        text.push_str(&self.memory());
        text.push_str(&self.ground());
        Ok(text)
    }

    fn goals(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        for (set, name) in SETS {
            goals.push(self.faster(set, "deposit", &format!("first deposit, {name}"), 3.0));
        }
        goals.push(self.beside("big", "deposit", "age", "first deposit, 2 GiB file, beside `age`", 1.4));
        goals.push(self.faster("tree", "second", "second deposit, 1 % of files changed", 2.0));
        for (set, name) in SETS {
            goals.push(self.restore(set, &format!("restore, {name}")));
        }
        goals.push(self.peak());
        goals.extend(self.slope());
        goals.push(self.growth());
        goals.extend(self.log_goals());
        goals.extend(self.keeper_goals());
        goals.extend(self.desk_goals());
        goals.push(self.build());
        for (set, name) in SETS {
            goals.push(self.size(set, &format!("stored size, {name}")));
        }
        for (set, name) in SETS {
            goals.push(self.limit(set, &format!("CPU beside the sum of its parts, {name}")));
        }
        goals
    }

    fn faster(&self, set: &str, act: &str, what: &str, times: f64) -> Goal {
        let asked = format!("at least {times}x faster than the fastest peer");
        let (Some(own), Some((rival, theirs))) = (self.wall(set, "hizo", act), self.fastest(set, act)) else {
            return Goal::open(what, &asked);
        };
        let measured = format!("{own:.2} s; {rival} {theirs:.2} s");
        Goal::judged(what, &asked, measured, format!("{:.1}x", theirs / own), theirs / own >= times)
    }

    fn beside(&self, set: &str, act: &str, peer: &str, what: &str, times: f64) -> Goal {
        let asked = format!("within {times}x");
        let (Some(own), Some(theirs)) = (self.wall(set, "hizo", act), self.wall(set, peer, act)) else {
            return Goal::open(what, &asked);
        };
        let measured = format!("{own:.2} s; {peer} {theirs:.2} s");
        Goal::judged(what, &asked, measured, format!("{:.2}", own / theirs), own / theirs <= times)
    }

    fn restore(&self, set: &str, what: &str) -> Goal {
        let asked = "at least 1.5x faster than the fastest peer, or within 1.5x of `cp -a`";
        let floor = self.wall(set, "cp", "restore");
        let (Some(own), Some((rival, theirs)), Some(floor)) =
            (self.without_unlocking(set, "hizo", "restore"), self.fastest(set, "restore"), floor)
        else {
            return Goal::open(what, asked);
        };
        let measured = format!("{own:.2} s; {rival} {theirs:.2} s; cp {floor:.2} s");
        let ratio = format!("{:.1}x; {:.2} of cp", theirs / own, own / floor);
        Goal::judged(what, asked, measured, ratio, theirs / own >= 1.5 || own / floor <= 1.5)
    }

    fn peak(&self) -> Goal {
        let (what, asked) = ("peak memory, all sets, deposit and restore", "at most 200 MiB");
        let mut peaks = Vec::new();
        for (set, _) in SETS {
            for act in ["deposit", "second", "restore"] {
                peaks.extend(self.middle(set, "hizo", act, "peak_bytes").map(|bytes| (bytes / MIB, set, act)));
            }
        }
        match peaks.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((peak, set, act)) => {
                let ratio = format!("{:.2}", peak / PEAK_MAX_MIB);
                Goal::judged(what, asked, format!("{peak:.0} MiB ({act}, {set})"), ratio, peak <= PEAK_MAX_MIB)
            }
            None => Goal::open(what, asked),
        }
    }

    fn slope(&self) -> Vec<Goal> {
        let (flat, asked) = ("peak memory against bytes, one file", "flat: at most 1 MiB more for each GB");
        let points = self.points();
        let by_bytes: Vec<_> = points.iter().filter(|point| !point.what.contains("entries")).collect();
        let mut goals = vec![match (by_bytes.first(), by_bytes.last()) {
            (Some(low), Some(high)) if high.bytes > low.bytes => {
                let slope = (high.peak_mib() - low.peak_mib()) / ((high.bytes - low.bytes) / 1e9);
                let measured = format!(
                    "{:.0} MiB at {:.0} GB; {:.0} MiB at {:.0} GB",
                    low.peak_mib(),
                    low.bytes / 1e9,
                    high.peak_mib(),
                    high.bytes / 1e9
                );
                Goal::judged(flat, asked, measured, format!("{slope:.2} MiB/GB"), slope <= 1.0)
            }
            _ => Goal::open(flat, asked),
        }];
        for (entries, limit) in [(250_000.0, 200.0), (4_194_303.0, 600.0)] {
            let what = format!("peak memory, {entries:.0} entries");
            let asked = format!("at most {limit:.0} MiB");
            goals.push(match points.iter().find(|point| point.what == format!("{entries:.0} entries")) {
                Some(point) => {
                    let peak = point.peak_mib();
                    Goal::judged(&what, &asked, format!("{peak:.0} MiB"), format!("{:.2}", peak / limit), peak <= limit)
                }
                None => Goal::open(&what, &asked),
            });
        }
        goals
    }

    fn growth(&self) -> Goal {
        let (what, asked) = ("growth after 54 kB of changes in 400 files", "at most 1.5 MB");
        let Some(own) = self.size_of("tree", "hizo", "growth") else { return Goal::open(what, asked) };
        let least = RIVALS.iter().filter_map(|peer| Some((self.size_of("tree", peer, "growth")?, *peer)));
        let beside = least.min_by(|a, b| a.0.total_cmp(&b.0));
        let all = self.sizes_of("tree", "hizo", "growth");
        let (least_own, most_own) = all.iter().fold((f64::MAX, 0.0), |(a, b): (f64, f64), c| (a.min(*c), b.max(*c)));
        let measured = format!(
            "{:.2} MB, median of {} change sets ({:.2} to {:.2})",
            own / 1e6,
            all.len(),
            least_own / 1e6,
            most_own / 1e6
        );
        let ratio = beside.map_or_else(String::new, |(bytes, peer)| format!("{peer}: {:.2} MB", bytes / 1e6));
        Goal::judged(what, asked, measured, ratio, own <= 1.5e6)
    }

    fn build(&self) -> Goal {
        let (what, asked) = ("clean build of the first command, downloads excluded", "at most 240 s");
        let wall = self.results["build"]["taken"]["wall_s"].as_f64();
        wall.map_or_else(
            || Goal::open(what, asked),
            |wall| Goal::judged(what, asked, format!("{wall:.0} s"), format!("{:.2}", wall / 240.0), wall <= 240.0),
        )
    }

    fn size(&self, set: &str, what: &str) -> Goal {
        let asked = "within 5 % of restic";
        let (Some(own), Some(theirs)) = (self.size_of(set, "hizo", "stored"), self.size_of(set, "restic", "stored"))
        else {
            return Goal::open(what, asked);
        };
        let measured = format!("{:.1} MB; restic {:.1} MB", own / 1e6, theirs / 1e6);
        Goal::judged(what, asked, measured, format!("{:.3}", own / theirs), own / theirs <= 1.05)
    }

    fn limit(&self, set: &str, what: &str) -> Goal {
        let asked = "within 1.3x";
        let gib = self.bytes(set) / GIB;
        let (Some(own), Some(sum)) = (self.middle(set, "hizo", "deposit", "cpu_s"), self.part(set, "sum_s")) else {
            return Goal::open(what, asked);
        };
        let measured = format!("{:.2} s/GiB; parts {:.2} s/GiB", own / gib, sum / gib);
        Goal::judged(what, asked, measured, format!("{:.2}", own / sum), own / sum <= 1.3)
    }

    /// Everything measured on one set.
    fn set(&self, set: &str, name: &str) -> String {
        let session = &self.results[set];
        if session.is_null() {
            return format!("## {name}\n\nNot measured.\n\n");
        }
        let mut text = format!(
            "## {name}\n\n{} files, {:.3} GB; {} rounds on {}. Wall seconds (without unlocking) / CPU seconds / peak MiB.\n\n",
            session["files"],
            self.bytes(set) / 1e9,
            session["rounds"],
            self.when(set),
        );
        text.push_str("| | unlock | deposit | second, 1 % changed | the same, every file read | restore | restore one file | check all | stored MB | growth MB |\n|---|---|---|---|---|---|---|---|---|---|\n");
        for program in PROGRAMS.into_iter().filter(|program| !session["programs"][program].is_null()) {
            let mut cells = vec![self.cell(set, program, "empty")];
            for act in ["deposit", "second", "reread", "restore", "restore-one", "check"] {
                cells.push(self.cell(set, program, act));
            }
            for size in ["stored", "growth"] {
                let bytes = self.size_of(set, program, size);
                cells.push(bytes.map_or_else(String::new, |bytes| format!("{:.2}", bytes / 1e6)));
            }
            let _ = writeln!(text, "| {program} | {} |", cells.join(" | "));
        }
        if let Some(faults) = session["faults"].as_object() {
            for (program, fault) in faults {
                let _ = writeln!(text, "\n{program}: {}", fault.as_str().unwrap_or("?"));
            }
        }
        text.push_str(&self.parts(set));
        text
    }

    /// The median of a figure over the rounds of the log's session.
    fn appends(&self, path: &[&str]) -> Option<f64> {
        rounds_of(&self.results["log"]["appends"], path)
    }

    fn log_figure(&self, path: &[&str]) -> Option<f64> {
        path.iter().fold(&self.results["log"], |value, key| &value[*key]).as_f64()
    }

    /// Seconds of one file's proof without unlocking.
    fn proof_built(&self) -> Option<f64> {
        let proof = &self.results["log"]["proof"];
        let wall = |act: &str| {
            let rounds = proof[act].as_array()?;
            median(&rounds.iter().filter_map(|taken| taken["wall_s"].as_f64()).collect::<Vec<_>>())
        };
        Some((wall("built")? - wall("unlocked")?).max(0.0))
    }

    fn log_goals(&self) -> Vec<Goal> {
        let at_most = |what: &str, value: Option<f64>, most: f64, unit: &str, scale: f64| {
            let asked = format!("at most {most} {unit}");
            value.map(|value| value * scale).map_or_else(
                || Goal::open(what, &asked),
                |value| {
                    let ratio = format!("{:.2}", value / most);
                    Goal::judged(what, &asked, format!("{value:.2} {unit}"), ratio, value <= most)
                },
            )
        };
        let large = |path: &[&str]| self.log_figure(&[&["large"], path].concat());
        vec![
            self.append_goal(),
            at_most("append to checkpoint with tiles, p99", self.appends(&["checkpoint_s", "p99"]), 1.0, "s", 1.0),
            at_most("proof out of 10 million records, p99", large(&["proved", "p99_s"]), 5.0, "ms", 1e3),
            at_most("start-up with 10 million records", large(&["started", "opened_s"]), 1.0, "s", 1.0),
            self.check_goal(),
            self.flat_goal(),
            at_most("verify one bundle", self.log_figure(&["proof", "verified", "median_s"]), 10.0, "ms", 1e3),
            self.openssl_goal(),
            at_most("bundle of one file out of 100,000", self.log_figure(&["proof", "bundle_bytes"]), 40.0, "kB", 1e-3),
            at_most("its building, after unlocking", self.proof_built(), 1.0, "s", 1.0),
        ]
    }

    fn append_goal(&self) -> Goal {
        let (what, asked) = ("durable appends, each with a signed receipt", "at least 10,000 a second");
        let Some(rate) = self.appends(&["per_second"]) else { return Goal::open(what, asked) };
        let syncs = self.log_figure(&["syncs", "syncs"]).zip(self.log_figure(&["syncs", "records"]));
        let syncs =
            syncs.map_or_else(String::new, |(syncs, records)| format!("; {:.3} syncs a record", syncs / records));
        Goal::judged(what, asked, format!("{rate:.0} a second{syncs}"), format!("{:.2}", rate / 1e4), rate >= 1e4)
    }

    fn check_goal(&self) -> Goal {
        let (what, asked) = ("check of 10 million records", "bound by hashing: within 3x of it");
        let figure = |act| self.log_figure(&["large", act, "wall_s"]);
        let (Some(own), Some(hashed)) = (figure("checked"), figure("hashed")) else { return Goal::open(what, asked) };
        let measured = format!("{own:.1} s; hashing alone {hashed:.1} s");
        Goal::judged(what, asked, measured, format!("{:.1}", own / hashed), own / hashed <= 3.0)
    }

    fn flat_goal(&self) -> Goal {
        let (what, asked) = ("memory of that check", "flat: at most 200 MiB");
        let figure = |act| self.log_figure(&["large", act, "peak_bytes"]).map(|bytes| bytes / MIB);
        let (Some(low), Some(high)) = (figure("checked_small"), figure("checked")) else {
            return Goal::open(what, asked);
        };
        let measured = format!("{low:.0} MiB at a tenth; {high:.0} MiB");
        Goal::judged(what, asked, measured, format!("{:.2}", high / PEAK_MAX_MIB), high <= PEAK_MAX_MIB)
    }

    fn openssl_goal(&self) -> Goal {
        let (what, asked) = ("whole bundles in one process, beside `openssl ts -verify`", "at least 2x faster");
        let own = self.log_figure(&["proof", "verified", "wall_s"]);
        let times = self.log_figure(&["proof", "verified", "times"]);
        let (Some(own), Some(theirs), Some(times)) = (own, self.log_figure(&["proof", "openssl_s"]), times) else {
            return Goal::open(what, asked);
        };
        let measured = format!("{times:.0} in {own:.2} s; openssl {theirs:.2} s");
        Goal::judged(what, asked, measured, format!("{:.1}x", theirs / own), theirs / own >= 2.0)
    }

    /// Everything measured on the log.
    fn log(&self) -> String {
        let session = &self.results["log"];
        if session.is_null() {
            return "## The log\n\nNot measured.\n\n".to_owned();
        }
        let shown = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |value| format!("{value:.3}"));
        let mut text = format!(
            "## The log\n\n{} rounds on {}. Records signed beforehand, without bodies, appended from 256 spaces by as many \
             threads of one process; each append returns when its record is durable, and is answered by a signed \
             receipt; one more thread publishes, five times a second at most.\n\n| | |\n|---|---|\n",
            session["rounds"],
            self.when("log"),
        );
        let cpu = self.appends(&["cpu_s"]).zip(self.appends(&["records"])).map(|(cpu, records)| cpu / records * 1e3);
        let large = |path: &[&str]| self.log_figure(&[&["large"], path].concat());
        for (what, value) in [
            ("records a second", self.appends(&["per_second"])),
            ("CPU milliseconds a record, publishing included", cpu),
            ("append to receipt, median s", self.appends(&["receipt_s", "median"])),
            ("append to receipt, p99 s", self.appends(&["receipt_s", "p99"])),
            ("append to checkpoint, median s", self.appends(&["checkpoint_s", "median"])),
            ("append to checkpoint, p99 s", self.appends(&["checkpoint_s", "p99"])),
            ("heads published", self.appends(&["published"])),
            ("records of the large log", large(&["started", "records"])),
            ("writing them to the journal, s", large(&["grown", "written_s"])),
            ("publishing them, s", large(&["grown", "published_s"])),
            ("opening it, s", large(&["started", "opened_s"])),
            ("opening it, appending and publishing one more, s", large(&["started", "published_s"])),
            ("a proof, median s", large(&["proved", "median_s"])),
            ("a bundle verified, median s", self.log_figure(&["proof", "verified", "median_s"])),
        ] {
            let _ = writeln!(text, "| {what} | {} |", shown(value));
        }
        text.push('\n');
        text
    }

    /// The median over the rounds of one part of the keeper's session.
    fn keeper_figure(&self, part: &str, path: &[&str]) -> Option<f64> {
        rounds_of(&self.results["keeper"][part], path)
    }

    /// What an act takes with many accounts, over what it takes with few; the median over rounds of medians.
    fn account_figure(&self, at: usize, act: &str) -> Option<f64> {
        rounds_of(&self.results["keeper"]["accounts"][at]["rounds"], &[act, "median_s"])
    }

    fn keeper_goals(&self) -> Vec<Goal> {
        let mut goals = vec![self.over_tls_goal(), self.deposits_goal()];
        let (what, asked) = ("reads of records and of tiles, by turns", "at least 20,000 a second");
        goals.push(self.keeper_figure("reads", &["both"]).map_or_else(
            || Goal::open(what, asked),
            |rate| Goal::judged(what, asked, format!("{rate:.0} a second"), format!("{:.2}", rate / 2e4), rate >= 2e4),
        ));
        for act in ["append", "list", "proof"] {
            let (what, asked) = (format!("{act} with 100,000 accounts, beside 1,000"), "within 1.5x");
            goals.push(self.account_figure(1, act).zip(self.account_figure(0, act)).map_or_else(
                || Goal::open(&what, asked),
                |(many, few)| {
                    let measured = format!("{:.1} ms; {:.1} ms", many * 1e3, few * 1e3);
                    Goal::judged(&what, asked, measured, format!("{:.2}", many / few), many / few <= 1.5)
                },
            ));
        }
        let (what, asked) = ("memory of a keeper, 1,000 uploads at once", "at most 300 MiB");
        let peak = self.results["keeper"]["uploads_peak_bytes"].as_f64().map(|bytes| bytes / MIB);
        goals.push(peak.map_or_else(
            || Goal::open(what, asked),
            |peak| Goal::judged(what, asked, format!("{peak:.0} MiB"), format!("{:.2}", peak / 300.0), peak <= 300.0),
        ));
        goals.push(self.many_safes_goal());
        goals
    }

    fn many_safes_goal(&self) -> Goal {
        let (what, asked) = ("new keys in 5,000 safes after a removal", "under a minute");
        let taken = &self.results["keeper"]["many_safes"];
        let (Some(safes), Some(wall)) = (taken["safes"].as_u64(), taken["wall_s"].as_f64()) else {
            return Goal::open(what, asked);
        };
        Goal::judged(
            what,
            asked,
            format!("{safes} in {wall:.1} s"),
            format!("{:.2}", wall / 60.0),
            safes > 5_000 && wall < 60.0,
        )
    }

    fn over_tls_goal(&self) -> Goal {
        let (what, asked) = ("first deposit over TLS, 2 GiB file", "at least 3x faster than restic to rclone");
        let wall = |name: &str| rounds_of(&self.results["keeper"]["over_tls"][name], &["client", "wall_s"]);
        let (Some(own), Some(theirs)) = (wall("hizo"), wall("restic")) else { return Goal::open(what, asked) };
        let measured = format!("{own:.2} s; restic {theirs:.2} s");
        Goal::judged(what, asked, measured, format!("{:.1}x", theirs / own), theirs / own >= 3.0)
    }

    fn deposits_goal(&self) -> Goal {
        let (what, asked) = ("deposits of 1 KiB, from 64 clients", "at least 1,000 a second, p99 at most 250 ms");
        let figure = |path: &[&str]| self.keeper_figure("deposits", path);
        let (Some(rate), Some(p99)) = (figure(&["per_second"]), figure(&["p99_s"])) else {
            return Goal::open(what, asked);
        };
        let measured = format!("{rate:.0} a second; p99 {:.0} ms", p99 * 1e3);
        Goal::judged(what, asked, measured, format!("{:.2}", rate / 1e3), rate >= 1e3 && p99 <= 0.25)
    }

    /// Everything measured on the keeper's service.
    fn keeper(&self) -> String {
        let session = &self.results["keeper"];
        if session.is_null() {
            return "## The keeper's service\n\nNot measured.\n\n".to_owned();
        }
        let shown = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |value| format!("{value:.3}"));
        let mut text = format!(
            "## The keeper's service\n\n{} rounds on {}. The service and whoever asks it share this machine. A small deposit is a \
             pack of 1 KiB, the list that names it, and the record, three requests one after the other, over plain HTTP; 16 \
             connections read. Of 1,000 uploads of 4 MiB all are half sent before the first one is whole. Each of the accounts has \
             one space of 30 records; eight clients ask for a thousand of them here and there, two keepers by turns. A proof is the \
             checkpoint and all tiles from the leaf to it, read and put together as every client does.\n\n| | |\n|---|---|\n",
            session["rounds"],
            self.when("keeper"),
        );
        let figure = |part, path: &[&str]| self.keeper_figure(part, path);
        let tls = |name: &str, path: &[&str]| rounds_of(&session["over_tls"][name], path);
        for (what, value) in [
            ("small deposits a second", figure("deposits", &["per_second"])),
            ("one of them, median s", figure("deposits", &["median_s"])),
            ("one of them, p99 s", figure("deposits", &["p99_s"])),
            ("tiles read a second", figure("reads", &["tiles"])),
            ("records read a second", figure("reads", &["records"])),
            ("both by turns, a second", figure("reads", &["both"])),
            ("1,000 uploads of 4 MiB, s", session["uploads"]["wall_s"].as_f64()),
            ("writing down 100,000 accounts, s", session["accounts"][1]["grown"]["wall_s"].as_f64()),
            (
                "memory of a keeper with them, MiB",
                session["accounts"][1]["peak_bytes"].as_f64().map(|bytes| bytes / MIB),
            ),
            ("2 GiB over TLS, hizo, CPU s", tls("hizo", &["client", "cpu_s"])),
            ("its keeper, CPU s", tls("hizo", &["server_cpu_s"])),
            ("2 GiB over TLS, restic, CPU s", tls("restic", &["client", "cpu_s"])),
            ("its rclone, CPU s", tls("restic", &["server_cpu_s"])),
        ] {
            let _ = writeln!(text, "| {what} | {} |", shown(value));
        }
        text.push('\n');
        text
    }

    fn desk_goals(&self) -> Vec<Goal> {
        let desk = &self.results["desk"];
        let unlocked = |which: &str, key: &str| rounds_of(&desk["records"][which], &[key]);
        let work = unlocked("again", "passphrase_s");
        let judged = |what: &str, asked: &str, seconds: Option<f64>, most: f64| match seconds {
            Some(seconds) => {
                let measured = format!("{seconds:.2} s");
                Goal::judged(what, asked, measured, format!("{:.2}", seconds / most), seconds <= most)
            }
            None => Goal::open(what, asked),
        };
        let first = unlocked("again", "first_s").zip(work).map(|(first, work)| (first - work).max(0.0));
        let cold = unlocked("cold", "unlocked_s").zip(work).map(|(cold, work)| cold - work);
        let mut goals = vec![
            judged("first page of 100,000 records, as they were seen last", "at most 0.3 s", first, 0.3),
            judged("the safe itself open, progress shown", "at most 15 s", cold, 15.0),
        ];
        let pages = [("10,000 deposits", &desk["deposits"]["seen"]), ("5,000 cases", &desk["cases"]["seen"])];
        for (of, seen) in pages {
            let (what, asked) = (format!("slowest page with {of}; heaviest one"), "at most 150 ms; at most 150 kB");
            let (slowest, heaviest) = (extreme(seen, "max_ms"), extreme(seen, "bytes"));
            goals.push(slowest.zip(heaviest).map_or_else(
                || Goal::open(&what, asked),
                |((slow, ms), (heavy, bytes))| {
                    let measured =
                        format!("{ms:.0} ms ({}); {:.0} kB ({})", kind_of(slow), bytes / 1e3, kind_of(heavy));
                    let ratio = format!("{:.2}; {:.2}", ms / 150.0, bytes / 150e3);
                    Goal::judged(&what, asked, measured, ratio, ms <= 150.0 && bytes <= 150e3)
                },
            ));
        }
        let (what, asked) = ("1 GB through the page, beside `hizo deposit`", "at least 0.4x its speed");
        let by = |way: &str| rounds_of(&desk["drop"][way], &["wall_s"]);
        goals.push(by("page").zip(by("command")).map_or_else(
            || Goal::open(what, asked),
            |(page, command)| {
                let measured = format!("{page:.2} s; {command:.2} s");
                Goal::judged(what, asked, measured, format!("{:.2}x", command / page), command / page >= 0.4)
            },
        ));
        goals
    }

    /// Everything measured at the desk.
    fn desk(&self) -> String {
        let session = &self.results["desk"];
        if session.is_null() {
            return "## The desk\n\nNot measured.\n\n".to_owned();
        }
        let unlocked = |which: &str, key: &str| {
            rounds_of(&session["records"][which], &[key]).map_or_else(|| "?".to_owned(), |value| format!("{value:.2}"))
        };
        let mut text = format!(
            "## The desk\n\n{} rounds on {}, over HTTP on this machine, nothing drawn. A page is asked for twenty times. The passphrase by itself \
             takes {} s, which the goals leave out. With 100,000 records, the first page came after {} s and the safe was open after {} s where \
             it had been seen before, {} s where it had not. A look after one more of 10,000 deposits was made took {:.0} ms. The list of 5,000 cases \
             was whole {:.0} s after it was first asked for, shown from the first moment.\n\n| page | first ms | then, median | slowest | kB |\n|---|---|---|---|---|\n",
            session["rounds"],
            self.when("desk"),
            unlocked("again", "passphrase_s"),
            unlocked("again", "first_s"),
            unlocked("again", "unlocked_s"),
            unlocked("cold", "unlocked_s"),
            session["deposits"]["grown"]["looked_ms"].as_f64().unwrap_or(f64::NAN),
            session["cases"]["seen"]["pages"]["/cases"]["settled_s"].as_f64().unwrap_or(f64::NAN),
        );
        for (of, name) in [("deposits", "10,000 deposits"), ("cases", "5,000 cases")] {
            for (page, seen) in session[of]["seen"]["pages"].as_object().into_iter().flatten() {
                let figure = |key: &str| seen[key].as_f64().unwrap_or(f64::NAN);
                let (page, bytes) = (kind_of(page), figure("bytes") / 1e3);
                let _ = writeln!(
                    text,
                    "| {page}, {name} | {:.1} | {:.1} | {:.1} | {bytes:.1} |",
                    figure("first_ms"),
                    figure("median_ms"),
                    figure("max_ms")
                );
            }
        }
        text.push('\n');
        text
    }

    /// The day and the commit at which a session was measured.
    fn when(&self, session: &str) -> String {
        let word = |key: &str| self.results[session][key].as_str().unwrap_or("?");
        format!("{} at commit {}", word("made"), word("commit"))
    }

    fn cell(&self, set: &str, program: &str, act: &str) -> String {
        let Some(wall) = self.wall(set, program, act) else { return String::new() };
        let value = |field| self.middle(set, program, act, field).unwrap_or(f64::NAN);
        let bare = match self.without_unlocking(set, program, act) {
            Some(bare) if act != "empty" => format!(" ({bare:.2})"),
            _ => String::new(),
        };
        format!("{wall:.2}{bare} / {:.1} / {:.0}", value("cpu_s"), value("peak_bytes") / MIB)
    }

    fn parts(&self, set: &str) -> String {
        let (Some(sum), gib) = (self.part(set, "sum_s"), self.bytes(set) / GIB) else { return "\n".to_owned() };
        let names = self.results[set]["parts"][0]["cpu_s"].as_object().cloned().unwrap_or_default();
        let mut cells = Vec::new();
        for name in names.keys() {
            let values: Vec<f64> = self.rounds(set, |part| part["cpu_s"][name].as_f64());
            cells.push(format!("{name} {:.2}", median(&values).unwrap_or(f64::NAN) / gib));
        }
        format!("\nThe parts by themselves, CPU seconds per GiB: {}; together {:.2}.\n\n", cells.join(", "), sum / gib)
    }

    fn memory(&self) -> String {
        let mut text = String::from("## Memory of hizo\n\n");
        if let Some(fault) = MEMORY_SESSIONS.iter().find_map(|name| self.results[*name]["fault"].as_str()) {
            let _ = writeln!(text, "{fault}\n");
            return text;
        }
        let when: Vec<String> = MEMORY_SESSIONS.iter().map(|name| format!("`{name}` on {}", self.when(name))).collect();
        let _ = writeln!(text, "Peak MiB; {}.\n", when.join(", "));
        text.push_str("| set | deposit | restore | check |\n|---|---|---|---|\n");
        for point in self.points() {
            let shown = |bytes: Option<f64>| bytes.map_or_else(String::new, |bytes| format!("{:.0}", bytes / MIB));
            let (deposit, restore, check) = (shown(point.deposit), shown(point.restore), shown(point.check));
            let _ = writeln!(text, "| {} | {deposit} | {restore} | {check} |", point.what);
        }
        text.push('\n');
        text
    }

    fn ground(&self) -> String {
        let machine = &self.results["machine"];
        let word = |key: &str| machine[key].as_str().unwrap_or("?").to_owned();
        let mut text = format!(
            "## Ground\n\n{}, {} cores, {} GiB of memory, {}; {}. The clean build on {}.\n\n| program | version |\n|---|---|\n",
            word("cpu"),
            machine["cores"],
            machine["memory_gib"],
            word("system"),
            word("rustc"),
            self.when("build"),
        );
        for program in PROGRAMS {
            let about = &self.results["programs"][program];
            let version = about["version"].as_str().map(str::to_owned);
            let fault = || format!("cannot be had: {}", about["fault"].as_str().unwrap_or("?"));
            let _ = writeln!(text, "| {program} | {} |", version.unwrap_or_else(fault));
        }
        text.push_str(GROUND);
        text
    }

    /// Wall time without the time that unlocking alone takes.
    fn without_unlocking(&self, set: &str, program: &str, act: &str) -> Option<f64> {
        let wall = self.wall(set, program, act)?;
        let deposits = ["deposit", "second", "reread"].contains(&act);
        if program == "hizo" && deposits {
            return Some(wall);
        }
        Some((wall - self.wall(set, program, "empty").unwrap_or(0.0)).max(0.0))
    }

    fn fastest(&self, set: &str, act: &str) -> Option<(&'static str, f64)> {
        let times = RIVALS.iter().filter_map(|peer| Some((*peer, self.without_unlocking(set, peer, act)?)));
        times.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn wall(&self, set: &str, program: &str, act: &str) -> Option<f64> {
        self.middle(set, program, act, "wall_s")
    }

    fn middle(&self, set: &str, program: &str, act: &str, field: &str) -> Option<f64> {
        let taken = self.results[set]["programs"][program][act].as_array()?;
        median(&taken.iter().filter_map(|one| one[field].as_f64()).collect::<Vec<_>>())
    }

    fn size_of(&self, set: &str, program: &str, size: &str) -> Option<f64> {
        median(&self.sizes_of(set, program, size))
    }

    fn sizes_of(&self, set: &str, program: &str, size: &str) -> Vec<f64> {
        let sizes = self.results[set]["sizes"][program][size].as_array();
        sizes.map(|sizes| sizes.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
    }

    fn bytes(&self, set: &str) -> f64 {
        self.results[set]["bytes"].as_f64().unwrap_or(f64::NAN)
    }

    fn part(&self, set: &str, name: &str) -> Option<f64> {
        median(&self.rounds(set, |part| part[name].as_f64()))
    }

    fn rounds(&self, set: &str, value: impl Fn(&Value) -> Option<f64>) -> Vec<f64> {
        self.results[set]["parts"].as_array().map(|parts| parts.iter().filter_map(value).collect()).unwrap_or_default()
    }

    fn points(&self) -> Vec<Point> {
        let points = MEMORY_SESSIONS.iter().filter_map(|name| self.results[*name]["points"].as_array());
        points.flatten().map(Point::read).collect()
    }
}

/// The median of a figure over rounds.
fn rounds_of(rounds: &Value, path: &[&str]) -> Option<f64> {
    let figure = |round: &Value| path.iter().fold(round, |value, key| &value[*key]).as_f64();
    median(&rounds.as_array()?.iter().filter_map(figure).collect::<Vec<_>>())
}

/// The page with the largest such figure, and that.
fn extreme<'v>(seen: &'v Value, key: &str) -> Option<(&'v str, f64)> {
    let pages = seen["pages"].as_object()?.iter();
    let figures = pages.filter_map(|(page, figures)| Some((page.as_str(), figures[key].as_f64()?)));
    figures.max_by(|(_, one), (_, other)| one.total_cmp(other))
}

/// A page without the ids in its path.
fn kind_of(page: &str) -> String {
    let is_id = |part: &&str| part.len() >= 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (path, query) = page.split_once('?').map_or((page, ""), |(path, query)| (path, query));
    let path: Vec<&str> = path.split('/').map(|part| if is_id(&part) { "…" } else { part }).collect();
    if query.is_empty() { path.join("/") } else { format!("{}?{query}", path.join("/")) }
}

/// In which peak memory is measured.
const MEMORY_SESSIONS: [&str; 3] = ["bytes", "long", "entries"];

/// Peak memory on one set.
struct Point {
    what: String,
    bytes: f64,
    deposit: Option<f64>,
    restore: Option<f64>,
    check: Option<f64>,
}

impl Point {
    fn read(value: &Value) -> Self {
        Self {
            what: value["what"].as_str().unwrap_or("?").to_owned(),
            bytes: value["bytes"].as_f64().unwrap_or(f64::NAN),
            deposit: value["deposit"].as_f64(),
            restore: value["restore"].as_f64(),
            check: value["check"].as_f64(),
        }
    }

    /// The largest of deposit, restore and check.
    fn peak_mib(&self) -> f64 {
        [self.deposit, self.restore, self.check].into_iter().flatten().fold(f64::NAN, f64::max) / MIB
    }
}

impl Goal {
    fn open(what: &str, asked: &str) -> Self {
        let measured = "not measured".to_owned();
        Self { what: what.to_owned(), asked: asked.to_owned(), measured, ratio: String::new(), met: None }
    }

    fn judged(what: &str, asked: &str, measured: String, ratio: String, met: bool) -> Self {
        Self { what: what.to_owned(), asked: asked.to_owned(), measured, ratio, met: Some(met) }
    }
}

fn goal_table(goals: &[Goal], quick: bool) -> String {
    let mut text = String::from("| | goal | measured | ratio | met |\n|---|---|---|---|---|\n");
    for goal in goals {
        let met = match goal.met {
            _ if quick => "–",
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        let _ = writeln!(text, "| {} | {} | {} | {} | {met} |", goal.what, goal.asked, goal.measured, goal.ratio);
    }
    text
}

const GROUND: &str = "
- The sets: one file of 2 GiB from a seeded generator; a copy of the Rust toolchain's own folder; 20,000 files of 1 to
  8 KiB in 200 folders, of which four in ten hold prose, three tables of numbers, three random bytes. The 1 % are 400
  files of the toolchain folder, changed in place, 135 bytes in each; every round has two such change sets of its own.
- `restic`, `rustic`, `borg` with their defaults; borg with `repokey`, the faster of its two modes here; rustic without
  default features, thin LTO. `age` seals to an X25519 recipient. `cp -a` is the floor of a restore.
- `unlock` is `hizo list`, `restic cat config`, `rustic cat config`, `borg list`.
- Stored size is the sum of file sizes in the repository; for hizo the keeper's folder, journal included. What a device
  remembers to save work is not counted, as the peers' caches are not.
- Every first restore is compared with its source, names, bytes and links, before its time counts.
- The large log has notes of 32 bytes, appended 16,384 to a step; the syncs of a record are counted by `strace` in a run of
  its own. Hashing alone is every leaf and every node above, once. A bundle is counted without PDF and certificates.
- CPU is user and system time; peak is the largest resident set of the process.

## How to run

```
cargo xtask bench                 all of it: about an hour, and 40 GB of disk beneath target/
cargo xtask bench tree            one session: big, tree, small, log, keeper, bytes, long,
                                  entries or build
cargo xtask bench --quick         one round on smaller data; writes target/bench/quick.md only
cargo xtask bench long            memory at 100 GB; --repeats-at DIR puts their source on a disk that compresses
cargo xtask bench --long entries  memory up to the limit of entries
cargo xtask bench report          write this page again from bench/results.json
```
";
