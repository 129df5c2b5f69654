//! A data folder that cannot be used is left exactly as it is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::program::{System, until};

#[tokio::test]
async fn a_folder_in_use_names_who_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = System::start(folder.path(), &[], &[]).await;
    let (elsewhere, shared) = (tempfile::tempdir().unwrap(), folder.path().join("data"));
    let more = ["--data-dir", shared.to_str().unwrap()];
    let arguments = [&["up", "--ports", "0"][..], &more].concat();
    let second = crate::program::Program::start(elsewhere.path(), &arguments, &[]).end().await;
    assert_eq!(second.code, Some(1), "{second:?}");
    let expected = format!(
        "{} is in use by another milena, process {};",
        shared.display(),
        first.program.id()
    );
    assert!(second.err.contains(&expected) && second.err.contains("--data-dir"), "{}", second.err);
    assert_eq!((second.err.lines().count(), second.out.as_str()), (1, ""));
    super::everything_answers(&first.api).await;
    first.stop().await;
}

/// What happens to a folder, and what the program says of it.
type Mishap = (&'static str, fn(&mut Vec<u8>), &'static str);

const MISHAPS: [Mishap; 13] = [
    (
        "VERSION",
        |bytes| *bytes = b"milena 2\n".to_vec(),
        "has layout version 2, this program knows version 1",
    ),
    ("VERSION", |bytes| *bytes = b"\xff\xfe garbage".to_vec(), "is damaged"),
    ("VERSION", Vec::clear, "is damaged"),
    ("store.db", |bytes| bytes[..].fill(b'x'), "is damaged"),
    ("store.db", |bytes| overwrite_the_middle(bytes), "is damaged"),
    ("store.db", |bytes| bytes.truncate(bytes.len() / 2), "is damaged"),
    ("store.db", |bytes| newer(bytes), "has layout version 99, this program knows version 1"),
    ("alert.db", |bytes| overwrite_the_middle(bytes), "is damaged"),
    ("broker.db", |bytes| overwrite_the_middle(bytes), "is damaged"),
    ("keys/issuer-key.pem", |bytes| overwrite_the_middle(bytes), "is damaged"),
    ("gateway.db", |bytes| bytes[..].fill(b'x'), "is damaged"),
    ("registry.db", |bytes| bytes[..].fill(b'x'), "is damaged"),
    ("identity.db", |bytes| newer(bytes), "has layout version 99"),
];

fn overwrite_the_middle(bytes: &mut [u8]) {
    let middle = bytes.len() / 2..bytes.len() * 3 / 4;
    bytes[middle].fill(0xff);
}

/// The layout version stands at byte 60 of the header (SQLite file format, section 1.3).
fn newer(bytes: &mut [u8]) {
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
}

#[tokio::test]
async fn a_newer_or_damaged_folder_is_named_and_left_alone() {
    let whole = tempfile::tempdir().unwrap();
    fill(whole.path()).await;
    for (file, mishap, expected) in MISHAPS {
        let folder = tempfile::tempdir().unwrap();
        copy(&whole.path().join("data"), &folder.path().join("data"));
        let path = folder.path().join("data").join(file);
        let mut bytes = fs::read(&path).unwrap();
        mishap(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let before = content(&folder.path().join("data"));
        let ended = System::launch(folder.path(), &[], &[]).end().await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{file} {expected}: {ended:?}");
        let names = ended.err.contains(file) || ended.err.contains("data folder data");
        assert!(names && ended.err.contains(expected), "{file} {expected}: {}", ended.err);
        let after = content(&folder.path().join("data"));
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        assert!(before == after, "{file} {expected}: the folder was touched");
    }
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/thesis.txt"), "years of work").unwrap();
    let ended = System::launch(folder.path(), &[], &[]).end().await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("data is no data folder of this program"), "{}", ended.err);
    assert_eq!(content(&folder.path().join("data")).len(), 1);
}

/// Makes a data folder with something in every file, stopped in good order.
async fn fill(folder: &Path) {
    let system = System::start(folder, &[], &[]).await;
    let token = system.api.token().await;
    let name = "Candle Shop ".repeat(50);
    for _ in 0..20 {
        let id = system.api.create_store(&token, &name).await;
        system.api.update_store(&token, &id, &name).await.unwrap().error_for_status().unwrap();
    }
    until("the alerts", async || (system.api.alerts(&token).await.len() == 20).then_some(())).await;
    system.stop().await;
    let files = content(&folder.join("data"));
    let logs: Vec<_> =
        files.keys().filter(|path| path.to_str().unwrap().contains("-wal")).collect();
    assert!(
        logs.is_empty(),
        "after a stop in good order, each file is whole without a log: {logs:?}"
    );
}

/// Every file below a folder.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(content(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in content(from) {
        let copied = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(copied.parent().unwrap()).unwrap();
        fs::write(copied, bytes).unwrap();
    }
}
