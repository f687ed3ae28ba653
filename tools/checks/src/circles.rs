//! Circles among sibling modules.
//!
//! A module and its children may know each other. Two children of one module, with all that is below
//! them, may know each other in one direction only.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use crate::modules::Crate;

/// Siblings that know each other in a circle.
#[derive(Clone, Debug)]
pub struct Circle {
    /// Folder of the package.
    pub package: String,
    /// The module whose children they are, `crate` at the top.
    pub parent: String,
    /// Names of the children, sorted.
    pub siblings: Vec<String>,
    /// Who names whom, and in which files.
    pub edges: Vec<String>,
}

/// Edges from a sibling to those it names, each with the files that name them.
type Edges = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Collects the paths of more than one segment in a module.
struct Paths(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter();
            self.0
                .push(segments.map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

/// All edges between siblings, by their parent.
fn edges(of: &Crate) -> BTreeMap<Vec<String>, Edges> {
    let mut edges = BTreeMap::<Vec<String>, Edges>::new();
    for (from, module) in &of.modules {
        let mut paths = Paths(module.uses.iter().map(|(_, path)| path.clone()).collect());
        for item in &module.items {
            paths.visit_item(item);
        }
        for path in paths.0 {
            let Some(to) = of.definer(from, &path) else {
                continue;
            };
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
                let parent = from.iter().take(common).cloned().collect();
                let siblings = edges.entry(parent).or_default();
                let named = siblings.entry(one.clone()).or_default();
                let files = named.entry(other.clone()).or_default();
                files.insert(module.file.display().to_string());
            }
        }
    }
    edges
}

/// Whom a sibling reaches, directly or through others.
fn reached(from: &str, edges: &Edges) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(one) = next.pop() {
        for other in edges.get(&one).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    seen
}

/// The circles of a crate, each largest set of siblings that reach each other once.
pub fn circles(of: &Crate) -> Vec<Circle> {
    let mut found = BTreeMap::new();
    for (parent, edges) in edges(of) {
        for sibling in edges.keys() {
            let siblings: BTreeSet<String> = reached(sibling, &edges)
                .into_iter()
                .filter(|other| reached(other, &edges).contains(sibling))
                .collect();
            if siblings.is_empty() {
                continue;
            }
            let inside = |(one, named): (&String, &BTreeMap<String, BTreeSet<String>>)| {
                named
                    .iter()
                    .filter(|(other, _)| siblings.contains(one) && siblings.contains(*other))
                    .map(|(other, files)| {
                        let files: Vec<_> = files.iter().map(String::as_str).collect();
                        format!("{one} -> {other}: {}", files.join(" "))
                    })
                    .collect::<Vec<_>>()
            };
            let circle = Circle {
                package: of.folder.display().to_string(),
                parent: match parent.is_empty() {
                    true => "crate".into(),
                    false => parent.join("::"),
                },
                edges: edges.iter().flat_map(inside).collect(),
                siblings: siblings.into_iter().collect(),
            };
            found.insert((circle.parent.clone(), circle.siblings.clone()), circle);
        }
    }
    found.into_values().collect()
}
