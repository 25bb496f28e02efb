//! A rotation that is cut short, wherever: it adds before it drops, and is done again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kit::{assert_same, tree};
use crate::liar::{Answer, Liar};
use crate::sharing::Firm;

/// From the request of this number on the keeper does not do what it is asked.
fn fails_from(liar: &Liar, number: usize) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    liar.refuses(move |_| (count.fetch_add(1, Ordering::Relaxed) >= number).then(|| Answer::new(500, "not now\n")));
    asked
}

#[test]
fn a37_a_rotation_that_is_cut_short_at_any_request_loses_nothing_and_is_done_again() {
    let (firm, liar) = Firm::behind();
    let sato = firm.let_in("佐藤", &["--role", "reader+writer", "--history"]);
    let suzuki = firm.let_in("鈴木", &["--role", "reader+writer", "--history"]);
    let remove = ["space", "remove", "鈴木"];
    firm.put(&firm.founder, "drawings", "before somebody left");
    for number in 0.. {
        let asked = fails_from(&liar, number);
        let said = firm.founder.run(remove);
        liar.is_honest();
        // Whether or not it was made: whoever stays reads all of it.
        let read = sato.restore("latest:drawings", &format!("{number}"));
        assert_same(&tree(&firm.founder.beside("work")), &tree(&read));
        if said.out.contains("is removed") {
            break;
        }
        assert!(said.code == Some(4) && asked.load(Ordering::Relaxed) > number, "{said:?}");
    }
    firm.put(&firm.founder, "drawings", "after somebody left");
    let read = sato.restore("latest:drawings", "after");
    assert_same(&tree(&firm.founder.beside("work")), &tree(&read));
    suzuki.fails(1, "does not let this machine in", ["list"]);
}
