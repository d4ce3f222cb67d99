//! Handshakes in memory against clients that keep the profile and clients that do not.
use super::{ClientConfig, ServerConfig, profile, provider};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ServerConnection};
use std::sync::Arc;

/// Runs a handshake; the error of the side that refused, or the key each side saw.
fn handshake(client: ClientConfig, server: ServerConfig) -> Result<[Vec<u8>; 2], String> {
    let name = ServerName::try_from("peer").map_err(|error| error.to_string())?;
    let client =
        ClientConnection::new(Arc::new(client), name).map_err(|error| error.to_string())?;
    let server = ServerConnection::new(Arc::new(server)).map_err(|error| error.to_string())?;
    let mut sides = [Connection::from(client), Connection::from(server)];
    for _ in 0..8 {
        for turn in 0..2 {
            let mut wire = Vec::new();
            while sides[turn].wants_write() {
                sides[turn]
                    .write_tls(&mut wire)
                    .map_err(|error| error.to_string())?;
            }
            let mut rest = wire.as_slice();
            while !rest.is_empty() {
                sides[1 - turn]
                    .read_tls(&mut rest)
                    .map_err(|error| error.to_string())?;
                sides[1 - turn]
                    .process_new_packets()
                    .map_err(|error| error.to_string())?;
            }
        }
    }
    if sides.iter().any(|side| side.is_handshaking()) {
        return Err("the handshake does not end".into());
    }
    let key = |side: &Connection| {
        let entries = side.peer_certificates().unwrap_or_default();
        super::key_of_spki(entries.first().map_or(&[], |entry| entry.as_ref()))
            .map(<[u8]>::to_vec)
            .unwrap_or_default()
    };
    Ok([key(&sides[0]), key(&sides[1])])
}

fn profile_of(seed: u8) -> super::Profile {
    match profile(&[seed; 32]) {
        Ok(profile) => profile,
        Err(error) => unreachable!("{error}"),
    }
}

#[test]
fn each_side_learns_the_key_of_the_other() {
    let (a, b) = (profile_of(1), profile_of(2));
    assert_eq!(
        handshake(a.client, b.server),
        Ok([b.public_key, a.public_key])
    );
}

#[test]
fn a_client_without_the_hybrid_group_is_refused() {
    let (mut a, b) = (profile_of(1), profile_of(2));
    let mut plain = rustls::crypto::aws_lc_rs::default_provider();
    plain.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519];
    a.client = client_with(plain, Some(1));
    let error = handshake(a.client, b.server);
    assert!(
        matches!(&error, Err(text) if text.contains("NoKxGroupsInCommon")),
        "{error:?}"
    );
}

#[test]
fn a_client_without_a_key_is_refused() {
    let b = profile_of(2);
    let client = client_with((*provider()).clone(), None);
    let error = handshake(client, b.server);
    assert!(error.is_err(), "{error:?}");
}

#[test]
fn a_server_key_must_be_one_bare_ml_dsa_key() {
    let spki = [super::SPKI_PREFIX.as_slice(), &[7; super::PUBLIC_KEY_BYTES]].concat();
    assert!(super::key_of_spki(&spki).is_some());
    assert!(super::key_of_spki(&spki[..spki.len() - 1]).is_none());
    assert!(super::key_of_spki(&[spki.as_slice(), &[0]].concat()).is_none());
    let mut other = spki;
    other[10] ^= 1;
    assert!(super::key_of_spki(&other).is_none());
}

#[test]
fn a_secret_key_has_one_of_two_forms() {
    for length in [0, 31, 33, 4031, 4033] {
        assert!(profile(&vec![1; length]).is_err(), "{length}");
    }
}

fn client_with(provider: rustls::crypto::CryptoProvider, seed: Option<u8>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13]);
    let Ok(builder) = builder else {
        unreachable!("TLS 1.3 is there")
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(super::AnyKey));
    match seed {
        Some(seed) => {
            let own = profile_of(seed).client;
            builder.with_client_cert_resolver(own.client_auth_cert_resolver.clone())
        }
        None => builder.with_no_client_auth(),
    }
}
