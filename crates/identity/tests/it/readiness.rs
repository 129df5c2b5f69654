//! A provider that is away at start, comes, and goes again: what is known of it, and what the tokens it signed are worth.

use std::{sync::Arc, time::Duration};

use chassis::{Outside, Stop};
use identity::{Provider, ProviderState, Verifier};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::provider::{NOW, Published, Signer, claims, serving};

/// Waits until the provider's state is as wanted; a test that waits longer than ten seconds has failed.
async fn until(provider: &Provider, wanted: impl Fn(&ProviderState) -> bool) {
    let waiting = async {
        while !wanted(&provider.state()) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let outcome = timeout(Duration::from_secs(10), waiting).await;
    assert!(outcome.is_ok(), "it stayed {:?}", provider.state());
}

#[tokio::test]
async fn keys_are_fetched_before_anybody_needs_them_as_soon_as_the_provider_answers() {
    let (published, signer) = (Published::default(), Signer::new("first"));
    published.keys(&[&signer]);
    published.go_away();
    let served = published.clone();
    serving(async move |issuer: &str| served.router(issuer), async |issuer| {
        let provider = Provider::new(&issuer).unwrap();
        assert_eq!(provider.state(), ProviderState::NotYet(None));
        let stop = Stop::new();
        let watching = async {
            let silent =
                |state: &ProviderState| matches!(state, ProviderState::NotYet(Some(reason)) if reason.contains("503"));
            until(&provider, silent).await;
            published.come_back();
            until(&provider, |state| *state == ProviderState::Reached).await;
            let outside = Outside::fixed(Timestamp::from_second(NOW).unwrap(), 1);
            let verifier = Verifier::new(Arc::clone(&provider), vec!["account".into()], outside);
            let asked = published.asked();
            verifier.verify(&signer.sign(&claims(&issuer, &json!({})))).await.unwrap();
            assert_eq!(published.asked(), asked, "the keys were there");
            published.go_away();
            let unknown = Signer::new("second").sign(&claims(&issuer, &json!({})));
            assert!(verifier.verify(&unknown).await.is_err());
            let away = |state: &ProviderState| matches!(state, ProviderState::Away { reason, .. } if reason.contains("503"));
            until(&provider, away).await;
            verifier.verify(&signer.sign(&claims(&issuer, &json!({ "jti": "2" })))).await.unwrap();
            stop.cancel();
        };
        let (kept, ()) = tokio::join!(provider.keep_ready(stop.clone()), watching);
        kept.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_provider_takes_back_is_noticed_within_five_minutes() {
    let (published, signer) = (Published::default(), Signer::new("first"));
    published.keys(&[&signer]);
    let served = published.clone();
    serving(
        async move |issuer: &str| served.router(issuer),
        async |issuer| {
            let provider = Provider::new(&issuer).unwrap();
            let outside = Outside::fixed(Timestamp::from_second(NOW).unwrap(), 1);
            let verifier = Verifier::new(Arc::clone(&provider), vec!["account".into()], outside);
            let token = signer.sign(&claims(&issuer, &json!({})));
            let stop = Stop::new();
            let watching = async {
                until(&provider, |state| *state == ProviderState::Reached).await;
                let begun = Instant::now();
                verifier.verify(&token).await.unwrap();
                published.keys(&[&Signer::new("second")]);
                let refused = async {
                    while verifier.verify(&token).await.is_ok() {
                        sleep(Duration::from_secs(1)).await;
                    }
                };
                timeout(Duration::from_secs(600), refused).await.unwrap();
                assert!((290..=310).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
                stop.cancel();
            };
            let (kept, ()) = tokio::join!(provider.keep_ready(stop.clone()), watching);
            kept.unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn waiting_for_a_provider_ends_when_told_to() {
    let provider = Provider::new("http://127.0.0.1:1").unwrap();
    let stop = Stop::new();
    let stopping = async {
        until(&provider, |state| matches!(state, ProviderState::NotYet(Some(_)))).await;
        stop.cancel();
    };
    let both = async { tokio::join!(provider.keep_ready(stop.clone()), stopping) };
    timeout(Duration::from_secs(10), both).await.unwrap().0.unwrap();
}
