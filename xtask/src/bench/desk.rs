//! A desk with many records and many cases, and a file that is given to it by a browser, beside the same one deposited by a command. The
//! program that asks lies in `bench/desk`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::bench::acts::PASSPHRASE;
use crate::bench::keeper::Bench;
use crate::bench::measure;
use crate::bench::peers::{Kind, Peer};
use crate::bench::{DESK, Settings, data, figures};
use crate::shell::{self, About, Failure, Result};

/// Series in which the deposits lie.
const SERIES: u64 = 100;

/// How often each page is looked at.
const LOOKS: &str = "20";

pub(crate) fn desk(settings: &Settings, peers: &[Peer]) -> Result<Value> {
    shell::run(shell::cargo().args(["build", "--quiet", "--release", "--package", "hizo-bench-desk", "--locked"]))?;
    let hizo = peers.iter().find(|peer| peer.kind == Kind::Hizo).and_then(|peer| peer.program.as_ref().ok());
    let hizo = hizo.ok_or_else(|| Failure("hizo is not built".to_owned()))?;
    let folder = shell::scratch("bench").join("desk");
    data::remove(&folder)?;
    fs::create_dir_all(&folder).about(&folder)?;
    let written = folder.join("passphrase");
    fs::write(&written, PASSPHRASE).about(&written)?;
    let at = At { keeper: Bench { hizo, folder: &folder }, folder: &folder };
    let (few, many, cases, bytes) =
        if settings.quick { (1_000, 3_000, 200, 100_000_000) } else { (10_000, 100_000, 5_000, 1_000_000_000) };
    let session = json!({
        "rounds": settings.rounds, "deposits": at.deposits(few)?, "records": at.records(settings.rounds, many)?,
        "cases": at.cases(cases)?, "drop": at.drops(settings, bytes)?,
    });
    data::remove(&folder)?;
    Ok(session)
}

struct At<'a> {
    keeper: Bench<'a>,
    folder: &'a Path,
}

impl At<'_> {
    /// The program, a home, and what opens it, as arguments.
    fn home(&self, name: &str) -> [String; 3] {
        [self.keeper.hizo.path.display().to_string(), name.to_owned(), PASSPHRASE.to_owned()]
    }

    fn ask(&self, command: &[&str], home: &[String; 3], more: &[&str]) -> Result<Value> {
        let home: Vec<&str> = home.iter().map(String::as_str).collect();
        Ok(figures(DESK, self.folder, &[command, &home, more].concat())?.0)
    }

    /// Runs the program to its end; wall seconds.
    fn run(&self, home: &str, arguments: &[&str]) -> Result<f64> {
        let mut command = self.keeper.hizo.command();
        command
            .current_dir(self.folder)
            .args(["--home", home, "--passphrase-file", "passphrase", "-q"])
            .args(arguments);
        Ok(measure::measure(&mut command, &self.folder.join("said"))?.wall_s)
    }

    fn begin(&self, home: &str, deposits: u64) -> Result<Value> {
        self.run(home, &["init"])?;
        Ok(figures(DESK, self.folder, &["deposits", home, &deposits.to_string(), &SERIES.to_string()])?.0)
    }

    /// Every page of a safe with so many deposits, and a look after one more was made.
    fn deposits(&self, count: u64) -> Result<Value> {
        let made = self.begin("few", count)?;
        let id = |key: &str| made[key].as_str().unwrap_or_default().to_owned();
        let (series, deposit) = (format!("/series/{}", id("series")), format!("/deposit/{}", id("deposit")));
        let pages = [
            "/safe",
            "/safe?page=2",
            &series,
            &format!("{series}?page=2"),
            &deposit,
            &format!("{deposit}/compare"),
            &format!("{deposit}/prove"),
            &format!("{deposit}/restore"),
            "/people",
            "/people/opens",
            "/health",
            "/cases",
            "/wrong",
            "/keep",
            "/drop",
        ];
        let home = self.home("few");
        let seen = self.ask(&["pages"], &home, &[&[LOOKS], pages.as_slice()].concat())?;
        let small = self.folder.join("small.txt");
        fs::write(&small, "one more\n").about(&small)?;
        let grown = self.ask(&["grow"], &home, &["small.txt"])?;
        data::remove(&self.folder.join("few"))?;
        Ok(json!({ "made": made, "seen": seen, "grown": grown }))
    }

    /// Unlocking a safe with so many records: seen for the first time, and then again.
    fn records(&self, rounds: usize, count: u64) -> Result<Value> {
        let made = self.begin("many", count)?;
        let (home, remembered) = (self.home("many"), self.folder.join("many/last-seen.age"));
        let (mut cold, mut again) = (Vec::new(), Vec::new());
        for round in 0..=rounds {
            data::remove(&remembered)?;
            let first = self.ask(&["pages"], &home, &[LOOKS, "/safe"])?;
            let second = self.ask(&["pages"], &home, &[LOOKS, "/safe"])?;
            // The first time, nothing of what was written is in memory.
            if round > 0 {
                cold.push(first);
                again.push(second);
            }
        }
        data::remove(&self.folder.join("many"))?;
        Ok(json!({ "made": made, "cold": cold, "again": again }))
    }

    /// Every page of somebody with so many cases at one keeper.
    fn cases(&self, count: u64) -> Result<Value> {
        let config = "[admission]\nmode = \"open\"\n";
        let keeper = self.keeper.start(config)?;
        let url = keeper.url.clone();
        self.run("centre", &["init", "--keeper", &url])?;
        keeper.stop()?;
        let (count, phrase) = (count.to_string(), PASSPHRASE);
        let (made, _) = figures(DESK, self.folder, &["cases", "centre", "data", &count, phrase])?;
        // The homes know it by the address that it had.
        let keeper = self.keeper.start_at(url.trim_start_matches("http://"), config)?;
        let case = format!("/case/{}", made["case"].as_str().unwrap_or_default());
        let pages = [
            "/cases",
            "/cases?page=50",
            &case,
            &format!("{case}/safe"),
            &format!("{case}/people"),
            "/safe",
            "/received",
        ];
        let seen = self.ask(&["pages"], &self.home("centre"), &[&[LOOKS], pages.as_slice()].concat())?;
        keeper.stop()?;
        Ok(json!({ "made": made, "seen": seen }))
    }

    /// The same bytes by the page and by the command, by turns.
    fn drops(&self, settings: &Settings, bytes: u64) -> Result<Value> {
        let source: PathBuf = data::folder(settings.quick).join("drop.bin");
        data::incompressible(&source, bytes)?;
        let named = source.display().to_string();
        let (mut dropped, mut deposited) = (Vec::new(), Vec::new());
        for _ in 0..settings.rounds {
            for home in ["page", "command"] {
                data::remove(&self.folder.join(home))?;
                self.run(home, &["init"])?;
            }
            measure::warm(&source)?;
            dropped.push(self.ask(&["drop"], &self.home("page"), &[&named, "bench"])?);
            deposited.push(json!({ "wall_s": self.run("command", &["deposit", &named, "--series", "bench"])? }));
        }
        Ok(json!({ "bytes": bytes, "page": dropped, "command": deposited }))
    }
}
