//! Paths in documents.
//!
//! A document that sends its reader to a file is worth something only while the file is there.

use std::{fs, io, path::Path};

/// Documents at the root of the workspace and in its folder `docs` whose paths are checked.
fn documents(root: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for folder in [root.to_owned(), root.join("docs")] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_document = path.extension().is_some_and(|extension| extension == "md");
            // A changelog also names what is gone.
            if is_document && !path.ends_with("CHANGELOG.md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a code span is a path of this workspace, from its root.
fn is_path(span: &str, folders: &[String]) -> bool {
    let plain = !span.contains([' ', '*', '(', '<', ',', '{', '=', ':']);
    let top = span.split_once('/').map(|(top, _)| top);
    plain && top.is_some_and(|top| folders.iter().any(|folder| folder == top))
}

/// Paths in documents at which there is nothing.
///
/// # Errors
/// A file or folder that cannot be read.
pub fn dead_paths(root: &Path) -> io::Result<Vec<String>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    let mut dead = Vec::new();
    for document in documents(root)? {
        let text = fs::read_to_string(&document)?;
        for (number, line) in text.lines().enumerate() {
            // Every second piece between back quotes is a code span.
            for span in line.split('`').skip(1).step_by(2) {
                if is_path(span, &folders)
                    && !span.starts_with("target/")
                    && !root.join(span).exists()
                {
                    dead.push(format!("{}:{}: {span}", document.display(), number + 1));
                }
            }
        }
    }
    Ok(dead)
}
