//! The sample folder: a small manufacturer's secrets, made up, that ship with the program.

macro_rules! file {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../../sample/", $path)))
    };
}

/// The file of the sample that is proved.
pub(super) const DRAWING: &str = "金型/KX-204 レンズ枠/KX-204_cavity_revB.dxf";

/// Every file of the sample: its path below the folder, and what it holds.
pub(super) const FILES: &[(&str, &[u8])] = &[
    file!("はじめに README.txt"),
    file!("営業/客先提出/KX-204_cavity_revB.dxf"),
    file!("営業/客先提出/提出記録 handed-over.csv"),
    file!("営業/見積 2026-04 KX-204.csv"),
    file!("営業/顧客一覧 customers.csv"),
    file!("配合/R-17 乾燥と混練 how-to.md"),
    file!("配合/R-17 低反り黒 recipe.csv"),
    file!("配合/R-21 試作 recipe-trial.csv"),
    file!("金型/KX-204 レンズ枠/KX-204_cavity_revB.dxf"),
    file!("金型/KX-204 レンズ枠/KX-204_core_insert.step"),
    file!("金型/KX-204 レンズ枠/成形条件 moulding-parameters.csv"),
    file!("金型/KX-204 レンズ枠/改訂履歴 revisions.md"),
    file!("金型/KX-204 レンズ枠/旧版/KX-204_cavity_revA.dxf"),
    file!("開発/実験ノート/2026-03-02 反りの原因.md"),
    file!("開発/実験ノート/2026-03-05 フレークの入れ場所.md"),
    file!("開発/実験ノート/2026-03-16 shrinkage.md"),
    file!("開発/実験ノート/2026-04-06 初品.md"),
    file!("開発/開発日程 schedule.csv"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_of_the_sample_folder_ships() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
        let listing = crate::folder::walk::walk(&[folder], &[]).unwrap();
        let files = listing.iter().filter(|entry| entry.kind == crate::folder::listing::FoundKind::File);
        let there: BTreeSet<String> = files.map(|entry| String::from_utf8(entry.path.to_vec()).unwrap()).collect();
        let shipped: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(there, shipped);
        assert!(shipped.contains(DRAWING));
    }
}
