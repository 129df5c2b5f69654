//! All sources as one: which value of each key counts, flat and nested, as the combined forms of the interface show it.

use std::collections::HashMap;

use super::source::{Property, Source, Value};

/// The largest index of a list that is written nested; what is between given indexes is null.
const INDEX: usize = 10_000;
/// Is not shown: Spring's older key for the profiles of a document.
const HIDDEN: &str = "spring.profiles";

/// Keys in the order in which they came first.
#[derive(Debug)]
pub(super) struct Ordered<T> {
    list: Vec<(String, T)>,
    places: HashMap<String, usize>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered { list: Vec::new(), places: HashMap::new() }
    }
}

impl<T> Ordered<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.list.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.places.get(key).map(|place| &mut self.list[*place].1)
    }

    /// Sets a value. A key that is there keeps its place.
    fn put(&mut self, key: &str, value: T) {
        match self.places.get(key) {
            Some(place) => self.list[*place].1 = value,
            None => {
                self.places.insert(key.to_owned(), self.list.len());
                self.list.push((key.to_owned(), value));
            }
        }
    }
}

/// A property that counts, and the source it is of.
pub(super) type Counting<'a> = (&'a Source, &'a Property);

/// Every key with the value that counts. Sources come the strongest first, the keys of the weakest come first; a list is
/// of one source as a whole, the strongest that has it, and lists come last.
pub(super) fn flat(sources: &[Source]) -> Vec<Counting<'_>> {
    let (mut single, mut lists) = (Ordered::default(), Ordered::<Vec<Counting<'_>>>::default());
    for source in sources.iter().rev() {
        let mut own: Ordered<Vec<Counting<'_>>> = Ordered::default();
        for property in source.properties.iter() {
            let Some(bracket) = property.key.find('[') else {
                single.put(&property.key, (source, property));
                if property.value == Value::EmptyList {
                    own.put(&property.key, Vec::new());
                }
                continue;
            };
            let list = &property.key[..bracket];
            match own.get_mut(list) {
                Some(items) => items.push((source, property)),
                None => own.put(list, vec![(source, property)]),
            }
        }
        for (list, items) in own.list {
            lists.put(&list, items);
        }
    }
    // A list with items counts more than the empty one of a weaker source, which has the same key.
    let filled =
        |key: &str| lists.places.get(key).is_some_and(|place| !lists.list[*place].1.is_empty());
    let is_empty = |property: &Property| property.value == Value::EmptyList;
    let counting = single.list.into_iter().map(|(_, counting)| counting);
    let counting = counting.filter(|(_, property)| {
        property.key != HIDDEN && !(is_empty(property) && filled(&property.key))
    });
    let mut counting: Vec<_> = counting.collect();
    counting.extend(lists.list.into_iter().flat_map(|(_, items)| items));
    counting
}

/// A value with what is below it.
#[derive(Debug)]
pub(super) enum Nested {
    Leaf(Value),
    Null,
    List(Vec<Nested>),
    Mapping(Ordered<Nested>),
}

/// The same as mappings and lists. A key below another that has a value stays as it is: `a: 1` and `a.b: 2`.
///
/// # Errors
/// Names a key that cannot be written so, such as `a[x]`.
pub(super) fn nested(counting: &[Counting<'_>]) -> Result<Ordered<Nested>, String> {
    let mut root = Ordered::default();
    for (_, property) in counting {
        put(&mut root, &property.key, property.value.clone()).map_err(|reason| {
            format!(
                "The key {} cannot be written in this form, because {reason}; ask for .properties",
                property.key
            )
        })?;
    }
    Ok(root)
}

fn put(mapping: &mut Ordered<Nested>, key: &str, value: Value) -> Result<(), String> {
    let Some(end) = key.find(['.', '[']) else {
        mapping.put(key, Nested::Leaf(value));
        return Ok(());
    };
    let (name, rest) = key.split_at(end);
    if name.is_empty() {
        return Err("a name in it is empty".to_owned());
    }
    if mapping.get_mut(name).is_none() {
        let empty = if rest.starts_with('.') {
            Nested::Mapping(Ordered::default())
        } else {
            Nested::List(Vec::new())
        };
        mapping.put(name, empty);
    }
    match (mapping.get_mut(name), rest.strip_prefix('.')) {
        (Some(Nested::Mapping(below)), Some(rest)) => put(below, rest, value),
        (Some(Nested::List(items)), None) => put_item(items, rest, value),
        (_, Some(_)) => {
            mapping.put(key, Nested::Leaf(value));
            Ok(())
        }
        (_, None) => Err(format!("{name} is no list elsewhere")),
    }
}

/// Puts a value at `[1]`, `[1].name` or `[1][2]` of a list.
fn put_item(items: &mut Vec<Nested>, key: &str, value: Value) -> Result<(), String> {
    let (index, rest) = key[1..].split_once(']').ok_or("a bracket is open")?;
    let index = index.parse::<usize>().ok().filter(|index| *index <= INDEX);
    let index = index.ok_or_else(|| format!("an index is a number up to {INDEX}"))?;
    while items.len() <= index {
        items.push(Nested::Null);
    }
    let item = &mut items[index];
    if rest.is_empty() {
        *item = Nested::Leaf(value);
        return Ok(());
    }
    if matches!(item, Nested::Null) {
        *item = match rest.starts_with('.') {
            true => Nested::Mapping(Ordered::default()),
            false => Nested::List(Vec::new()),
        };
    }
    match (item, rest.strip_prefix('.')) {
        (Nested::Mapping(below), Some(rest)) => put(below, rest, value),
        (Nested::List(below), None) if rest.starts_with('[') => put_item(below, rest, value),
        _ => Err("its parts do not fit other keys".to_owned()),
    }
}
