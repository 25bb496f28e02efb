//! The eras of Japan.

use jiff::civil::{Date, date};

/// An era: its first day, and what it is called.
pub(crate) struct Era {
    pub first: Date,
    pub name: &'static str,
    pub name_ja: &'static str,
}

/// All since there is one for each emperor, the newest first.
pub(crate) const ERAS: [Era; 5] = [
    Era { first: date(2019, 5, 1), name: "Reiwa", name_ja: "令和" },
    Era { first: date(1989, 1, 8), name: "Heisei", name_ja: "平成" },
    Era { first: date(1926, 12, 25), name: "Showa", name_ja: "昭和" },
    Era { first: date(1912, 7, 30), name: "Taisho", name_ja: "大正" },
    Era { first: date(1868, 1, 25), name: "Meiji", name_ja: "明治" },
];
