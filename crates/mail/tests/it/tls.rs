//! The mailer against a server that speaks TLS with a certificate made for the test.

use std::sync::Arc;

use futures_util::future::join;
use mail::{Mail, Mailer, Password, Security, SmtpSettings};
use messaging::{Failure, Publish};
use rcgen::generate_simple_self_signed;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

use crate::support::{DEADLINE, Peer, instant, listen, scripted};

struct Server {
    acceptor: TlsAcceptor,
    listener: TcpListener,
    settings: SmtpSettings,
}

async fn server(security: Security) -> Server {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (listener, address) = listen().await;
    let settings = SmtpSettings {
        security,
        username: Some("library".to_owned()),
        password: Some(Password::new("secret")),
        certificate_authority: Some(made.cert.pem()),
        timeout: DEADLINE,
        ..SmtpSettings::new("localhost", address.port())
    };
    Server { acceptor: TlsAcceptor::from(Arc::new(config)), listener, settings }
}

async fn send(settings: SmtpSettings) -> Result<(), Failure> {
    let mail = Mail {
        from: "Library".to_owned(),
        to: vec!["reader@example.com".to_owned()],
        subject: "Book".to_owned(),
        text: "returned".to_owned(),
    };
    let message = mail.into_messages("m-1", None, instant()).unwrap().remove(0);
    Mailer::new(settings).unwrap().publish(&[message]).await.remove(0)
}

const STARTTLS: [(&str, &str); 2] =
    [("EHLO", "250-script\r\n250 STARTTLS"), ("STARTTLS", "220 go")];
const SIGNED_IN: [(&str, &str); 6] = [
    ("EHLO", "250-script\r\n250 AUTH LOGIN PLAIN"),
    ("AUTH PLAIN AGxpYnJhcnkAc2VjcmV0", "235 welcome"),
    ("MAIL", "250 ok"),
    ("RCPT", "250 ok"),
    ("DATA", "354 go"),
    (".", "250 kept"),
];

#[tokio::test]
async fn a_mail_travels_through_starttls() {
    let Server { acceptor, listener, settings } = server(Security::StartTlsRequired).await;
    let serving = async {
        let plain = scripted(&listener, &STARTTLS).await;
        let mut peer = Peer::new(acceptor.accept(plain.into_inner()).await.unwrap());
        peer.follow(&SIGNED_IN).await;
        peer
    };
    let (outcome, _peer) = join(send(settings), serving).await;
    outcome.unwrap();
}

#[tokio::test]
async fn a_mail_travels_through_tls_from_the_first_byte() {
    let Server { acceptor, listener, settings } = server(Security::Tls).await;
    let serving = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = Peer::new(acceptor.accept(stream).await.unwrap());
        peer.send("220 script\r\n").await;
        peer.follow(&SIGNED_IN).await;
        peer
    };
    let (outcome, _peer) = join(send(settings), serving).await;
    outcome.unwrap();
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    let Server { acceptor, listener, settings } = server(Security::StartTlsRequired).await;
    let serving = async {
        let plain = scripted(&listener, &STARTTLS).await;
        acceptor.accept(plain.into_inner()).await.map(drop)
    };
    let (outcome, served) =
        join(send(SmtpSettings { certificate_authority: None, ..settings }), serving).await;
    assert!(served.is_err());
    assert!(matches!(outcome, Err(Failure::Retry(_))), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_smuggled_in_before_encryption_ends_the_connection() {
    let Server { listener, settings, .. } = server(Security::StartTlsRequired).await;
    let script = [STARTTLS[0], ("STARTTLS", "220 go\r\n250-script\r\n250 AUTH PLAIN")];
    let (outcome, _peer) = join(send(settings), scripted(&listener, &script)).await;
    let Err(Failure::Retry(error)) = outcome else { panic!("{outcome:?}") };
    assert!(format!("{error:#}").contains("spoke out of turn"), "{error:#}");
}
