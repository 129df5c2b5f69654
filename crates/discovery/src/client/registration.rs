//! Being found: register, send signs of life, register again when forgotten, cancel at the end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use chassis::{Outside, Stop};
use serde_json::{Map, Value, json};
use tracing::{debug, info};

use super::{
    Address,
    contact::Contact,
    eureka::{Eureka, Renewed},
};
use crate::instance::{Instance, Lease, Port, Status};

/// How long cancelling may take while the program stops.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);
const DATA_CENTER: &str = "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo";

/// What an instance tells the registry about itself.
#[derive(Clone, Debug)]
pub struct Registration {
    app: String,
    host: String,
    address: String,
    port: u16,
    /// Empty: the name and random digits.
    instance_id: String,
    metadata: Map<String, Value>,
    renewal_seconds: u32,
    lease_seconds: u32,
}

impl Registration {
    /// A service of this name that takes requests at `host` and `port`. A sign of life is sent every 5 s,
    /// and the registration is good for 10 s without one (contract §7.1).
    pub fn new(app: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        let metadata = [
            ("zone", "primary".to_owned()),
            ("management.port", port.to_string()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let metadata =
            metadata.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let host = host.into();
        Registration {
            app: app.into(),
            address: host.clone(),
            host,
            port,
            instance_id: String::new(),
            metadata,
            renewal_seconds: 5,
            lease_seconds: 10,
        }
    }

    /// Adds something that others may want to know, for example `profile`.
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), Value::String(value.into()));
        self
    }

    /// Sends a sign of life every `renewal_seconds` and is good for `lease_seconds` without one; both at least 1.
    pub fn with_lease(mut self, renewal_seconds: u32, lease_seconds: u32) -> Self {
        self.renewal_seconds = renewal_seconds.max(1);
        self.lease_seconds = lease_seconds.max(1);
        self
    }

    /// Names the numeric address beside the host, where the two differ.
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// The numeric address that others are told.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Takes this id instead of the name with random digits, which an empty one means.
    pub fn with_instance_id(mut self, id: impl Into<String>) -> Self {
        self.instance_id = id.into();
        self
    }

    /// The description that is sent: the members of a Java client. Its id ends in random digits, so that a
    /// restarted instance is a new one.
    fn instance(&self, outside: &Outside) -> Instance {
        let name = self.app.to_lowercase();
        let random: String =
            outside.bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let now = outside.now().as_millisecond();
        let lease = Lease {
            renewal_interval_in_secs: self.renewal_seconds,
            duration_in_secs: self.lease_seconds,
            ..Lease::default()
        };
        let mut instance = Instance {
            instance_id: match self.instance_id.as_str() {
                "" => format!("{name}:{random}"),
                id => id.to_owned(),
            },
            host_name: self.host.clone(),
            app: name.to_uppercase(),
            ip_addr: self.address.clone(),
            status: Status::Up,
            overridden_status: Status::Unknown,
            port: Port::open(self.port),
            secure_port: Port::secure(),
            country_id: 1,
            data_center_info: Some(Arc::new(json!({ "@class": DATA_CENTER, "name": "MyOwn" }))),
            lease_info: lease,
            metadata: Arc::new(self.metadata.clone()),
            app_group_name: None,
            home_page_url: None,
            status_page_url: None,
            health_check_url: None,
            secure_health_check_url: None,
            vip_address: Some(name.clone()),
            secure_vip_address: Some(name),
            is_coordinating_discovery_server: false,
            last_updated_timestamp: now,
            last_dirty_timestamp: now,
            action_type: None,
            others: Arc::default(),
        };
        let authority = instance.authority().unwrap_or_default();
        instance.home_page_url = Some(format!("http://{authority}/"));
        instance.status_page_url = Some(format!("http://{authority}/management/info"));
        instance.health_check_url = Some(format!("http://{authority}/management/health"));
        instance
    }
}

/// Keeps an instance registered until `stop`, then cancels. While the registry is away it goes on trying, at most
/// every 5 s, and says so once; when the registry has forgotten the instance, it registers again.
///
/// # Errors
/// When the client cannot be set up. A registry that does not answer is no error.
pub async fn keep_registered(
    address: Address,
    registration: Registration,
    outside: Outside,
    stop: Stop,
) -> anyhow::Result<()> {
    let eureka = Eureka::new(address)?;
    let instance = registration.instance(&outside);
    let renewal = Duration::from_secs(registration.renewal_seconds.into());
    tokio::select! {
        () = stop.cancelled() => {}
        never = stay(&eureka, &instance, renewal, &outside) => match never {},
    }
    match tokio::time::timeout(CANCEL_TIMEOUT, eureka.cancel(&instance)).await {
        Ok(Ok(())) => {}
        // Where everything stops together, the registry may be gone already.
        Ok(Err(error)) => {
            debug!("{} stays in the registry until its lease ends: {error:#}", instance.id())
        }
        Err(_) => debug!(
            "{} stays in the registry until its lease ends: no answer in time",
            instance.id()
        ),
    }
    Ok(())
}

async fn stay(
    eureka: &Eureka,
    instance: &Instance,
    renewal: Duration,
    outside: &Outside,
) -> Infallible {
    let mut contact = Contact::new(format!("the registry at {}", eureka.address()), outside);
    let (app, id) = (&instance.app, instance.id());
    let mut registered = false;
    loop {
        let answer = match registered {
            true => eureka.renew(instance).await,
            false => eureka.register(instance).await.map(|()| Renewed::Known),
        };
        match answer {
            Ok(Renewed::Known) => {
                contact.made();
                if !registered {
                    info!(
                        instance.app = app,
                        instance.id = id,
                        "registered as {app}/{id} at {}",
                        eureka.address()
                    );
                }
                registered = true;
                tokio::time::sleep(renewal).await;
            }
            Ok(Renewed::Forgotten) => {
                contact.made();
                registered = false;
            }
            Err(error) => tokio::time::sleep(contact.failed(&error)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_the_members_of_a_java_client() {
        let outside = Outside::fixed("2026-01-01T00:00:00Z".parse().unwrap(), 1);
        let registration =
            Registration::new("Library", "127.0.0.1", 8082).with_metadata("profile", "prod");
        let mut instance = registration.instance(&outside);
        assert_eq!(instance.id().len(), "library:".len() + 32);
        instance.instance_id = "library:1".into();
        let expected = r#"{"instanceId":"library:1","hostName":"127.0.0.1","app":"LIBRARY","ipAddr":"127.0.0.1","status":"UP","overriddenStatus":"UNKNOWN","port":{"$":8082,"@enabled":"true"},"securePort":{"$":443,"@enabled":"false"},"countryId":1,"dataCenterInfo":{"@class":"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo","name":"MyOwn"},"leaseInfo":{"renewalIntervalInSecs":5,"durationInSecs":10,"registrationTimestamp":0,"lastRenewalTimestamp":0,"evictionTimestamp":0,"serviceUpTimestamp":0},"metadata":{"zone":"primary","management.port":"8082","version":"0.1.0","profile":"prod"},"homePageUrl":"http://127.0.0.1:8082/","statusPageUrl":"http://127.0.0.1:8082/management/info","healthCheckUrl":"http://127.0.0.1:8082/management/health","vipAddress":"library","secureVipAddress":"library","isCoordinatingDiscoveryServer":"false","lastUpdatedTimestamp":"1767225600000","lastDirtyTimestamp":"1767225600000"}"#;
        assert_eq!(serde_json::to_string(&instance).unwrap(), expected);
    }
}
