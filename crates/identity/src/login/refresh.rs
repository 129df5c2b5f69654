//! New access tokens for sessions whose token is about to expire. Refresh tokens may be good for one use only, so at
//! any moment a session has at most one refresh under way, and everybody who needs it waits for that one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::anyhow;
use chassis::Stop;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
};
use jiff::SignedDuration;
use tokio::sync::Notify;
use tracing::info;

use super::{Login, exchange::ExchangeError};
use crate::session::Session;

/// How long before its end an access token is replaced, so that it does not expire on its way.
const MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// How a session stands after its token was looked at.
#[derive(Debug, Clone)]
pub(super) enum Refreshed {
    /// The access token is good.
    Fresh(Arc<Session>),
    /// The access token has expired and there is no new one now, and why.
    Stale(Arc<Session>, Arc<anyhow::Error>),
    /// The session has ended.
    Ended,
}

type Running = Shared<BoxFuture<'static, Refreshed>>;

/// The refreshes under way, by session.
#[derive(Default)]
pub(super) struct Refreshes {
    running: Mutex<HashMap<String, Running>>,
    started: Notify,
}

impl Refreshes {
    /// Drives refreshes to their end although the requests that wanted them are gone, until `stop`. The new tokens of
    /// a browser that closed its connection at the wrong moment would be lost otherwise, and the old ones are spent.
    pub(super) async fn finish(&self, stop: Stop) -> anyhow::Result<()> {
        loop {
            let running: Vec<Running> = self.running().values().cloned().collect();
            let is_idle = running.is_empty();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.started.notified() => {}
                _ = join_all(running), if !is_idle => {}
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Login {
    /// Returns the session with an access token that is good for the next seconds, if there is one to be had.
    pub(super) async fn refreshed(self: &Arc<Self>, session: Session) -> Refreshed {
        if self.is_good_for(&session, MARGIN) {
            return Refreshed::Fresh(Arc::new(session));
        }
        let session = Arc::new(session);
        let running = {
            let mut running = self.refreshes.running();
            let start = || self.clone().refresh(session.clone()).boxed().shared();
            running.entry(session.id.clone()).or_insert_with(start).clone()
        };
        self.refreshes.started.notify_one();
        running.await
    }

    async fn refresh(self: Arc<Self>, session: Arc<Session>) -> Refreshed {
        let refreshed = self
            .try_refresh(&session)
            .await
            .unwrap_or_else(|cause| self.unrefreshed(&session, cause));
        self.refreshes.running().remove(&session.id);
        refreshed
    }

    async fn try_refresh(&self, known: &Session) -> anyhow::Result<Refreshed> {
        // Read again: another refresh may have ended between the request's reading and this moment.
        let Some(session) = self.sessions.find(&known.id).await? else {
            return Ok(Refreshed::Ended);
        };
        if self.is_good_for(&session, MARGIN) {
            return Ok(Refreshed::Fresh(Arc::new(session)));
        }
        let Some(refresh_token) = &session.tokens.refresh else {
            let is_good = self.is_good_for(&session, SignedDuration::ZERO);
            return if is_good {
                Ok(Refreshed::Fresh(Arc::new(session)))
            } else {
                self.end_early(&session, "there is no refresh token").await
            };
        };
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose().as_str())];
        match self.request_tokens(&form).await {
            Ok(granted) => {
                let tokens = granted.following(session.tokens, self.outside.now());
                let renewed = self.sessions.renew(&session.id, tokens).await?;
                Ok(renewed.map_or(Refreshed::Ended, |session| Refreshed::Fresh(Arc::new(session))))
            }
            Err(ExchangeError::Refused { error, .. }) if error == "invalid_grant" => {
                self.end_early(&session, "the identity provider refused the refresh token").await
            }
            Err(error) => Err(anyhow!(error)),
        }
    }

    async fn end_early(&self, session: &Session, why: &str) -> anyhow::Result<Refreshed> {
        info!(user.id = %session.caller.subject, "the session of {} ended early: {why}", session.caller.subject);
        self.sessions.end(&session.id).await?;
        Ok(Refreshed::Ended)
    }

    /// What is left when a refresh did not work for now: the old token, while it lasts.
    fn unrefreshed(&self, session: &Arc<Session>, cause: anyhow::Error) -> Refreshed {
        if self.is_good_for(session, SignedDuration::ZERO) {
            return Refreshed::Fresh(session.clone());
        }
        Refreshed::Stale(session.clone(), Arc::new(cause))
    }

    fn is_good_for(&self, session: &Session, margin: SignedDuration) -> bool {
        let now = self.outside.now();
        session.tokens.expires.is_none_or(|expires| expires.duration_since(now) > margin)
    }
}
