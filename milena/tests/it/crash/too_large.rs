//! The program dies when it has kept a message that is too large for Kafka. No other broker refuses one, so that only the
//! suite on real servers has a use for this.

use std::path::Path;

use messaging::BROKER;

use super::place::{Place, UPDATES, kept_once, mailed};

/// How long a name is that makes its message too large.
const TOO_LONG: usize = 5000;

/// Among several updates one is larger than what is sent to the Kafka that the variables name.
pub(crate) async fn a_message_too_large_is_kept_once(folder: &Path, variables: &[(&str, &str)]) {
    let most = ("SPRING_CLOUD_STREAM_KAFKA_BINDER_PRODUCERPROPERTIES_MAX_REQUEST_SIZE", "4000");
    let place = Place { folder, variables: [variables, &[most]].concat() };
    // Nobody is there: they wait together, so that the program dies in the middle of a batch.
    let nobody = [("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS", "127.0.0.1:1")];
    let away = Place { folder, variables: [&*place.variables, &nobody].concat() };
    let system = away.start().await;
    let [first, second, third] = UPDATES;
    let long = "x".repeat(TOO_LONG);
    system.update(&[first, &long, second, third]).await;
    system.stop().await;
    place.die_twice_at("after-dead-letter/broker").await;

    let system = place.start().await;
    system.recorded(&UPDATES).await;
    let letter = system.letters("store", 1).await.remove(0);
    assert_eq!(letter["channel"], BROKER, "{letter}");
    kept_once(&letter, "does not take a message with 50");
    assert!(letter["payload"].as_str().unwrap().contains("xxx"), "{letter}");
    let all = [first, second, third, "after"];
    system.update(&all[3..]).await;
    system.recorded(&all).await;
    system.nothing_waits().await;
    assert_eq!(system.letters("store", 1).await, [letter]);
    mailed(&folder.join("data/mails"), &all);
    system.stop().await;
}
