//! House rules: arrows, words, the map, contracts, generated files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which of our crates each of our crates may use, tests aside.
const ARROWS: [(&str, &[&str]); 17] = [
    ("chassis", &[]),
    ("faults", &[]),
    ("database", &["faults"]),
    ("messaging", &["database", "faults"]),
    ("mail", &["messaging", "database", "faults"]),
    ("entity", &["database", "chassis"]),
    ("discovery", &["chassis"]),
    ("identity", &["chassis", "database"]),
    ("feed", &["chassis", "messaging"]),
    ("pages", &["chassis", "identity"]),
    (
        "microservice",
        &["chassis", "database", "discovery", "entity", "feed", "identity", "messaging"],
    ),
    ("registry", CRATES),
    ("gateway", CRATES),
    ("store", CRATES),
    ("alert", CRATES),
    (
        "milena",
        &[
            "chassis",
            "database",
            "messaging",
            "mail",
            "entity",
            "discovery",
            "identity",
            "microservice",
            "registry",
            "gateway",
            "store",
            "alert",
        ],
    ),
    ("bench", &[]),
];
const CRATES: &[&str] = &[
    "chassis",
    "database",
    "messaging",
    "mail",
    "entity",
    "discovery",
    "identity",
    "feed",
    "microservice",
    "pages",
];

/// Names of protocols and libraries with a word of the business in them.
const OTHERS: [&str; 6] =
    ["no-store", "key_store", "key-store", "trust-store", "key store", "offset.store"];

/// Words of the business, which mechanism never says.
const BUSINESS: [&str; 8] =
    ["store", "stores", "storeapp", "storestore", "storealert", "storealerts", "candle", "alerts"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every file below a folder of the project, target and data folders aside.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "data", ".git"].contains(&name.as_str()) {
                waiting.push(path);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Name and manifest of each of our crates.
fn manifests() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let of_crates = ["crates", "services"]
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path());
    for folder in of_crates.chain(["milena", "bench"].map(|name| root().join(name))) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        found.insert(name, read(&folder.join("Cargo.toml")));
    }
    found
}

/// The names in the section `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_crate_uses_another_that_the_house_does_not_allow() {
    let manifests = manifests();
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into();
    assert_eq!(
        manifests.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        arrows.keys().copied().collect::<BTreeSet<_>>()
    );
    for (name, manifest) in &manifests {
        for used in dependencies(manifest).iter().filter(|used| arrows.contains_key(used.as_str()))
        {
            let allowed = arrows[name.as_str()].contains(&used.as_str());
            assert!(
                allowed,
                "{name} uses {used}: a new arrow needs a page in docs/decisions and a line in tidy.rs and ARCHITECTURE.md"
            );
        }
    }
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    for (name, manifest) in manifests() {
        let own: Vec<_> = manifest.lines().filter(|line| line.contains("version = \"")).collect();
        assert!(own.is_empty(), "{name}: {own:?}");
    }
}

#[test]
fn mechanism_says_no_word_of_the_business() {
    let mut found = Vec::new();
    for path in files("crates").iter().filter(|path| {
        path.extension().is_some_and(|kind| {
            ["rs", "html", "css", "yml", "toml"].iter().any(|known| kind == *known)
        })
    }) {
        for (number, line) in read(path).lines().enumerate() {
            let line = OTHERS.iter().fold(line.to_lowercase(), |line, word| line.replace(word, ""));
            let mut words = line.split(|letter: char| !letter.is_alphanumeric());
            if let Some(word) = words.find(|word| BUSINESS.contains(word)) {
                found.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_gateway_names_no_entity() {
    for path in files("services/gateway")
        .iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs" || kind == "html"))
    {
        let text = read(path);
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        if path.components().any(|part| part.as_os_str() == "tests")
            || path.ends_with("openapi/tests.rs")
        {
            continue;
        }
        for word in ["Store", "store-alert", "stores"] {
            assert!(!text.contains(word), "{} says {word}", path.display());
        }
    }
}

#[test]
fn the_map_names_every_crate_and_is_short() {
    let map = read(&root().join("ARCHITECTURE.md"));
    for name in manifests().keys() {
        assert!(map.contains(&format!("{name}`")), "ARCHITECTURE.md does not name {name}");
    }
    assert!(map.lines().count() < 200);
}

#[test]
fn every_decision_is_short_and_listed() {
    let list = read(&root().join("docs/decisions/README.md"));
    for path in files("docs/decisions").iter().filter(|path| !path.ends_with("README.md")) {
        assert!(read(path).lines().count() <= 30, "{} is too long", path.display());
        assert!(
            list.contains(&*path.file_name().unwrap().to_string_lossy()),
            "{} is not listed",
            path.display()
        );
    }
}

#[test]
fn every_contract_is_used_by_a_producer_and_a_consumer() {
    let sources: Vec<String> = files("services")
        .iter()
        .filter(|path| path.ends_with("src/lib.rs"))
        .map(|path| read(path))
        .collect();
    let contracts: Vec<_> = fs::read_dir(root().join("contracts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert!(!contracts.is_empty());
    for name in contracts {
        let users =
            sources.iter().filter(|source| source.contains(&format!("contracts/{name}"))).count();
        assert!(users >= 2, "{name} is used by {users} services");
    }
}

#[test]
fn a_module_is_a_file_of_its_name() {
    let strays: Vec<_> = ["crates", "services", "milena", "bench"]
        .iter()
        .flat_map(|folder| files(folder))
        .filter(|path| path.ends_with("mod.rs"))
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
}

#[test]
fn descriptions_are_marked_as_generated_and_hold_data_only() {
    for name in ["store", "alert"] {
        let text = read(&root().join(format!("services/{name}/src/domain.rs")));
        assert!(
            text.lines().next().unwrap_or_default().starts_with("//! Generated from apps.jdl"),
            "{name}"
        );
        assert!(!text.contains("fn ") && !text.contains("impl "), "{name} has behaviour");
    }
}

/// The page of all configuration keys, made from the commented defaults.
fn configuration_page() -> String {
    let mut page = String::from(
        "# Configuration\n\nEvery key, with its default; made from the compiled-in default files by `milena/tests/it/tidy.rs`.\n\n\
         Later layers win: defaults, `--config FILE` (YAML), environment, command line (`--set KEY=VALUE`). In the environment\n\
         `spring.mail.host` is `SPRING_MAIL_HOST`; dashes are left out or become underscores; with `_FILE` at its end a variable names a\n\
         file that holds the value. A key that nobody knows stops the start with exit code 64.\n",
    );
    for (title, text) in [
        ("The program", milena::DEFAULTS),
        ("Registry", registry::DEFAULTS),
        ("Gateway", gateway::DEFAULTS),
        ("Store", store::DEFAULTS),
        ("Alert", alert::DEFAULTS),
    ] {
        page.push_str(&format!("\n## {title}\n\n```yaml\n{}\n```\n", text.trim_end()));
    }
    page
}

#[test]
fn the_configuration_page_is_current() {
    let path = root().join("docs/configuration.md");
    let page = configuration_page();
    if fs::read_to_string(&path).unwrap_or_default() != page {
        fs::write(&path, page).unwrap();
        panic!("{} was not current; it is now: look at it and commit it", path.display());
    }
}
