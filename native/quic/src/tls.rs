//! TLS profile of the network (wire.md 6): TLS 1.3, X25519MLKEM768 and ML-DSA-65 only, raw public keys, no ALPN, no
//! tickets. RFC 7250 is asymmetric here: the client's certificate type is negotiated, the server's is not, although the
//! server's bare SPKI travels in its Certificate entry all the same. Which key a peer has is judged above TLS.
use aws_lc_rs::signature::{
    KeyPair, ML_DSA_65, ML_DSA_65_SIGNING, PqdsaKeyPair, UnparsedPublicKey,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureAlgorithm,
    SignatureScheme,
};
use std::sync::Arc;

pub const PUBLIC_KEY_BYTES: usize = 1952;
const SEED_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 3309;

/// DER of a SubjectPublicKeyInfo of ML-DSA-65 (OID 2.16.840.1.101.3.4.3.18) up to the key octets.
const SPKI_PREFIX: [u8; 22] = [
    0x30, 0x82, 0x07, 0xb2, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
    0x12, 0x03, 0x82, 0x07, 0xa1, 0x00,
];

/// The key of a bare SPKI; None when it is anything else than one ML-DSA-65 key.
pub fn key_of_spki(spki: &[u8]) -> Option<&[u8]> {
    spki.strip_prefix(&SPKI_PREFIX)
        .filter(|key| key.len() == PUBLIC_KEY_BYTES)
}

pub struct Profile {
    pub client: ClientConfig,
    pub server: ServerConfig,
    pub public_key: Vec<u8>,
}

/// `secret`: 32-byte seed or 4032-byte expanded key (FIPS 204).
pub fn profile(secret: &[u8]) -> Result<Profile, String> {
    let pair = if secret.len() == SEED_BYTES {
        PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, secret)
    } else {
        PqdsaKeyPair::from_raw_private_key(&ML_DSA_65_SIGNING, secret)
    }
    .map_err(|_| "the secret key is not an ML-DSA-65 key".to_string())?;
    let public_key = pair.public_key().as_ref().to_vec();
    let spki = [SPKI_PREFIX.as_slice(), &public_key].concat();
    let key = Arc::new(Key {
        pair,
        spki: spki.clone(),
    });
    let certified = CertifiedKey::new(
        vec![CertificateDer::from(spki)],
        Arc::new(PeerSigningKey(key)),
    );
    let resolver = Arc::new(OneKey(Arc::new(certified)));
    Ok(Profile {
        client: client(resolver.clone()).map_err(|error| error.to_string())?,
        server: server(resolver).map_err(|error| error.to_string())?,
        public_key,
    })
}

fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768];
    Arc::new(provider)
}

fn client(resolver: Arc<OneKey>) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey))
        .with_client_cert_resolver(resolver);
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn server(resolver: Arc<OneKey>) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(AnyKey))
        .with_cert_resolver(resolver);
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

#[derive(Debug)]
struct Key {
    pair: PqdsaKeyPair,
    spki: Vec<u8>,
}

#[derive(Debug)]
struct PeerSigningKey(Arc<Key>);

impl SigningKey for PeerSigningKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::ML_DSA_65)
            .then(|| Box::new(PeerSigner(self.0.clone())) as Box<dyn Signer>)
    }
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Unknown(0x09)
    }
    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.0.spki.as_slice()))
    }
}

#[derive(Debug)]
struct PeerSigner(Arc<Key>);

impl Signer for PeerSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; SIGNATURE_BYTES];
        self.0
            .pair
            .sign(message, &mut signature)
            .map_err(|_| Error::General("signing with ML-DSA-65 failed".into()))?;
        Ok(signature)
    }
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ML_DSA_65
    }
}

/// Our one key, in both roles.
#[derive(Debug)]
struct OneKey(Arc<CertifiedKey>);

impl ResolvesClientCert for OneKey {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        schemes
            .contains(&SignatureScheme::ML_DSA_65)
            .then(|| self.0.clone())
    }
    fn only_raw_public_keys(&self) -> bool {
        true
    }
    fn has_certs(&self) -> bool {
        true
    }
}

impl ResolvesServerCert for OneKey {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
    /// No server_certificate_type on this network, see the head of this file.
    fn only_raw_public_keys(&self) -> bool {
        false
    }
}

/// Takes any well-formed key that signs the handshake.
#[derive(Debug)]
struct AnyKey;

impl AnyKey {
    fn check_form(entry: &CertificateDer<'_>, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        if chain.is_empty() && key_of_spki(entry).is_some() {
            return Ok(());
        }
        Err(CertificateError::BadEncoding.into())
    }

    fn check_signature(
        message: &[u8],
        entry: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let bad = || Error::from(CertificateError::BadSignature);
        if signed.scheme != SignatureScheme::ML_DSA_65 {
            return Err(bad());
        }
        let key = key_of_spki(entry).ok_or_else(bad)?;
        UnparsedPublicKey::new(&ML_DSA_65, key)
            .verify(message, signed.signature())
            .map_err(|_| bad())?;
        Ok(HandshakeSignatureValid::assertion())
    }
}

fn no_tls12() -> Error {
    Error::General("TLS 1.2 is not spoken here".into())
}

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        entry: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Self::check_form(entry, chain).map(|()| ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        entry: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::check_signature(message, entry, signed)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ML_DSA_65]
    }
    /// No server_certificate_type on this network, see the head of this file.
    fn requires_raw_public_keys(&self) -> bool {
        false
    }
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        entry: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Self::check_form(entry, chain).map(|()| ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        entry: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::check_signature(message, entry, signed)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ML_DSA_65]
    }
    fn client_auth_mandatory(&self) -> bool {
        true
    }
    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
