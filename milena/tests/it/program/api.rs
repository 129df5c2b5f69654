//! Calls the interfaces of a running program.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(15);

/// How many alerts are read at a time.
const PAGE: usize = 1000;

/// Where everything is, and a client to call it with.
pub(crate) struct Api {
    pub(crate) addresses: Value,
    pub(crate) client: Client,
}

impl Api {
    /// Reads the first line of the program's output.
    pub(crate) fn new(line: &str) -> Api {
        let addresses =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        // This machine only: no proxy, and no certificates, which a bare machine may lack.
        let client = Client::builder().no_proxy().tls_certs_only([]).timeout(CALL).build();
        Api { addresses, client: client.unwrap() }
    }

    /// The address of a part.
    pub(crate) fn at(&self, part: &str) -> &str {
        self.addresses[part].as_str().unwrap_or_else(|| panic!("no address of {part}"))
    }

    /// What the token endpoint answers to the name and password of `admin`.
    pub(crate) async fn tokens(&self) -> Value {
        let answer = self.ask_for_tokens().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "a token");
        answer.json().await.unwrap()
    }

    /// A token of `admin`, unless the program ends over the question.
    pub(crate) async fn try_token(&self) -> Option<String> {
        let tokens: Value = self.ask_for_tokens().await.ok()?.json().await.ok()?;
        Some(tokens["access_token"].as_str()?.to_owned())
    }

    async fn ask_for_tokens(&self) -> reqwest::Result<Response> {
        let url = format!("{}/protocol/openid-connect/token", self.at("issuer"));
        let form = [
            ("grant_type", "password"),
            ("client_id", "web_app"),
            ("client_secret", "web_app"),
            ("username", "admin"),
            ("password", "admin"),
            ("scope", "openid profile email offline_access"),
        ];
        self.client.post(url).form(&form).send().await
    }

    /// A token of `admin`.
    pub(crate) async fn token(&self) -> String {
        self.tokens().await["access_token"].as_str().unwrap().to_owned()
    }

    /// Makes a store, and answers its id.
    pub(crate) async fn create_store(&self, token: &str, name: &str) -> String {
        let url = format!("{}/api/stores", self.at("store"));
        let request = self.client.post(url).bearer_auth(token).json(&store(None, name));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "a new store");
        let created: Value = answer.json().await.unwrap();
        created["id"].as_str().unwrap().to_owned()
    }

    /// Replaces a store by a closed one of this name.
    pub(crate) async fn update_store(
        &self,
        token: &str,
        id: &str,
        name: &str,
    ) -> reqwest::Result<Response> {
        let url = format!("{}/api/stores/{id}", self.at("store"));
        self.client.put(url).bearer_auth(token).json(&store(Some(id), name)).send().await
    }

    /// The names in all alerts, first one first.
    pub(crate) async fn alerts(&self, token: &str) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let page = names.len() / PAGE;
            let url = format!("{}/api/store-alerts?page={page}&size={PAGE}", self.at("alert"));
            let answer = self.client.get(url).bearer_auth(token).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "the alerts");
            let total: usize = answer.headers()["x-total-count"].to_str().unwrap().parse().unwrap();
            let alerts: Vec<Value> = answer.json().await.unwrap();
            let full = alerts.len() == PAGE;
            names.extend(alerts.iter().map(|row| row["storeName"].as_str().unwrap().to_owned()));
            if !full || names.len() == total {
                assert_eq!(names.len(), total, "the pages have as many rows as they say");
                return names;
            }
        }
    }
}

fn store(id: Option<&str>, name: &str) -> Value {
    let created = "2022-09-05T18:08:31.546Z";
    json!({ "id": id, "name": name, "address": "1 Wax Street", "status": "CLOSED", "createTimestamp": created })
}
