//! A YAML text as trees, one for each document: anchors followed, mappings merged, depth and aliases bounded.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::words::{Word, word};

/// How deep a document may be nested.
const DEPTH: usize = 64;
/// How many aliases of lists and mappings a text may have.
const ALIASES: usize = 50;
/// The name of a member whose members are taken over.
const MERGE: &str = "<<";

/// A value and where it stands, both from 1.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) tree: Tree,
}

/// What a value consists of.
#[derive(Debug)]
pub(super) enum Tree {
    /// A plain scalar may be a word or a number, others are text.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Rc<Node>>),
    Mapping(Vec<(String, Rc<Node>)>),
}

/// Reads every document of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Rc<Node>>, String> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        lines: text.lines().collect(),
        anchors: HashMap::new(),
        aliases: 0,
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::DocumentStart(_), _) => {
                reader.anchors.clear();
                let (event, span) = reader.next()?;
                documents.push(reader.node(event, span, 0)?);
            }
            _ => {}
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    lines: Vec<&'a str>,
    /// By the parser's number for the anchor; an anchor whose value is not complete is not there yet.
    anchors: HashMap<usize, Rc<Node>>,
    aliases: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), String> {
        let event = self.events.next_event().ok_or("the text ends too early")?;
        event.map_err(|error| error.to_string())
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Rc<Node>, String> {
        let (line, column) = self.place(&event, span);
        if depth > DEPTH {
            return Err(format!("line {line}: nested deeper than {DEPTH} levels"));
        }
        let (anchor, tree) = match event {
            Event::Alias(anchor) => return self.alias(anchor, line),
            Event::Scalar(text, style, anchor, tag) => {
                let is_text =
                    tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let plain = style == ScalarStyle::Plain && !is_text;
                (anchor, Tree::Scalar { text: text.into_owned(), plain })
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping(depth)?),
            _ => return Err(format!("line {line}: a value is missing")),
        };
        let node = Rc::new(Node { line, column, tree });
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Where a value stands, from 1, as the original counts: what is empty after the colon, lines at the sign before them.
    fn place(&self, event: &Event<'a>, span: Span) -> (usize, usize) {
        let (line, column) = (span.start.line(), span.start.col() + 1);
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty() => (line, column + 1),
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                let above = self.lines.iter().enumerate().take(line).rev();
                let mut signs = above.filter_map(|(at, text)| Some((at + 1, sign(text)? + 1)));
                signs.next().unwrap_or((line, column))
            }
            _ => (line, column),
        }
    }

    fn alias(&mut self, anchor: usize, line: usize) -> Result<Rc<Node>, String> {
        let node = self.anchors.get(&anchor).cloned();
        let node = node.ok_or_else(|| format!("line {line}: an alias of what contains it"))?;
        if !matches!(node.tree, Tree::Scalar { .. }) {
            self.aliases += 1;
        }
        match self.aliases > ALIASES {
            true => Err(format!("line {line}: more than {ALIASES} aliases of lists and mappings")),
            false => Ok(node),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Tree, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Tree::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Tree, String> {
        let mut members = Members::default();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Tree::Mapping(members.list));
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            match &key.tree {
                Tree::Scalar { text, plain: true } if text == MERGE => members.merge(&value)?,
                Tree::Scalar { text, plain } => {
                    members.own(name(text, *plain), value).map_err(|name| {
                        format!("line {}: the key {name} stands twice", key.line)
                    })?;
                }
                _ => return Err(format!("line {}: a key must be text", key.line)),
            }
        }
    }
}

/// The members of a mapping in the order of the text. Its own count more than merged ones, and earlier merged ones more
/// than later ones.
#[derive(Default)]
struct Members {
    list: Vec<(String, Rc<Node>)>,
    places: HashMap<String, usize>,
    own: HashSet<String>,
}

impl Members {
    fn own(&mut self, name: String, value: Rc<Node>) -> Result<(), String> {
        if !self.own.insert(name.clone()) {
            return Err(name);
        }
        match self.places.get(&name) {
            Some(place) => self.list[*place].1 = value,
            None => self.add(name, value),
        }
        Ok(())
    }

    /// Takes over the members of one mapping, or of each in a list.
    fn merge(&mut self, value: &Rc<Node>) -> Result<(), String> {
        let sources = match &value.tree {
            Tree::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        for source in sources {
            let Tree::Mapping(theirs) = &source.tree else {
                return Err(format!("line {}: only mappings can be merged", value.line));
            };
            for (name, value) in theirs {
                if !self.places.contains_key(name) {
                    self.add(name.clone(), value.clone());
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, name: String, value: Rc<Node>) {
        self.places.insert(name.clone(), self.list.len());
        self.list.push((name, value));
    }
}

/// Where in a line the sign stands that announces lines: `|` or `>` with what belongs to it, at the end of the line.
fn sign(line: &str) -> Option<usize> {
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    let head = line.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    let before = head.strip_suffix(['|', '>'])?;
    let announces = before.is_empty() || before.ends_with([' ', '\t']);
    announces.then(|| before.chars().count())
}

/// Spring puts a key that is no text into brackets.
fn name(text: &str, plain: bool) -> String {
    match word(text) {
        _ if !plain => text.to_owned(),
        Word::Truth(truth) => format!("[{truth}]"),
        Word::Number(number) => format!("[{number}]"),
        Word::Null | Word::NoFinite(_) | Word::Text => text.to_owned(),
    }
}
