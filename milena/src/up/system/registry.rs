//! The registry of this process, and how people sign in at it and at the gateway.

use std::sync::Arc;

use chassis::Service;
use database::Sqlite;
use discovery::Registry;
use identity::{
    login::{Login, LoginSettings},
    session::Sessions,
};

use super::Builder;

impl Builder {
    pub(super) async fn registry(&mut self) -> anyhow::Result<Service> {
        let database = self.parts.sqlite("registry.db", &registry::tables()).await?;
        let outside = self.parts.outside.clone();
        let login = Login::with_cookie(self.sign_in(database.clone()), registry::COOKIE);
        let wanted = &self.parts.wanted;
        Ok(registry::service(registry::Parts {
            settings: wanted.registry.clone(),
            login,
            issuer: self.addresses.issuer.clone(),
            client_id: wanted.sign_in.client_id.clone(),
            profiles: wanted.profiles.clone(),
            management: self.parts.management(registry::about(&wanted.profiles)),
            registry: Registry::new(outside.clone()),
            database,
            replicas: Vec::new(),
            ip_address: "127.0.0.1".to_owned(),
            outside,
        }))
    }

    /// How people sign in, with their sessions in this database.
    pub(super) fn sign_in(&self, database: Arc<Sqlite>) -> LoginSettings {
        let (parts, outside) = (&self.parts, self.parts.outside.clone());
        let sign_in = &parts.wanted.sign_in;
        LoginSettings {
            provider: self.provider.clone(),
            verifier: parts.verifier.clone(),
            client_id: sign_in.client_id.clone(),
            client_secret: sign_in.client_secret.clone(),
            scopes: sign_in.scopes.clone(),
            sessions: Sessions::new(database, outside.clone()),
            outside,
        }
    }
}
