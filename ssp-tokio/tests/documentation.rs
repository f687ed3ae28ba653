//! What the documentation of the public functions has to say.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The public functions that return a future in a source, by line, with whether their documentation
/// has the section.
fn functions(text: &str) -> Vec<(usize, bool)> {
    let mut found = Vec::new();
    let mut documented = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("///") || line.starts_with("#[") {
            documented |= line == "/// # Cancel safety";
            continue;
        }
        let public = line.starts_with("pub fn ") || line.starts_with("pub async fn ");
        if public && (line.contains("async fn") || line.contains("impl Future")) {
            found.push((number + 1, documented));
        }
        documented = false;
    }
    found
}

#[test]
fn every_public_future_tells_what_dropping_it_does() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    let mut silent = Vec::new();
    // The embedded daemon is not there where this crate is built alone.
    let neighbour = here.join("../tools/daemon/src");
    for folder in [
        Some(here.join("src")),
        Some(neighbour).filter(|it| it.exists()),
    ] {
        for path in folder.iter().flat_map(|folder| sources(folder)) {
            for (line, documented) in functions(&fs::read_to_string(&path).unwrap()) {
                count += 1;
                if !documented {
                    silent.push(format!("{}:{line}", path.display()));
                }
            }
        }
    }
    assert!(count > 40, "{count} functions found");
    assert!(silent.is_empty(), "no \"# Cancel safety\": {silent:#?}");
}

#[test]
fn what_is_missing_is_found() {
    let text = "/// # Cancel safety\n/// Yes.\n#[must_use]\npub async fn a() {}\npub async fn b() {}\n\
                async fn c() {}\n    /// No.\n    pub fn d() -> impl Future<Output = ()> {}\n";
    assert_eq!(functions(text), [(4, true), (5, false), (8, false)]);
}
