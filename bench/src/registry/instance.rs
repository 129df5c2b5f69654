//! Instances like those of Java clients: as large, and named as theirs are.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

/// How often a client renews its lease: what the tutorial's services are told.
pub(super) const RENEWAL_SECONDS: u32 = 5;

/// How long a lease lasts: none may end while another part of the run is measured.
const LEASE_SECONDS: u32 = 3_600;

/// How many applications the instances belong to.
const APPLICATIONS: usize = 100;

/// An instance of an application.
pub(super) struct Instance {
    /// The application's name as Eureka keeps it.
    pub(super) application: String,
    pub(super) id: String,
    port: u16,
    /// When it last changed, in milliseconds since 1970.
    dirty: u64,
}

impl Instance {
    /// The instance with this number of those that stay: the same number makes the same one.
    pub(super) fn numbered(number: usize) -> Instance {
        Instance::of(format!("BENCH-{:02}", number % APPLICATIONS), number, 8_082)
    }

    /// An instance of an application, which answers at a port of this machine.
    pub(super) fn of(application: String, number: usize, port: u16) -> Instance {
        let id = format!("{}:{}", application.to_lowercase(), digits(number));
        Instance { application, id, port, dirty: jsonwebtoken::get_current_timestamp() * 1_000 }
    }

    /// How it registers: what a Java client says, member by member.
    pub(super) fn to_json(&self) -> Value {
        let Instance { application, id, port, dirty } = self;
        let name = application.to_lowercase();
        let home = format!("http://127.0.0.1:{port}/");
        json!({"instance": {
            "instanceId": id,
            "app": application,
            "appGroupName": null,
            "ipAddr": "127.0.0.1",
            "sid": "na",
            "homePageUrl": home,
            "statusPageUrl": format!("{home}management/info"),
            "healthCheckUrl": format!("{home}management/health"),
            "secureHealthCheckUrl": null,
            "vipAddress": name,
            "secureVipAddress": name,
            "countryId": 1,
            "dataCenterInfo": {
                "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
                "name": "MyOwn",
            },
            "hostName": "127.0.0.1",
            "status": "UP",
            "overriddenStatus": "UNKNOWN",
            "leaseInfo": {
                "renewalIntervalInSecs": RENEWAL_SECONDS,
                "durationInSecs": LEASE_SECONDS,
                "registrationTimestamp": 0,
                "lastRenewalTimestamp": 0,
                "evictionTimestamp": 0,
                "serviceUpTimestamp": 0,
            },
            "isCoordinatingDiscoveryServer": false,
            "lastUpdatedTimestamp": dirty,
            "lastDirtyTimestamp": dirty,
            "actionType": null,
            "asgName": null,
            "port": {"$": port, "@enabled": "true"},
            "securePort": {"$": 443, "@enabled": "false"},
            "metadata": {
                "zone": "primary",
                "profile": "prod,api-docs",
                "management.port": port.to_string(),
                "version": "0.0.1-SNAPSHOT",
            },
        }})
    }

    /// Where it registers.
    pub(super) fn application_path(&self) -> String {
        format!("/eureka/apps/{}", self.application)
    }

    /// Where it cancels.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.application_path(), self.id)
    }

    /// Where it renews.
    pub(super) fn renewal_path(&self) -> String {
        format!("{}?status=UP&lastDirtyTimestamp={}", self.path(), self.dirty)
    }
}

/// The 32 hexadecimal digits of a Java client's id: always the same for a number, and as hard to compress as random ones.
fn digits(number: usize) -> String {
    let half = |salt: usize| {
        let mut hasher = DefaultHasher::new();
        (number, salt).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = include_str!("../../../contracts/recorded/eureka/java-client.json");

    /// What a Java client registered with.
    fn recorded() -> String {
        let exchanges: Vec<Value> = serde_json::from_str(RECORDED).unwrap();
        let registration = exchanges.iter().find(|exchange| {
            exchange["request"]["method"] == "POST" && exchange["response"]["status"] == 204
        });
        registration.unwrap()["request"]["body"].as_str().unwrap().to_owned()
    }

    /// The names of all members, in order, and of those in them.
    fn members(value: &Value) -> Vec<String> {
        let Some(object) = value.as_object() else { return Vec::new() };
        let inner = |(name, value): (&String, &Value)| {
            std::iter::once(name.clone()).chain(members(value)).collect::<Vec<_>>()
        };
        object.iter().flat_map(inner).collect()
    }

    #[test]
    fn an_instance_is_like_one_of_a_java_client() {
        let java = recorded();
        let ours = Instance::numbered(7).to_json();
        assert_eq!(members(&ours), members(&serde_json::from_str(&java).unwrap()));
        let difference = ours.to_string().len().abs_diff(java.len());
        assert!(difference < 40, "{} bytes, Java: {}", ours.to_string().len(), java.len());
    }

    #[test]
    fn every_number_is_another_instance_of_one_of_a_hundred_applications() {
        let instances: Vec<_> = (0..1_000).map(Instance::numbered).collect();
        let mut ids: Vec<_> = instances.iter().map(|instance| &instance.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1_000);
        assert!(instances[107].id.starts_with("bench-07:"), "{}", instances[107].id);
        assert_eq!(instances[107].application, "BENCH-07");
        assert_eq!(Instance::numbered(107).id, instances[107].id);
    }

    #[test]
    fn a_renewal_names_the_instance_and_when_it_changed() {
        let mut instance = Instance::of("STORE".to_owned(), 1, 80);
        instance.id = "store:1".to_owned();
        instance.dirty = 42;
        let expected = "/eureka/apps/STORE/store:1?status=UP&lastDirtyTimestamp=42";
        assert_eq!(instance.renewal_path(), expected);
    }
}
