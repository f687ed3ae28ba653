//! The rules of CONTRIBUTING.md on the shape of sources.

use workspace_checks::{Workspace, circles, paths, root, sizes, wildcards};

/// Most lines of a source file.
const LINES: usize = 500;
/// Most fields of a struct that is no configuration.
const FIELDS: usize = 15;

fn none_of(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_match_has_a_wildcard_over_an_enum_of_the_workspace() {
    let workspace = Workspace::here().expect("sources that parse");
    none_of(&wildcards::wildcards(&workspace));
}

#[test]
fn documents_name_files_that_are_there() {
    none_of(&paths::dead_paths(&root()).expect("documents that can be read"));
}

#[test]
fn no_source_file_is_too_long() {
    let workspace = Workspace::here().expect("sources that parse");
    none_of(&sizes::long_files(&workspace, LINES));
}

#[test]
fn no_struct_has_too_many_fields() {
    let workspace = Workspace::here().expect("sources that parse");
    none_of(&sizes::large_structs(&workspace, FIELDS));
}

#[test]
fn siblings_know_each_other_in_one_direction() {
    let workspace = Workspace::here().expect("sources that parse");
    let mut found = Vec::new();
    for one in &workspace.crates {
        for circle in circles::circles(one) {
            let (package, parent) = (&circle.package, &circle.parent);
            found.push(format!(
                "{package}, {parent}: {}",
                circle.siblings.join(" ")
            ));
            found.extend(circle.edges.iter().map(|edge| format!("    {edge}")));
        }
    }
    none_of(&found);
}
