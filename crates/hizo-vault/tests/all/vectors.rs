//! Vectors as they lie in the tree: a file of bytes, and a file of the same name that says in JSON what it is about.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The vectors of one page of docs/spec.
pub(crate) struct Vectors {
    spec: &'static str,
    extension: &'static str,
}

impl Vectors {
    /// Those in `vectors/SPEC/v1`, whose bytes lie in files that end in `.EXTENSION`.
    pub(crate) const fn new(spec: &'static str, extension: &'static str) -> Self {
        Self { spec, extension }
    }

    /// The bytes of a vector, and what is said of them.
    pub(crate) fn one(&self, kind: &str, name: &str) -> (Vec<u8>, Value) {
        let read = |extension: &str| {
            let path = self.folder(kind).join(format!("{name}.{extension}"));
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        (read(self.extension), serde_json::from_slice(&read("json")).unwrap())
    }

    /// Every vector of a kind by its name: `count_min` of them or more, none with one of its two files only.
    pub(crate) fn all(&self, kind: &str, count_min: usize) -> Vec<(String, Vec<u8>, Value)> {
        let names = self.names(kind, self.extension);
        assert_eq!(names, self.names(kind, "json"));
        assert!(names.len() >= count_min, "vectors are missing: {names:?}");
        let whole = |name: String| {
            let (bytes, said) = self.one(kind, &name);
            (name, bytes, said)
        };
        names.into_iter().map(whole).collect()
    }

    /// Writes a vector that is not there yet; a released one is never changed.
    pub(crate) fn put_missing(&self, kind: &str, name: &str, bytes: &[u8], said: &Value) {
        fs::create_dir_all(self.folder(kind)).unwrap();
        let text = serde_json::to_string_pretty(said).unwrap() + "\n";
        for (extension, bytes) in [(self.extension, bytes), ("json", text.as_bytes())] {
            let path = self.folder(kind).join(format!("{name}.{extension}"));
            if !path.exists() {
                fs::write(path, bytes).unwrap();
            }
        }
    }

    fn folder(&self, kind: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(self.spec).join("v1").join(kind)
    }

    fn names(&self, kind: &str, extension: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder(kind)).unwrap().map(|entry| entry.unwrap().path());
        let with = entries.filter(|path| path.extension().is_some_and(|found| found == extension));
        with.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    }
}
