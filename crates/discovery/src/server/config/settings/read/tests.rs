//! Spring's names in files and variables become settings, or an error that names the key.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<ConfigServerSettings, ConfigError> {
    let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = Settings::defaults(&["spring.profiles.active: dev"]).unwrap();
    let settings = settings.open(&ConfigServerSettings::OPEN).environment(pairs).unwrap();
    ConfigServerSettings::read(&settings, Path::new("./central-config"), Path::new("clones"))
}

fn folders(settings: &ConfigServerSettings) -> Vec<Vec<String>> {
    let found = settings.backends.iter().map(|backend| match backend {
        BackendSettings::Folders { locations, .. } => locations.clone(),
        BackendSettings::Repository(repository) => vec![repository.address.clone()],
    });
    found.collect()
}

#[test]
fn the_tutorials_environment_is_understood() {
    let settings = read(&[
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE", "native"),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_SEARCH_LOCATIONS", "file:./central-config"),
        ("ENCRYPT_KEY", "hunter2"),
    ])
    .unwrap();
    assert_eq!(folders(&settings), [["file:./central-config"]]);
    assert_eq!(settings.key.as_ref().map(|key| key.expose().as_str()), Some("hunter2"));
    assert!(settings.decrypts && !format!("{settings:?}").contains("hunter2"));
    assert_eq!(folders(&read(&[]).unwrap()), [["file:./central-config"]]);
}

#[test]
fn a_file_is_understood_as_spring_reads_it() {
    use std::io::Write;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = "spring.cloud.config.server:\n  composite:\n    - type: native\n      search-locations: [a, b]\n    - type: git\n      uri: https://example.org/x\n      refresh-rate: 30\nencrypt:\n  rsa:\n    algorithm: oaep\n";
    file.write_all(text.as_bytes()).unwrap();
    let settings = Settings::defaults(&["spring.profiles.active: dev"]).unwrap();
    let settings = settings.open(&ConfigServerSettings::OPEN).file(file.path()).unwrap();
    let settings = ConfigServerSettings::read(&settings, Path::new("x"), Path::new("y")).unwrap();
    assert_eq!(folders(&settings), [vec!["a", "b"], vec!["https://example.org/x"]]);
    let BackendSettings::Repository(repository) = &settings.backends[1] else { panic!() };
    assert_eq!(repository.refresh_seconds, 30);
    assert_eq!(settings.cipher.algorithm, RsaAlgorithm::Oaep);
}

#[test]
fn a_repository_has_its_password_apart_from_its_address() {
    let settings = read(&[
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE", "git"),
        (
            "SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_URI",
            "https://ann:p%40ss@example.org/config.git/",
        ),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_SEARCH_PATHS", "one, {application}"),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_CLONEONSTART", "true"),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_1_TYPE", "native"),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_1_SEARCHLOCATIONS_0", "a"),
        ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_1_SEARCHLOCATIONS_1", "b"),
    ])
    .unwrap();
    assert_eq!(folders(&settings), [vec!["https://example.org/config.git"], vec!["a", "b"]]);
    let BackendSettings::Repository(repository) = &settings.backends[0] else { panic!() };
    assert_eq!(repository.user.as_deref(), Some("ann"));
    assert_eq!(repository.password.as_ref().map(|it| it.expose().as_str()), Some("p@ss"));
    assert_eq!(repository.search_paths, ["one", "{application}"]);
    assert!(repository.clone_on_start && repository.refresh_seconds == 10);
    assert!(!format!("{settings:?}").contains("p@ss"));
}

#[test]
fn the_kind_without_a_composite_follows_the_profile() {
    let git = ("SPRING_CLOUD_CONFIG_SERVER_GIT_URI", "git@example.org:config.git");
    let native = ("SPRING_CLOUD_CONFIG_SERVER_NATIVE_SEARCH_LOCATIONS", "file:/a");
    assert_eq!(folders(&read(&[git]).unwrap()), [["git@example.org:config.git"]]);
    assert_eq!(folders(&read(&[native]).unwrap()), [["file:/a"]]);
    assert_eq!(folders(&read(&[git, native]).unwrap()), [["git@example.org:config.git"]]);
    let active = ("SPRING_PROFILES_ACTIVE", "prod,native");
    assert_eq!(folders(&read(&[git, native, active]).unwrap()), [["file:/a"]]);
}

#[test]
fn what_cannot_be_used_names_its_key() {
    let kind = ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE", "git");
    let uri = |uri: &'static str| vec![kind, ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_URI", uri)];
    for (variables, part) in [
        (vec![("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE", "vault")], "composite[0].type"),
        (vec![kind], "composite[0].uri"),
        (uri("--upload-pack=touch"), "composite[0].uri"),
        (uri("ext::sh -c true"), "composite[0].uri"),
        (uri("https://example.org/{application}"), "composite[0].uri"),
        (vec![("SPRING_CLOUD_CONFIG_SERVER_ENCRYPT_ENABLED", "perhaps")], "encrypt.enabled"),
        (vec![("ENCRYPT_RSA_STRONG", "true")], "encrypt.rsa.strong"),
        (vec![("ENCRYPT_RSA_ALGORITHM", "NONE")], "encrypt.rsa.algorithm"),
        (vec![("ENCRYPT_KEYSTORE_LOCATION", "a.jks")], "openssl pkcs12"),
    ] {
        let error = read(&variables).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn overrides_keep_their_spelling() {
    let settings = Settings::defaults(&["spring.profiles.active: dev"]).unwrap();
    let settings = settings
        .open(&ConfigServerSettings::OPEN)
        .environment([("SPRING_CLOUD_CONFIG_SERVER_OVERRIDES_A_B".to_owned(), "1".to_owned())])
        .unwrap()
        .argument("spring.cloud.config.server.overrides.my-Key[0]", "2")
        .unwrap();
    let settings = ConfigServerSettings::read(&settings, Path::new("x"), Path::new("y")).unwrap();
    let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    assert_eq!(settings.overrides, [("a.b", "1"), ("my-Key[0]", "2")].map(pair));
}
