//! What writes do to rows, and when they do nothing.

use database::{Changes, CommitError, Value, Write};

use super::{BOOK, World, book, insert, message};

pub(super) async fn all(world: &World) {
    keeps_a_version_until_the_content_changes(world).await;
    refuses_to_replace_a_stale_version(world).await;
    overwrites_any_version_but_makes_no_row(world).await;
    deletes_a_row_once_and_again(world).await;
    deletes_only_the_version_that_was_seen(world).await;
    refuses_a_second_insert(world).await;
    makes_several_writes_in_their_order(world).await;
    makes_all_changes_or_none(world).await;
}

impl World {
    fn replace(&self, name: &str, version: i64, values: Vec<Value>) -> Changes {
        let id = self.id(name);
        Changes::new().write(Write::Replace { table: BOOK, id, version, values })
    }

    fn overwrite(&self, name: &str, values: Vec<Value>) -> Changes {
        Changes::new().write(Write::Overwrite { table: BOOK, id: self.id(name), values })
    }

    fn delete(&self, name: &str, version: Option<i64>) -> Changes {
        Changes::new().write(Write::Delete { table: BOOK, id: self.id(name), version })
    }

    async fn refuses(&self, changes: Changes) {
        let done = self.database.commit(changes).await;
        assert!(matches!(done, Err(CommitError::Conflict)), "{done:?}");
    }
}

async fn keeps_a_version_until_the_content_changes(world: &World) {
    let mut versions = vec![world.insert("quiet", book("first", 1)).await.version];
    assert_eq!(world.read("quiet").await.unwrap().version, versions[0]);
    world.insert("neighbour", book("first", 1)).await;
    assert_eq!(world.read("quiet").await.unwrap().version, versions[0]);
    for changes in [
        world.replace("quiet", versions[0], book("second", 1)),
        world.overwrite("quiet", book("second", 2)),
        world.overwrite("quiet", vec![Value::Null; 5]),
    ] {
        world.database.commit(changes).await.unwrap();
        let version = world.read("quiet").await.unwrap().version;
        assert!(!versions.contains(&version), "{version} in {versions:?}");
        versions.push(version);
    }
}

async fn refuses_to_replace_a_stale_version(world: &World) {
    let first = world.insert("versions", book("first", 1)).await.version;
    world.database.commit(world.replace("versions", first, book("second", 2))).await.unwrap();
    world.refuses(world.replace("versions", first, book("stale", 2))).await;
    let row = world.read("versions").await.unwrap();
    assert_eq!(row.values, book("second", 2));
    world.refuses(world.replace("nowhere", row.version, book("x", 1))).await;
    for made_up in [i64::MIN, -1, i64::MAX] {
        world.refuses(world.replace("versions", made_up, book("x", 1))).await;
    }
    assert_eq!(world.read("versions").await.unwrap(), row);
    assert_eq!(world.read("nowhere").await, None);
}

async fn overwrites_any_version_but_makes_no_row(world: &World) {
    world.insert("any", book("first", 1)).await;
    for title in ["second", "third", "third"] {
        world.database.commit(world.overwrite("any", book(title, 2))).await.unwrap();
    }
    assert_eq!(world.read("any").await.unwrap().values, book("third", 2));
    world.refuses(world.overwrite("nowhere", book("x", 1))).await;
    assert_eq!(world.read("nowhere").await, None);
}

async fn deletes_a_row_once_and_again(world: &World) {
    world.insert("deleted", book("deleted", 1)).await;
    let channel = world.name("deletions");
    for time in ["first", "second"] {
        let changes = world.delete("deleted", None).send(message(time, &channel, "k"));
        world.database.commit(changes).await.unwrap();
        assert_eq!(world.read("deleted").await, None);
    }
    let told = world.unsent(&channel).await;
    assert_eq!(told.iter().map(|(_, sent)| &*sent.id).collect::<Vec<_>>(), ["first", "second"]);
}

async fn deletes_only_the_version_that_was_seen(world: &World) {
    let seen = world.insert("seen", book("first", 1)).await.version;
    world.database.commit(world.overwrite("seen", book("second", 1))).await.unwrap();
    world.refuses(world.delete("seen", Some(seen))).await;
    world.refuses(world.delete("nowhere", Some(seen))).await;
    let seen = world.read("seen").await.unwrap().version;
    world.database.commit(world.delete("seen", Some(seen))).await.unwrap();
    assert_eq!(world.read("seen").await, None);
    world.refuses(world.delete("seen", Some(seen))).await;
}

async fn refuses_a_second_insert(world: &World) {
    let first = world.insert("twice", book("first", 1)).await;
    world.refuses(insert(&world.name("twice"), book("second", 1))).await;
    let both = insert(&world.name("both"), book("a", 1));
    let both = both.write(insert(&world.name("both"), book("b", 1)).writes.remove(0));
    world.refuses(both).await;
    assert_eq!(world.read("twice").await.unwrap(), first);
    assert_eq!(world.read("both").await, None);
}

async fn makes_several_writes_in_their_order(world: &World) {
    world.insert("changed", book("first", 1)).await;
    world.insert("removed", book("first", 1)).await;
    let changes = insert(&world.name("new"), book("new", 1))
        .write(insert(&world.name("passing"), book("passing", 1)).writes.remove(0))
        .write(world.overwrite("changed", book("second", 1)).writes.remove(0))
        .write(world.delete("removed", None).writes.remove(0))
        .write(world.overwrite("new", book("newer", 1)).writes.remove(0))
        .write(world.delete("passing", None).writes.remove(0))
        .write(world.overwrite("changed", book("third", 1)).writes.remove(0));
    world.database.commit(changes).await.unwrap();
    for (name, expected) in [
        ("new", Some(book("newer", 1))),
        ("changed", Some(book("third", 1))),
        ("removed", None),
        ("passing", None),
    ] {
        assert_eq!(world.read(name).await.map(|row| row.values), expected, "{name}");
    }
}

async fn makes_all_changes_or_none(world: &World) {
    let (channel, group) = (world.name("torn"), world.name("torn group"));
    let kept = world.insert("torn neighbour", book("first", 1)).await;
    let changes = insert(&world.name("torn"), book("torn", 1))
        .send(message("torn", &channel, "k"))
        .handled(&group, "torn")
        .write(world.overwrite("torn neighbour", book("torn", 1)).writes.remove(0))
        .write(world.delete("torn neighbour", None).writes.remove(0))
        .write(world.overwrite("nowhere", book("x", 1)).writes.remove(0));
    world.refuses(changes).await;
    assert_eq!(world.read("torn").await, None);
    assert_eq!(world.read("torn neighbour").await, Some(kept));
    assert_eq!(world.unsent(&channel).await, []);
    world.database.commit(Changes::new().handled(&group, "torn")).await.unwrap();
}
