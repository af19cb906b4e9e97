//! Which card came of which: follows `metadata.prior_card_id`.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::number;
use super::shelf::{Shelf, check_name};

/// How many steps are followed where the program does not say.
const DEPTH: usize = 10;

struct Walk<'a> {
    cards: HashMap<&'a str, (&'a str, &'a Map<String, Value>)>,
    /// The cards that came of each, sorted.
    next: HashMap<&'a str, Vec<&'a str>>,
    relations: Vec<&'a str>,
    depth: usize,
    with_stats: bool,
    seen: HashSet<&'a str>,
    nodes: Vec<Value>,
    edges: Vec<Value>,
    truncated: bool,
}

/// The lineage of a card; null where there is no such card.
pub(super) fn lineage(shelf: &Shelf<'_>, query: &Value) -> Result<Value, String> {
    let root = query.get("card_id").and_then(Value::as_str).unwrap_or_default();
    check_name("card_id", root)?;
    let (up, down) = match query.get("direction").and_then(Value::as_str).unwrap_or("up") {
        "up" => (true, false),
        "down" => (false, true),
        "both" => (true, true),
        other => return Err(format!("alc.card.lineage: direction must be up, down or both, not '{other}'")),
    };
    let all = shelf.cards(None)?;
    let cards: HashMap<&str, _> =
        all.iter().filter_map(|(pkg, card)| Some((id(card)?, (pkg.as_str(), card)))).collect();
    let Some((root, _)) = cards.get_key_value(root) else { return Ok(Value::Null) };
    let root = *root;
    let mut next: HashMap<&str, Vec<&str>> = HashMap::new();
    for (child, (_, card)) in &cards {
        if let Some(prior) = prior(card) {
            next.entry(prior).or_default().push(child);
        }
    }
    for children in next.values_mut() {
        children.sort_unstable();
    }
    let relations = query.get("relation_filter").and_then(Value::as_array);
    let mut walk = Walk {
        cards,
        next,
        relations: relations.map_or_else(Vec::new, |list| list.iter().filter_map(Value::as_str).collect()),
        depth: number(query, "depth").unwrap_or(DEPTH),
        with_stats: query.get("include_stats") != Some(&Value::Bool(false)),
        seen: HashSet::new(),
        nodes: Vec::new(),
        edges: Vec::new(),
        truncated: false,
    };
    walk.visit(root, 0);
    if up {
        walk.up(root);
    }
    if down {
        walk.down(root);
    }
    Ok(json!({ "root": root, "nodes": walk.nodes, "edges": walk.edges, "truncated": walk.truncated }))
}

impl<'a> Walk<'a> {
    fn up(&mut self, root: &'a str) {
        let mut card = root;
        for depth in 1.. {
            let Some(parent) = prior(self.cards[card].1).filter(|it| self.cards.contains_key(it)) else { return };
            if !self.follows(card) || self.seen.contains(parent) {
                return;
            }
            if depth > self.depth {
                self.truncated = true;
                return;
            }
            self.edge(card, parent);
            self.visit(parent, -(depth as i64));
            card = parent;
        }
    }

    fn down(&mut self, root: &'a str) {
        let mut level = vec![root];
        for depth in 1.. {
            let mut below = Vec::new();
            for parent in level {
                for child in self.next.get(parent).cloned().unwrap_or_default() {
                    if !self.follows(child) || self.seen.contains(child) {
                        continue;
                    }
                    if depth > self.depth {
                        self.truncated = true;
                        return;
                    }
                    self.edge(child, parent);
                    self.visit(child, depth as i64);
                    below.push(child);
                }
            }
            if below.is_empty() {
                return;
            }
            level = below;
        }
    }

    /// Whether the way from a card to what it came of is wanted.
    fn follows(&self, child: &str) -> bool {
        self.relations.is_empty() || relation(self.cards[child].1).is_some_and(|it| self.relations.contains(&it))
    }

    fn visit(&mut self, card_id: &'a str, depth: i64) {
        let (pkg, card) = self.cards[card_id];
        let mut node = json!({ "card_id": card_id, "pkg": pkg, "depth": depth });
        let fields = [("prior_card_id", prior(card)), ("prior_relation", relation(card))];
        for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            node[name] = value.into();
        }
        if let Some(stats) = card.get("stats").filter(|_| self.with_stats) {
            node["stats"] = stats.clone();
        }
        self.seen.insert(card_id);
        self.nodes.push(node);
    }

    fn edge(&mut self, child: &str, parent: &str) {
        let mut edge = json!({ "from": child, "to": parent });
        if let Some(relation) = relation(self.cards[child].1) {
            edge["relation"] = relation.into();
        }
        self.edges.push(edge);
    }
}

fn id(card: &Map<String, Value>) -> Option<&str> {
    card.get("card_id")?.as_str()
}

fn prior(card: &Map<String, Value>) -> Option<&str> {
    card.get("metadata")?.get("prior_card_id")?.as_str()
}

fn relation(card: &Map<String, Value>) -> Option<&str> {
    card.get("metadata")?.get("prior_relation")?.as_str()
}
