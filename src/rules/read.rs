//! Walks a parsed document, remembers on which line each field stands, and gathers what is wrong.

use crate::rules::Fault;
use crate::rules::value::Value;
use homeroom_actors::domain::rules::RuleFault;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Similar enough to be what was meant.
const SIMILAR: f64 = 0.75;

/// What has been read so far.
pub(super) struct Reader<'a> {
    document: &'a str,
    faults: Vec<Fault>,
    /// The line of each field that the document has.
    lines: BTreeMap<String, usize>,
}

/// One value and where it stands.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) path: String,
    value: &'a DeValue<'a>,
}

/// The fields of a table.
pub(super) struct Fields<'a> {
    path: String,
    nodes: Vec<(&'a str, Node<'a>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a str) -> Self {
        Self {
            document,
            faults: Vec::new(),
            lines: BTreeMap::new(),
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// The document is no TOML at this place.
    pub(super) fn broken(&mut self, at: usize, message: &str) {
        let line = self.line_of(at);
        self.faults.push(Fault {
            line,
            field: String::new(),
            message: format!("no valid TOML: {message}"),
        });
    }

    /// Something is wrong with a field. Where the document leaves it out, the line is that of what it belongs to.
    pub(super) fn fault(&mut self, field: &str, message: impl Into<String>) {
        let line = self.nearest_line(field);
        self.faults.push(Fault {
            line,
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// The domain found something.
    pub(super) fn judged(&mut self, fault: RuleFault) {
        self.fault(&fault.field, fault.message);
    }

    /// The fields of a table in which only some are known.
    pub(super) fn fields(&mut self, node: &Node<'a>, known: &[&str]) -> Fields<'a> {
        let fields = self.entries(node);
        for (key, _) in &fields.nodes {
            if !known.contains(key) {
                let path = join(&fields.path, key);
                self.fault(&path, unknown(key, known));
            }
        }
        fields
    }

    /// The entries of a table whose keys are anything.
    pub(super) fn entries(&mut self, node: &Node<'a>) -> Fields<'a> {
        match node.value.as_table() {
            Some(table) => self.table(&node.path, table),
            None => {
                self.fault(&node.path, "must be a table");
                Fields {
                    path: node.path.clone(),
                    nodes: Vec::new(),
                }
            }
        }
    }

    /// The fields of the whole document.
    pub(super) fn root(&mut self, table: &'a DeTable<'a>, known: &[&str]) -> Fields<'a> {
        let fields = self.table("", table);
        for (key, _) in &fields.nodes {
            if !known.contains(key) {
                self.fault(key, unknown(key, known));
            }
        }
        fields
    }

    fn table(&mut self, path: &str, table: &'a DeTable<'a>) -> Fields<'a> {
        let entries = table.iter();
        let nodes = entries.map(|(key, value)| {
            let path = join(path, key.get_ref());
            let line = self.line_of(key.span().start);
            self.lines.insert(path.clone(), line);
            let value = value.get_ref();
            (key.get_ref().as_ref(), Node { path, value })
        });
        let nodes = nodes.collect();
        Fields {
            path: path.to_owned(),
            nodes,
        }
    }

    /// The elements of a list.
    pub(super) fn list(&mut self, node: &Node<'a>) -> Vec<Node<'a>> {
        let Some(array) = node.value.as_array() else {
            self.fault(&node.path, "must be a list");
            return Vec::new();
        };
        let element = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| {
            let path = format!("{}[{index}]", node.path);
            let line = self.line_of(value.span().start);
            self.lines.insert(path.clone(), line);
            let value = value.get_ref();
            Node { path, value }
        };
        array.iter().enumerate().map(element).collect()
    }

    /// One value; none, and a fault, if it is something else.
    pub(super) fn value<T: Value>(&mut self, node: &Node<'a>) -> Option<T> {
        match T::read(node.value) {
            Ok(value) => Some(value),
            Err(message) => {
                self.fault(&node.path, message);
                None
            }
        }
    }

    /// Takes a field into its place, if the document has it.
    pub(super) fn take<T: Value>(&mut self, fields: &Fields<'a>, key: &str, place: &mut T) {
        if let Some(value) = fields.get(key).and_then(|node| self.value(node)) {
            *place = value;
        }
    }

    /// A field that has to be there.
    pub(super) fn need<T: Value>(&mut self, fields: &Fields<'a>, key: &str) -> Option<T> {
        match fields.get(key) {
            Some(node) => self.value(node),
            None => {
                self.fault(&join(&fields.path, key), "is missing");
                None
            }
        }
    }

    fn nearest_line(&self, field: &str) -> usize {
        let mut path = field;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return 1,
            }
        }
    }

    /// Lines count from 1.
    fn line_of(&self, offset: usize) -> usize {
        let bytes = self.document.as_bytes();
        let before = bytes.get(..offset).unwrap_or(bytes);
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&Node<'a>> {
        let mut nodes = self.nodes.iter();
        nodes.find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(&'a str, Node<'a>)> {
        self.nodes.iter()
    }
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

fn unknown(key: &str, known: &[&str]) -> String {
    let likeness = |name: &&&str| strsim::jaro_winkler(key, name);
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match best.filter(|name| likeness(name) >= SIMILAR) {
        Some(name) => format!("there is no such field; did you mean {name}?"),
        None => format!("there is no such field; there are {}", known.join(", ")),
    }
}
