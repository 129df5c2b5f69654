//! The same against the development identity provider, with its form.

use reqwest::{Client, header, redirect};
use tokio::{net::TcpListener, task::JoinSet};

use super::*;

/// A gateway whose issuer is the development identity provider, on a socket of its own.
struct Development {
    client: Client,
    login: Arc<Login>,
    outside: Outside,
    _folder: TempDir,
    _serving: JoinSet<()>,
}

impl Development {
    async fn new() -> Development {
        let folder = tempfile::tempdir().unwrap();
        let tables = [&identity::issuer::TABLES[..], &identity::session::tables()].concat();
        let path = folder.path().join("identity.db");
        let database = Sqlite::open(&path, &tables, Durability::ProcessCrash).await.unwrap();
        let outside = Outside::fixed(NOW.parse().unwrap(), 7);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realms/jhipster", listener.local_addr().unwrap());
        let keys = folder.path().join("keys");
        let issuer = identity::Issuer::open(database.clone(), &keys, url.clone(), outside.clone());
        let routes = issuer.await.unwrap().routes();
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let provider = Provider::new(&url).unwrap();
        let verifier = Verifier::new(provider.clone(), vec!["account".into()], outside.clone());
        let login = Login::new(LoginSettings {
            provider,
            verifier: Arc::new(verifier),
            client_id: "web_app".into(),
            client_secret: Secret::new("web_app".into()),
            scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
            sessions: Sessions::new(database, outside.clone()),
            outside: outside.clone(),
        });
        let client =
            Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Development { client, login, outside, _folder: folder, _serving: serving }
    }
}

#[tokio::test]
async fn signs_in_with_the_form_of_the_development_issuer() {
    let development = Development::new().await;
    let router = gateway(development.login.clone(), development.outside.clone());
    let mut browser = Browser { host: "localhost:8081", ..Browser::new(&router) };
    let leaving = browser.get("/oauth2/authorization/oidc?return=/books").await;
    let page = development.client.get(leaving.location()).send().await.unwrap();
    let address = page.url().clone();
    let page = page.text().await.unwrap();
    let action = page.split_once(r#" action=""#).unwrap().1.split_once('"').unwrap().0;
    let action = address.join(&action.replace("&amp;", "&").replace("&#38;", "&")).unwrap();
    let form = [("username", "admin"), ("password", "admin")];
    let returning = development.client.post(action).form(&form).send().await.unwrap();
    let location = returning.headers()[header::LOCATION].to_str().unwrap();
    let back = browser.get(location.strip_prefix("http://localhost:8081").unwrap()).await;
    assert_eq!((back.status.as_u16(), back.location().as_str()), (302, "/books"), "{back:?}");
    let account = browser.get("/api/account").await.json();
    assert_eq!(account["login"], "admin");
    let mut authorities: Vec<_> =
        account["authorities"].as_array().unwrap().iter().map(Value::to_string).collect();
    authorities.sort();
    assert_eq!(authorities, [r#""ROLE_ADMIN""#, r#""ROLE_USER""#]);
    let visitor = browser.get("/visitor").await.json();
    let authorization = format!("Bearer {}", visitor["token"].as_str().unwrap());
    let mut program = Browser::new(&router);
    let seen = program
        .send(axum::http::Method::GET, "/visitor", &[("authorization", &authorization)], "")
        .await;
    assert_eq!(seen.json()["kind"], "bearer", "the session's token is good for the services");
    let gone = browser.post("/logout", &[]).await;
    let ended = development.client.get(gone.location()).send().await.unwrap();
    assert_eq!(ended.headers()[header::LOCATION], "http://localhost:8081/");
}
