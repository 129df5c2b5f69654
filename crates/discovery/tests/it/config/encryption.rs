//! Encrypting and decrypting over HTTP, as the original does.

use chassis::{Outside, Secret};
use discovery::server::{ConfigServer, config::ConfigServerSettings};
use serde_json::json;

use super::ask::{ADMIN, Answer, contracts, get, guarded, send, server};

const KEY: &str = "correct horse battery staple";
const CIPHER: &str = "283de0134df6f201d0322bdc54aa1a3f303930983caf408257d339955f83ef11";

async fn post(router: &axum::Router, path: &str, kind: &str, body: &str) -> Answer {
    let headers = json!([["Authorization", ADMIN], ["Content-Type", kind]]);
    send(router, &json!({ "method": "POST", "path": path, "headers": headers, "body": body })).await
}

#[tokio::test]
async fn texts_are_encrypted_and_decrypted() {
    let router = server("config/spring/folder", Some(KEY));
    for (path, text) in
        [("", "secret"), ("/library/prod", "gr\u{fc}n"), ("", "{key:x}named"), ("", "{plain}{a:b}")]
    {
        let encrypted = post(&router, &format!("/config/encrypt{path}"), "text/plain", text).await;
        assert_eq!(
            (encrypted.status, encrypted.kind.as_deref()),
            (200, Some("text/plain;charset=UTF-8"))
        );
        assert_eq!(encrypted.body.starts_with("{key:x}"), text.starts_with("{key:x}"));
        let plain =
            post(&router, &format!("/config/decrypt{path}"), "text/plain", &encrypted.body).await;
        let expected = text.replace("{key:x}", "").replace("{plain}", "");
        assert_eq!((plain.status, plain.body), (200, expected));
    }
    let form = "application/x-www-form-urlencoded";
    for body in [CIPHER.to_owned(), format!("{CIPHER}="), format!("{{cipher}}{CIPHER}")] {
        assert_eq!(post(&router, "/config/decrypt", form, &body).await.body, "secret", "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_decrypted_is_told_without_the_text() {
    let router = server("config/spring/folder", Some(KEY));
    let invalid = "{\n  \"description\" : \"Text not encrypted with this key\",\n  \"status\" : \"INVALID\"\n}";
    for body in ["zz", "0011", "AQAA", &"00".repeat(64)] {
        let answer = post(&router, "/config/decrypt", "text/plain", body).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, invalid), "{body}");
    }
    let long = "a".repeat(128 * 1024 + 1);
    assert_eq!(post(&router, "/config/encrypt", "text/plain", &long).await.status, 413);
    let headers = json!([["Authorization", ADMIN]]);
    let request =
        json!({ "method": "POST", "path": "/config/encrypt", "headers": headers, "body": "x" });
    assert_eq!(send(&router, &request).await.status, 400, "the Content-Type is missing");
}

#[tokio::test]
async fn a_public_key_is_given_away() {
    let pem = std::fs::read_to_string(contracts("config/rsa-vectors.pem")).unwrap();
    let router = server("config/spring/folder", Some(&pem));
    let public = std::fs::read_to_string(contracts("config/rsa-vectors.pub")).unwrap();
    for path in ["/config/key", "/config/key/library/prod"] {
        assert_eq!(get(&router, path, "*/*").await.body, public.trim());
    }
    let encrypted = post(&router, "/config/encrypt", "text/plain", "secret").await.body;
    for body in [encrypted.clone(), format!("{encrypted}=")] {
        let form = "application/x-www-form-urlencoded";
        assert_eq!(post(&router, "/config/decrypt", form, &body).await.body, "secret", "{body}");
    }
}

#[tokio::test]
async fn values_stay_encrypted_when_clients_decrypt_them() {
    let settings = ConfigServerSettings {
        key: Some(Secret::new(KEY.to_owned())),
        decrypts: false,
        ..ConfigServerSettings::folder(&contracts("config/spring/folder"))
    };
    let router = guarded(&ConfigServer::with(settings, Outside::system()).unwrap());
    let body = get(&router, "/config/secret/prod", "*/*").await.body;
    assert!(body.contains(&format!("\"secret.good\" : \"{{cipher}}{CIPHER}\"")), "{body}");
    let without_key = server("config/spring/folder", None);
    let body = get(&without_key, "/config/secret/prod", "*/*").await.body;
    assert!(
        body.contains("\"invalid.secret.good\" : \"<n/a>\"") && !body.contains(CIPHER),
        "{body}"
    );
}
