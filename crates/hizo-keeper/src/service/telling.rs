//! What the operator is told: one line for each request, and counts. Never ids, tokens, codes, keys; addresses only where the
//! configuration asks for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::connections::Counts;
use crate::witness::{Answer, Silence};

use super::answer::set;

/// Where lines go: one line of JSON, without its line feed.
pub type Lines = Box<dyn Fn(&str) + Send + Sync>;

/// One request that was answered.
pub(super) struct Told<'a> {
    pub(super) method: &'a str,
    /// As the router has it: `/v1/spaces/{space}/records`.
    pub(super) route: &'a str,
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) milliseconds: u64,
    pub(super) address: Option<IpAddr>,
    pub(super) cause: Option<&'a str>,
}

/// Counts of what was done since the start.
pub(super) struct Telling {
    lines: Lines,
    requests: Mutex<BTreeMap<(String, String, u16), u64>>,
    milliseconds: Mutex<BTreeMap<String, [u64; BUCKETS.len()]>>,
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) connections: Arc<Counts>,
    pub(super) published: AtomicU64,
    pub(super) publish_failures: AtomicU64,
    pub(super) log_size: AtomicU64,
    /// Records of the log that the second directory has.
    pub(super) copied: AtomicU64,
    /// Those of them whose objects are not all there.
    pub(super) copy_wanting: AtomicU64,
    pub(super) copy_failures: AtomicU64,
    /// Whether the last round failed.
    pub(super) copy_fails: AtomicBool,
    pub(super) scrub_objects: AtomicU64,
    pub(super) scrub_mended: AtomicU64,
    /// What the last reading found, and nobody here can mend.
    pub(super) scrub_lost: AtomicU64,
    /// Nothing that was there at this time was read longer ago; in seconds since 1970, 0 before it is known.
    scrub_read: AtomicU64,
    pub(super) sweep_objects: AtomicU64,
    pub(super) sweep_bytes: AtomicU64,
    pub(super) sweep_failures: AtomicU64,
    stamps: Mutex<BTreeMap<String, Stamps>>,
    witnesses: Mutex<BTreeMap<String, Cosigning>>,
    /// When the keeper's certificate ends, in seconds since 1970; 0 without one.
    certificate: AtomicU64,
    /// Since when that was not told again.
    certificate_told: AtomicU64,
}

/// What one of those did who stamp the log.
#[derive(Default)]
struct Stamps {
    taken: u64,
    failures: u64,
    /// How often in a row it gave none.
    in_a_row: u64,
    /// When the last stamp was taken, in seconds since 1970.
    last: u64,
}

/// What one of those did who are asked to cosign.
#[derive(Default)]
struct Cosigning {
    /// Records of the head that it cosigned last.
    size: u64,
    silences: u64,
    /// How often in a row it gave no cosignature.
    in_a_row: u64,
}

/// In seconds.
const DAY: u64 = 24 * 60 * 60;

/// How long before its end a certificate should have been renewed, in seconds.
const SOON: u64 = 14 * DAY;

/// Upper ends of the classes of duration, in milliseconds.
const BUCKETS: [u64; 8] = [1, 5, 25, 100, 250, 1_000, 10_000, u64::MAX];

impl Telling {
    pub(super) fn new(lines: Lines) -> Self {
        let none = || AtomicU64::new(0);
        Self {
            lines,
            requests: Mutex::default(),
            milliseconds: Mutex::default(),
            bytes_in: none(),
            bytes_out: none(),
            connections: Arc::default(),
            published: none(),
            publish_failures: none(),
            log_size: none(),
            copied: none(),
            copy_wanting: none(),
            copy_failures: none(),
            copy_fails: AtomicBool::new(false),
            scrub_objects: none(),
            scrub_mended: none(),
            scrub_lost: none(),
            scrub_read: none(),
            sweep_objects: none(),
            sweep_bytes: none(),
            sweep_failures: none(),
            witnesses: Mutex::default(),
            certificate: none(),
            certificate_told: none(),
            stamps: Mutex::default(),
        }
    }

    /// This one stamps the log.
    pub(super) fn stamps(&self, name: &str) {
        self.of(name, |_| {});
    }

    /// A stamp by this one was kept.
    pub(super) fn stamped(&self, name: &str, now: u64) {
        self.of(name, |stamps| {
            (stamps.taken, stamps.in_a_row, stamps.last) = (stamps.taken.saturating_add(1), 0, now);
        });
    }

    /// This one gave no stamp.
    pub(super) fn not_stamped(&self, name: &str) {
        self.of(name, |stamps| {
            stamps.failures = stamps.failures.saturating_add(1);
            stamps.in_a_row = stamps.in_a_row.saturating_add(1);
        });
    }

    fn of(&self, name: &str, change: impl FnOnce(&mut Stamps)) {
        change(self.stamps.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default());
    }

    /// Nothing that was there at this time was read longer ago.
    pub(super) fn scrub_read(&self, time: u64) {
        self.scrub_read.store(time, Ordering::Relaxed);
    }

    /// A line for what is kept in fewer places than it should be, or not whole.
    pub(super) fn copies(&self) -> String {
        let mut lines = String::new();
        if self.copy_fails.load(Ordering::Relaxed) {
            lines += "nothing new is copied: the second directory cannot be used\n";
        }
        for (count, what) in
            [(&self.copy_wanting, "records wait for objects"), (&self.scrub_lost, "damaged and not mended")]
        {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let _ = writeln!(lines, "{what}: {count}");
            }
        }
        lines
    }

    /// A line for each of those that gave no stamp when they were asked last.
    pub(super) fn without_stamps(&self) -> String {
        let stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = stamps.iter().filter(|(_, stamps)| stamps.in_a_row > 0);
        silent.map(|(name, stamps)| format!("no stamp by {name}: asked {} times\n", stamps.in_a_row)).collect()
    }

    pub(super) fn request(&self, told: &Told<'_>, now: u64) {
        let key = (told.method.to_owned(), told.route.to_owned(), told.status);
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        {
            let mut durations = self.milliseconds.lock().unwrap_or_else(PoisonError::into_inner);
            let counts = durations.entry(told.route.to_owned()).or_default();
            for (count, end) in counts.iter_mut().zip(BUCKETS) {
                *count += u64::from(told.milliseconds <= end);
            }
        }
        let mut line = json!({
            "time": now,
            "method": told.method,
            "route": told.route,
            "status": told.status,
            "bytes": told.bytes,
            "ms": told.milliseconds,
        });
        if let Some(address) = told.address {
            set(&mut line, "address", address.to_string().into());
        }
        if let Some(cause) = told.cause {
            set(&mut line, "cause", cause.into());
        }
        (self.lines)(&line.to_string());
    }

    /// Something that is no request: a start, an end, a log that was not published.
    pub(super) fn event(&self, event: &str, cause: Option<&str>, now: u64) {
        let mut line = json!({ "time": now, "event": event });
        if let Some(cause) = cause {
            set(&mut line, "cause", cause.into());
        }
        (self.lines)(&line.to_string());
    }

    /// What each witness answered about the head of this size. Whose answer is missing is told when that begins, and not with each head.
    pub(super) fn cosigned(&self, size: u64, answers: &BTreeMap<String, Answer>, now: u64) {
        let mut witnesses = self.witnesses.lock().unwrap_or_else(PoisonError::into_inner);
        witnesses.retain(|name, _| answers.contains_key(name));
        for (name, answer) in answers {
            let of = witnesses.entry(name.clone()).or_default();
            match answer {
                Answer::Cosigned(_) => (of.size, of.in_a_row) = (size, 0),
                // It has cosigned more already, as another process of this keeper asked it.
                Answer::Silent(Silence::Ahead) => {}
                Answer::Silent(silence) => {
                    of.silences = of.silences.saturating_add(1);
                    of.in_a_row = of.in_a_row.saturating_add(1);
                    if of.in_a_row == 1 {
                        self.event("no cosignature was taken", Some(&format!("{name}: {silence}")), now);
                    }
                }
                // Nothing was published then.
                Answer::Alarm(_) => {}
            }
        }
    }

    /// A line for each witness that gives no cosignatures now.
    pub(super) fn without_cosignatures(&self) -> String {
        let witnesses = self.witnesses.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = witnesses.iter().filter(|(_, of)| of.in_a_row > 0);
        silent.map(|(name, of)| format!("no cosignature by {name}: asked {} times\n", of.in_a_row)).collect()
    }

    /// When the keeper's certificate ends: counted, and told once a day in its last [`SOON`].
    pub(super) fn certificate(&self, ends: Option<u64>, now: u64) {
        self.certificate.store(ends.unwrap_or_default(), Ordering::Relaxed);
        let Some(ends) = ends.filter(|ends| ends.saturating_sub(now) < SOON) else {
            self.certificate_told.store(0, Ordering::Relaxed);
            return;
        };
        if now.saturating_sub(self.certificate_told.load(Ordering::Relaxed)) < DAY {
            return;
        }
        self.certificate_told.store(now, Ordering::Relaxed);
        let days = ends.saturating_sub(now) / DAY;
        let (event, cause) = match ends <= now {
            true => ("the certificate has ended", None),
            false => ("the certificate ends soon", Some(format!("in {days} days"))),
        };
        self.event(event, cause.as_deref(), now);
    }

    /// Prometheus text.
    pub(super) fn metrics(&self, tokens: usize, waiting: usize, unnamed: u64, now: u64) -> String {
        let mut text = String::from("# TYPE hizo_requests_total counter\n");
        for ((method, route, status), count) in self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(
                text,
                "hizo_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}"
            );
        }
        text += "# TYPE hizo_request_milliseconds histogram\n";
        for (route, counts) in self.milliseconds.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            for (count, end) in counts.iter().zip(BUCKETS) {
                let end = if end == u64::MAX { "+Inf".to_owned() } else { end.to_string() };
                let _ = writeln!(text, "hizo_request_milliseconds_bucket{{route=\"{route}\",le=\"{end}\"}} {count}");
            }
        }
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, kind, value) in [
            ("hizo_bytes_in_total", "counter", number(&self.bytes_in)),
            ("hizo_bytes_out_total", "counter", number(&self.bytes_out)),
            ("hizo_connections", "gauge", number(&self.connections.open)),
            ("hizo_connections_refused_total", "counter", number(&self.connections.refused)),
            ("hizo_log_published_total", "counter", number(&self.published)),
            ("hizo_log_publish_failures_total", "counter", number(&self.publish_failures)),
            ("hizo_log_size", "gauge", number(&self.log_size)),
            ("hizo_copy_log_size", "gauge", number(&self.copied)),
            ("hizo_copy_wanting", "gauge", number(&self.copy_wanting)),
            ("hizo_copy_failures_total", "counter", number(&self.copy_failures)),
            ("hizo_scrub_objects_total", "counter", number(&self.scrub_objects)),
            ("hizo_scrub_mended_total", "counter", number(&self.scrub_mended)),
            ("hizo_scrub_lost", "gauge", number(&self.scrub_lost)),
            (
                "hizo_scrub_oldest_seconds",
                "gauge",
                match number(&self.scrub_read) {
                    0 => 0,
                    read => now.saturating_sub(read),
                },
            ),
            ("hizo_sweep_objects_total", "counter", number(&self.sweep_objects)),
            ("hizo_sweep_bytes_total", "counter", number(&self.sweep_bytes)),
            ("hizo_sweep_failures_total", "counter", number(&self.sweep_failures)),
            ("hizo_unnamed_bytes", "gauge", unnamed),
            ("hizo_tokens", "gauge", tokens as u64),
            ("hizo_work_waiting", "gauge", waiting as u64),
        ] {
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        }
        if let ends @ 1.. = number(&self.certificate) {
            let name = "hizo_certificate_ends_seconds";
            let _ = writeln!(text, "# TYPE {name} gauge\n{name} {ends}");
        }
        let stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let of: [Counted<'_, Stamps>; 3] = [
            ("hizo_stamps_total", "counter", |stamps| stamps.taken),
            ("hizo_stamp_failures_total", "counter", |stamps| stamps.failures),
            ("hizo_stamp_last_seconds", "gauge", |stamps| stamps.last),
        ];
        count_each(&mut text, "authority", &stamps, &of);
        let witnesses = self.witnesses.lock().unwrap_or_else(PoisonError::into_inner);
        let of: [Counted<'_, Cosigning>; 2] = [
            ("hizo_witness_size", "gauge", |of| of.size),
            ("hizo_witness_silences_total", "counter", |of| of.silences),
        ];
        count_each(&mut text, "witness", &witnesses, &of);
        text
    }
}

/// A count of each of several: what it is called, its kind, and where it stands.
type Counted<'n, T> = (&'n str, &'n str, fn(&T) -> u64);

/// The counts of each of several, which this label tells apart by their names.
fn count_each<T>(text: &mut String, label: &str, each: &BTreeMap<String, T>, of: &[Counted<'_, T>]) {
    for (count, kind, value) in of.iter().filter(|_| !each.is_empty()) {
        let _ = writeln!(text, "# TYPE {count} {kind}");
        for (name, one) in each {
            // Of a witness's name in a policy all that is known is that it has no space.
            let name = name.replace('\\', "\\\\").replace('"', "\\\"");
            let _ = writeln!(text, "{count}{{{label}=\"{name}\"}} {}", value(one));
        }
    }
}
