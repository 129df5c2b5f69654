//! Texts that Spring encrypted are read, and what is encrypted here is read again; see also the recorded vectors.

use super::*;

const CIPHER: &str = "283de0134df6f201d0322bdc54aa1a3f303930983caf408257d339955f83ef11";

fn contract(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/recorded/config/");
    std::fs::read_to_string(format!("{path}{name}")).unwrap()
}

fn cipher(key: &str, options: &CipherOptions) -> Cipher {
    Cipher::new(&Secret::new(key.to_owned()), options).unwrap()
}

fn plain(cipher: &Cipher, text: &str) -> Option<String> {
    cipher.decrypt(text).map(|plain| plain.expose().clone())
}

#[test]
fn springs_symmetric_texts_are_read() {
    let cipher = cipher("correct horse battery staple", &CipherOptions::default());
    let mut seen = 0;
    for line in contract("cipher-vectors.tsv").lines() {
        let [_, encrypted, text] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        assert_eq!(plain(&cipher, without_names(encrypted)).as_deref(), Some(text), "{line}");
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn springs_rsa_texts_are_read() {
    let key = contract("rsa-vectors.pem");
    let mut seen = 0;
    for line in contract("rsa-vectors.tsv").lines() {
        let [algorithm, salt, encrypted, text] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let algorithm =
            if algorithm == "OAEP" { RsaAlgorithm::Oaep } else { RsaAlgorithm::Default };
        let cipher = cipher(&key, &CipherOptions { salt: salt.to_owned(), algorithm });
        assert_eq!(plain(&cipher, encrypted).as_deref(), Some(text), "{line}");
        assert_eq!(cipher.public_key(), Some(contract("rsa-vectors.pub").trim()));
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn what_is_encrypted_here_is_read_again_and_only_with_its_key() {
    let options = CipherOptions::default();
    let oaep = CipherOptions { algorithm: RsaAlgorithm::Oaep, ..options.clone() };
    let pem = contract("rsa-vectors.pem");
    let one_line = pem.replace('\n', " ");
    let ciphers = [cipher("a", &options), cipher(&pem, &options), cipher(&one_line, &oaep)];
    for text in ["", "x", "gr\u{fc}n \u{1f56f}", &"long ".repeat(1000)] {
        for (number, one) in ciphers.iter().enumerate() {
            let encrypted = one.encrypt(text).unwrap();
            assert_ne!(
                encrypted,
                one.encrypt(text).unwrap(),
                "the same text looks different each time"
            );
            for (other, reader) in ciphers.iter().enumerate() {
                let expected = (number == other).then(|| text.to_owned());
                assert_eq!(plain(reader, &encrypted), expected, "{number} {other}");
            }
        }
    }
}

#[test]
fn what_is_no_cipher_is_none() {
    let options = CipherOptions::default();
    let (one, two) = (cipher("a", &options), cipher(&contract("rsa-vectors.pem"), &options));
    let cut = &CIPHER[..CIPHER.len() - 2];
    for text in [
        "",
        "zz",
        "0011",
        "0",
        "\u{e4}\u{e4}",
        CIPHER,
        cut,
        "AA==",
        "AQAA",
        &"f".repeat(300_000),
        "////",
    ] {
        assert_eq!(plain(&one, text), None, "{text}");
        assert_eq!(plain(&two, text), None, "{text}");
    }
}

#[test]
fn a_wrong_key_is_told_without_the_key() {
    for key in [
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN X-----hunter2",
    ] {
        let error =
            Cipher::new(&Secret::new(key.to_owned()), &CipherOptions::default()).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("encrypt.key") && !text.contains("hunter2") && !text.contains("AAAA"),
            "{text}"
        );
    }
    assert_eq!(
        format!("{:?}", cipher("hunter2", &CipherOptions::default()).key),
        "Symmetric(Symmetric(_))"
    );
}
