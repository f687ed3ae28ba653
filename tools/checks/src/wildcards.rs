//! Wildcards over enums of the workspace.
//!
//! An arm `_ =>` beside arms that name variants of our own enums swallows the variant that is added
//! next year. Where it is meant so, a comment beside the arm says why.

use std::collections::BTreeSet;

use syn::{
    Arm, ExprMatch, Item, Pat,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::{Workspace, modules::Module};

/// Names of all enums of the workspace, with their variants.
fn enums(workspace: &Workspace) -> BTreeSet<String> {
    let modules = workspace.crates.iter().flat_map(|one| one.modules.values());
    modules
        .flat_map(|module| &module.items)
        .filter_map(|item| match item {
            Item::Enum(item) => Some(item.ident.to_string()),
            // Only enums have variants.
            _ => None,
        })
        .collect()
}

/// Finds the arms in one module.
struct Finder<'a> {
    enums: &'a BTreeSet<String>,
    module: &'a Module,
    /// The type whose implementation is being read.
    own: Vec<String>,
    found: Vec<String>,
}

/// Enums that the variants in a pattern belong to: the segment in front of the last.
fn named(pattern: &Pat, into: &mut Vec<String>) {
    let mut path = |path: &syn::Path| {
        let mut segments = path.segments.iter().rev();
        segments.next();
        if let Some(segment) = segments.next() {
            into.push(segment.ident.to_string());
        }
    };
    match pattern {
        Pat::Path(pattern) => path(&pattern.path),
        Pat::Struct(pattern) => {
            path(&pattern.path);
        }
        Pat::TupleStruct(pattern) => {
            path(&pattern.path);
            for pattern in &pattern.elems {
                named(pattern, into);
            }
        }
        Pat::Or(pattern) => pattern.cases.iter().for_each(|one| named(one, into)),
        Pat::Tuple(pattern) => pattern.elems.iter().for_each(|one| named(one, into)),
        Pat::Reference(pattern) => named(&pattern.pat, into),
        Pat::Paren(pattern) => named(&pattern.pat, into),
        Pat::Ident(pattern) => {
            if let Some((_, pattern)) = &pattern.subpat {
                named(pattern, into);
            }
        }
        // Literals, ranges, slices and wildcards name no variant.
        _ => {}
    }
}

/// Whether an arm takes everything.
fn is_wildcard(arm: &Arm) -> bool {
    fn takes_all(pattern: &Pat) -> bool {
        match pattern {
            Pat::Wild(_) => true,
            Pat::Tuple(tuple) => tuple.elems.iter().all(takes_all),
            _ => false,
        }
    }
    arm.guard.is_none() && takes_all(&arm.pat)
}

impl Finder<'_> {
    /// Whether a comment stands on the arm's line or the one above it.
    fn has_reason(&self, line: usize) -> bool {
        let mut lines = self.module.text.lines().skip(line.saturating_sub(2));
        let above = lines.next().unwrap_or_default();
        let own = lines.next().unwrap_or_default();
        above.trim_start().starts_with("//") || own.contains("// ")
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.own.push(name.unwrap_or_default());
        visit::visit_item_impl(self, item);
        self.own.pop();
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        let mut names = Vec::new();
        for arm in &expression.arms {
            named(&arm.pat, &mut names);
        }
        let ours = names.iter().find_map(|name| match name.as_str() {
            "Self" => self.own.last().filter(|own| self.enums.contains(*own)),
            other => self.enums.get(other),
        });
        if let Some(ours) = ours {
            for arm in expression.arms.iter().filter(|arm| is_wildcard(arm)) {
                let line = arm.pat.span().start().line;
                if !self.has_reason(line) {
                    let file = self.module.file.display();
                    self.found
                        .push(format!("{file}:{line}: `_ =>` over {ours}"));
                }
            }
        }
        visit::visit_expr_match(self, expression);
    }
}

/// All arms `_ =>` over enums of the workspace that give no reason.
pub fn wildcards(workspace: &Workspace) -> Vec<String> {
    let enums = enums(workspace);
    let mut found = Vec::new();
    for module in workspace.crates.iter().flat_map(|one| one.modules.values()) {
        let mut finder = Finder {
            enums: &enums,
            module,
            own: Vec::new(),
            found: Vec::new(),
        };
        for item in &module.items {
            finder.visit_item(item);
        }
        found.append(&mut finder.found);
    }
    found
}
