//! A program that calls the services, usually with a token.

use std::sync::Arc;

use milena::up::Addresses;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Home};

/// A program with the addresses of a system.
pub(crate) struct Caller {
    client: Client,
    at: Addresses,
    home: Arc<Home>,
    token: Option<String>,
}

/// A store as a caller describes it; without an id.
pub(crate) fn store(name: &str, status: &str) -> Value {
    json!({
        "name": name, "address": "1 Wax Street", "status": status,
        "createTimestamp": "2022-09-05T18:08:31.546Z", "updateTimestamp": null,
    })
}

impl Caller {
    pub(super) fn new(at: Addresses, home: Arc<Home>) -> Self {
        Caller { client: super::client(), at, home, token: None }
    }

    /// The same program with a token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        self.home.secrets.add_token(token);
        Caller {
            token: Some(token.to_owned()),
            client: self.client.clone(),
            at: self.at.clone(),
            home: self.home.clone(),
        }
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// A request with the token, to be completed.
    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        sent(self.request(Method::GET, url)).await
    }

    pub(crate) async fn delete(&self, url: &str) -> Answer {
        sent(self.request(Method::DELETE, url)).await
    }

    /// Sends JSON.
    pub(crate) async fn send(&self, method: Method, url: &str, body: &Value) -> Answer {
        sent(self.request(method, url).json(body)).await
    }

    /// Makes an open store, and answers its id.
    pub(crate) async fn create(&self, name: &str) -> String {
        let answer =
            self.send(Method::POST, &self.stores(), &store(name, "OPEN")).await.expect(201);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Changes a store.
    pub(crate) async fn update(&self, id: &str, name: &str, status: &str) {
        self.send(Method::PUT, &format!("{}/{id}", self.stores()), &changed(id, name, status))
            .await
            .expect(200);
    }

    /// Tries to change a store; whether the answer was that it is changed. A connection that breaks is no answer.
    pub(crate) async fn try_to_update(&self, id: &str, name: &str, status: &str) -> bool {
        let request = self
            .request(Method::PUT, &format!("{}/{id}", self.stores()))
            .json(&changed(id, name, status));
        request.send().await.is_ok_and(|response| response.status().is_success())
    }

    /// Every recorded alert, oldest first.
    pub(crate) async fn alerts(&self) -> Vec<Value> {
        let answer = self.get(&format!("{}?sort=id,asc", self.store_alerts())).await.expect(200);
        answer.json().as_array().unwrap().clone()
    }

    /// The stores at their service.
    pub(crate) fn stores(&self) -> String {
        format!("{}/api/stores", self.at.store)
    }

    /// The alerts at their service.
    pub(crate) fn store_alerts(&self) -> String {
        format!("{}/api/store-alerts", self.at.alert)
    }
}

/// Sends a request that was completed.
pub(crate) async fn sent(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await.unwrap()).await
}

fn changed(id: &str, name: &str, status: &str) -> Value {
    let mut store = store(name, status);
    store["id"] = json!(id);
    store
}
