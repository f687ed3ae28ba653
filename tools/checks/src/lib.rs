//! Checks of the shape of this workspace's sources.
//!
//! `tests/shape.rs` holds the rules that CONTRIBUTING.md states and a compiler does not enforce: no
//! circles among sibling modules, no wildcard over an enum of the workspace, no overlong files and
//! structs. This library reads the sources for them; [`Workspace::read`] is the way in.

pub mod circles;
pub mod modules;
pub mod paths;
pub mod sizes;
pub mod wildcards;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use modules::{Crate, Module};

/// The parsed sources of all crates of a workspace.
#[derive(Debug)]
pub struct Workspace {
    /// Every package that has a library or a binary, sorted by folder.
    pub crates: Vec<Crate>,
}

/// Folders of packages, relative to the workspace's root, as the manifest lists them.
fn members(root: &Path) -> io::Result<Vec<PathBuf>> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let list = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    Ok(list
        .split(',')
        .map(|item| item.trim().trim_matches('"'))
        .filter(|item| !item.is_empty())
        .map(PathBuf::from)
        .collect())
}

impl Workspace {
    /// Reads the sources of all members of the workspace in the folder `root`.
    ///
    /// # Errors
    /// A file that cannot be read, or one that does not parse, with its path.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut crates = Vec::new();
        for member in members(root)? {
            for entry in ["lib.rs", "main.rs"] {
                let entry = member.join("src").join(entry);
                if root.join(&entry).exists() {
                    crates.push(Crate::read(root, &member, &entry)?);
                }
            }
        }
        crates.sort_by(|one, other| one.folder.cmp(&other.folder));
        Ok(Self { crates })
    }

    /// The workspace that this package belongs to.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn here() -> io::Result<Self> {
        Self::read(&root())
    }
}

/// The root of the workspace that this package belongs to.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
