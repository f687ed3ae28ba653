//! The module tree of a crate, read from its files.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use proc_macro2::TokenTree;
use syn::{Attribute, Item, ItemMacro, ItemMod, ItemUse, UseTree, parse_quote};

/// A crate: its modules by path, the root under the empty one.
#[derive(Debug)]
pub struct Crate {
    /// Folder of the package, relative to the workspace.
    pub folder: PathBuf,
    /// All modules but those for tests.
    pub modules: BTreeMap<Vec<String>, Module>,
}

/// A module with a file of its own, or one written inside of another's file.
#[derive(Debug)]
pub struct Module {
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The text of the whole file.
    pub text: String,
    /// Items of the module, but those for tests and modules with bodies, which are modules of their own.
    pub items: Vec<Item>,
    /// Whether the file is this module's own.
    pub owns_file: bool,
    /// Names that `use` brings in, with the path that each stands for.
    pub uses: Vec<(String, Vec<String>)>,
}

/// Whether the item exists only in tests.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        list.path.is_ident("cfg") && list.tokens.to_string() == "test"
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        // Further kinds of items do not occur, and carry nothing that the checks look at.
        _ => &[],
    }
}

/// Flattens a `use` tree into names and the paths they stand for.
fn flatten(tree: &UseTree, prefix: &mut Vec<String>, into: &mut Vec<(String, Vec<String>)>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, into);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            into.push((prefix.last().cloned().unwrap_or_default(), prefix.clone()));
        }
        UseTree::Name(name) => {
            let mut path = prefix.clone();
            path.push(name.ident.to_string());
            into.push((name.ident.to_string(), path));
        }
        UseTree::Rename(rename) => {
            let mut path = prefix.clone();
            if rename.ident != "self" {
                path.push(rename.ident.to_string());
            }
            into.push((rename.rename.to_string(), path));
        }
        UseTree::Glob(_) => into.push(("*".into(), prefix.clone())),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, into);
            }
        }
    }
}

/// Names and paths of a `use` item.
fn uses(item: &ItemUse) -> Vec<(String, Vec<String>)> {
    let mut names = Vec::new();
    flatten(&item.tree, &mut Vec::new(), &mut names);
    names
}

/// The modules that a macro declares: those that it names and that have a file.
fn declared(root: &Path, children: &Path, item: &ItemMacro) -> Vec<ItemMod> {
    // The definition of a macro, unlike a use, has a name.
    if item.ident.is_some() {
        return Vec::new();
    }
    let tokens = item.mac.tokens.clone().into_iter();
    tokens
        .filter_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident),
            TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
        })
        .filter(|ident| {
            let below = root.join(children).join(ident.to_string());
            below.with_extension("rs").exists() || below.join("mod.rs").exists()
        })
        .map(|ident| parse_quote!(mod #ident;))
        .collect()
}

impl Crate {
    /// Reads the crate whose root is the file `entry` of the package in `folder`.
    pub(crate) fn read(root: &Path, folder: &Path, entry: &Path) -> io::Result<Self> {
        let mut this = Self {
            folder: folder.to_owned(),
            modules: BTreeMap::new(),
        };
        let children = entry.parent().unwrap_or(folder).to_owned();
        this.read_file(root, entry, &children, Vec::new())?;
        Ok(this)
    }

    fn read_file(
        &mut self,
        root: &Path,
        file: &Path,
        children: &Path,
        path: Vec<String>,
    ) -> io::Result<()> {
        let text = fs::read_to_string(root.join(file))?;
        let parsed = syn::parse_file(&text).map_err(|error| {
            let message = format!("{}: {error}", file.display());
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        self.insert(root, file, children, path, &text, parsed.items, true)
    }

    #[allow(clippy::too_many_arguments)]
    fn insert(
        &mut self,
        root: &Path,
        file: &Path,
        children: &Path,
        path: Vec<String>,
        text: &str,
        items: Vec<Item>,
        owns_file: bool,
    ) -> io::Result<()> {
        let mut module = Module {
            file: file.to_owned(),
            text: text.to_owned(),
            items: Vec::new(),
            owns_file,
            uses: Vec::new(),
        };
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => self.insert_child(root, file, children, &path, text, child)?,
                item => {
                    if let Item::Use(item) = &item {
                        module.uses.extend(uses(item));
                    }
                    if let Item::Macro(item) = &item {
                        for child in declared(root, children, item) {
                            self.insert_child(root, file, children, &path, text, child)?;
                        }
                    }
                    module.items.push(item);
                }
            }
        }
        self.modules.insert(path, module);
        Ok(())
    }

    fn insert_child(
        &mut self,
        root: &Path,
        file: &Path,
        children: &Path,
        parent: &[String],
        text: &str,
        child: ItemMod,
    ) -> io::Result<()> {
        let name = child.ident.to_string();
        let mut path = parent.to_vec();
        path.push(name.clone());
        let below = children.join(&name);
        if let Some((_, items)) = child.content {
            return self.insert(root, file, &below, path, text, items, false);
        }
        let flat = children.join(format!("{name}.rs"));
        let nested = below.join("mod.rs");
        let own = if root.join(&flat).exists() {
            flat
        } else {
            nested
        };
        self.read_file(root, &own, &below, path)
    }

    /// The module in which the name that a path ends with is defined, following re-exports; none for
    /// paths out of the crate.
    pub fn definer(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        self.resolve(from, path, 0)
    }

    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        if depth > 16 {
            return None;
        }
        let mut place = from.to_vec();
        let mut rest = path;
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "crate" => place.clear(),
                "super" => {
                    place.pop()?;
                }
                "self" => {}
                name => return self.lookup(place, name, tail, rest.len() < path.len(), depth),
            }
            rest = tail;
        }
        Some(place)
    }

    /// Looks a name up in a module, and what follows of the path inside of what it stands for.
    fn lookup(
        &self,
        place: Vec<String>,
        name: &str,
        tail: &[String],
        anchored: bool,
        depth: usize,
    ) -> Option<Vec<String>> {
        let mut child = place.clone();
        child.push(name.to_owned());
        if self.modules.contains_key(&child) {
            return match tail.split_first() {
                None => Some(child),
                Some((next, tail)) => self.lookup(child, next, tail, true, depth + 1),
            };
        }
        let module = self.modules.get(&place)?;
        for (bound, path) in &module.uses {
            if bound == name {
                let path: Vec<String> = path.iter().chain(tail).cloned().collect();
                return self.resolve(&place, &path, depth + 1);
            }
        }
        // Defined here, or brought in by a glob from a child, which is its parent's own business.
        anchored.then_some(place)
    }
}
