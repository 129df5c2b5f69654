//! The registry, and how people sign in at it and at the gateway.

use std::sync::Arc;

use chassis::Service;
use database::Sqlite;
use discovery::{
    Address, Registration, Registry, keep_registered,
    server::{ConfigServer, config::ConfigServerSettings},
};
use identity::{
    login::{Login, LoginSettings},
    session::Sessions,
};

use super::Parts;
use crate::{
    layers::Layers,
    refresh::{Refresh, Source},
    up::configuration::Own,
};

impl Parts {
    /// The registry. It registers itself too, as the original does.
    pub(crate) async fn registry(
        &mut self,
        registration: Option<(Address, Registration)>,
    ) -> anyhow::Result<Service> {
        let database = self.sqlite("registry.db", &registry::tables()).await?;
        let (outside, settings) = (self.outside.clone(), self.wanted.registry.clone());
        let (leases, peers) = (settings.leases.clone(), self.wanted.found.peers.clone());
        let here = registration.as_ref().map(|(_, registration)| registration.address());
        let ip_address = here.unwrap_or("127.0.0.1").to_owned();
        let config = self.config_server()?;
        config.open().await?;
        let service = registry::service(registry::Parts {
            settings,
            login: Login::with_cookie(self.sign_in(database.clone()), registry::COOKIE),
            issuer: self.provider.issuer().to_owned(),
            client_id: self.wanted.sign_in.client_id.clone(),
            profiles: self.wanted.profiles.clone(),
            management: self.management(registry::about(&self.wanted.profiles)),
            registry: Registry::with(outside.clone(), leases, peers),
            config,
            database,
            ip_address,
            outside: outside.clone(),
        });
        let Some((address, registration)) = registration else { return Ok(service) };
        let registration = registration.with_metadata("configPath", "/config");
        Ok(service.in_rotation("registration", move |stop| {
            keep_registered(address, registration, outside, stop)
        }))
    }

    /// Lets the services read their configuration again from the Config server of this process.
    pub(crate) fn follow_own(&mut self, layers: Layers) -> anyhow::Result<()> {
        let own = Own::new(self.config_server()?, &self.wanted.settings.get());
        let loggers = self.loggers.clone();
        self.refresh = Some(Refresh::new(layers, Source::Own(own), &self.wanted, loggers));
        Ok(())
    }

    /// A service beside which the configuration is followed.
    pub(crate) fn following(&self, service: Service) -> Service {
        let Some(refresh) = self.refresh.clone() else { return service };
        let outside = self.outside.clone();
        service.background("refresh", move |stop| refresh.follow(outside, stop))
    }

    /// The configuration server that the settings describe; clones of repositories are kept in the data folder.
    fn config_server(&mut self) -> anyhow::Result<ConfigServer> {
        if let Some(config) = &self.config {
            return Ok(config.clone());
        }
        let folder = &self.wanted.registry.config_folder;
        let clones = self.data_dir.join("config");
        let settings = ConfigServerSettings::read(&self.wanted.settings.get(), folder, &clones)?;
        let config = ConfigServer::with(settings, self.outside.clone())?;
        Ok(self.config.insert(config).clone())
    }

    /// How people sign in, with their sessions in this database.
    pub(crate) fn sign_in(&self, database: Arc<Sqlite>) -> LoginSettings {
        let (sign_in, outside) = (&self.wanted.sign_in, self.outside.clone());
        LoginSettings {
            provider: self.provider.clone(),
            verifier: self.verifier.clone(),
            client_id: sign_in.client_id.clone(),
            client_secret: sign_in.client_secret.clone(),
            scopes: sign_in.scopes.clone(),
            sessions: Sessions::new(database, outside.clone()),
            outside,
        }
    }
}
