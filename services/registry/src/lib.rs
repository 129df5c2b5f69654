//! The registry: services register here and find one another, and are told their configuration.
//! Keeps nothing on disk; who is running registers again within seconds.

use std::path::PathBuf;

use chassis::{Outside, Secret, Service, config, management};
use discovery::Registry;

/// The default configuration, with every key that the registry reads.
pub const DEFAULTS: &str = include_str!("../config.yml");

const PASSWORD: &str = "spring.security.user.password";
const CONFIG_FOLDER: &str = "milena.registry.config-dir";

/// What the registry needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The password of the one user, `admin`.
    pub password: Secret<String>,
    /// The folder of configuration files; it may be missing.
    pub config_folder: PathBuf,
}

impl Settings {
    /// Takes the registry's part of a configuration that started from [`DEFAULTS`].
    pub fn read(settings: &config::Settings) -> Self {
        Settings {
            password: settings.secret(PASSWORD),
            config_folder: settings.text(CONFIG_FOLDER).into(),
        }
    }
}

/// Eureka below `/eureka` and Config below `/config` for `admin`, health for everybody, and the eviction of the silent.
pub fn service(settings: Settings, outside: Outside) -> Service {
    let registry = Registry::new(outside);
    Service::new("registry")
        .routes(registry.routes(settings.password, settings.config_folder))
        .routes(management::routes(&["prod"]))
        .background("evict", |stop| registry.evict(stop))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};
    use chassis::config;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn only_health_is_for_everybody() {
        let settings = Settings::read(&config::Settings::defaults(&[DEFAULTS]).unwrap());
        let router = service(settings, Outside::system()).into_router();
        let check = async |path: &str, credentials: &str, expected: u16| {
            let request = Request::get(path)
                .header("Authorization", credentials)
                .body(Body::empty())
                .unwrap();
            assert_eq!(
                router.clone().oneshot(request).await.unwrap().status(),
                expected,
                "{path} {credentials}"
            );
        };
        check("/management/health", "", 200).await;
        check("/eureka/apps", "", 401).await;
        check("/eureka/apps", "Basic YWRtaW46YWRtaW4=", 200).await;
        check("/config/store/prod", "", 401).await;
        check("/config/store/prod", "Basic YWRtaW46YWRtaW4=", 200).await;
        check("/", "", 404).await;
    }
}
