//! Lengths of files and numbers of fields.

use std::path::Path;

use syn::Item;

use crate::Workspace;

/// Files with more than `limit` lines, with their number of lines.
pub fn long_files(workspace: &Workspace, limit: usize) -> Vec<String> {
    let modules = workspace.crates.iter().flat_map(|one| one.modules.values());
    modules
        .filter(|module| module.owns_file)
        .filter_map(|module| {
            let lines = module.text.lines().count();
            (lines > limit).then(|| format!("{}: {lines} lines", module.file.display()))
        })
        .collect()
}

/// Whether a file holds configuration or options of a command line, which may have many fields.
fn is_configuration(file: &Path) -> bool {
    file.file_stem().is_some_and(|name| name == "config")
        || file
            .parent()
            .is_some_and(|folder| folder.ends_with("src/cli"))
}

/// Structs with more than `limit` fields, outside of configuration.
pub fn large_structs(workspace: &Workspace, limit: usize) -> Vec<String> {
    let modules = workspace.crates.iter().flat_map(|one| one.modules.values());
    modules
        .filter(|module| !is_configuration(&module.file))
        .flat_map(|module| module.items.iter().map(move |item| (module, item)))
        .filter_map(|(module, item)| match item {
            Item::Struct(item) if item.fields.len() > limit => {
                let (file, fields) = (module.file.display(), item.fields.len());
                Some(format!("{file}: {} has {fields} fields", item.ident))
            }
            // Only structs have fields.
            _ => None,
        })
        .collect()
}
