//! Tokens that somebody forged, stole, kept or took for another purpose.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use auth::{
    Issuer, KeyError, KeyRing, Lifetimes, MAX_TOKEN_BYTES, Realm, RotationPolicy, TokenError, TokenId,
    Verifier, rotate,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::prelude::*;
use protocol::{LoginId, Timestamp, Username};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const LOGIN: LoginId = LoginId([3; 16]);
const ID: TokenId = TokenId([4; 16]);

fn realm() -> Realm {
    Realm { issuer: "https://chat.example".to_owned(), audience: "chatapp".to_owned() }
}

fn ring(seed: u8) -> KeyRing {
    rotate(&KeyRing::default(), NOW, &RotationPolicy::default(), &[seed; 32]).unwrap().ring
}

fn issuer(realm: Realm, seed: u8) -> Issuer {
    Issuer::new(realm, ring(seed), Lifetimes::default())
}

fn verifier() -> Verifier {
    Verifier::new(&realm(), &ring(1).jwks()).unwrap()
}

fn ada() -> Username {
    Username::new("ada").unwrap()
}

fn access() -> String {
    issuer(realm(), 1).access(&ada(), LOGIN, ID, NOW).unwrap().token
}

fn ticket() -> String {
    issuer(realm(), 1).ticket(&ada(), LOGIN, ID, NOW).unwrap().token
}

fn service() -> String {
    issuer(realm(), 1).service("billing", "notify read", 60_000, ID, NOW).unwrap().token
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(NOW.0.checked_add_signed(seconds * 1000).unwrap())
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// Signs `header` and `claims`, whatever they say, with our own key.
fn signed(header: &Value, claims: &Value) -> String {
    let message = unsigned(header, claims);
    let ring = ring(1);
    let key = EncodingKey::from_ed_der(ring.keys()[0].pkcs8());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

/// An access token with one header field changed, signed by our own key.
fn with_header(field: &str, value: Value) -> String {
    let mut header = part(&access(), 0);
    header[field] = value;
    signed(&header, &part(&access(), 1))
}

/// An access token with one claim changed, signed by our own key.
fn with_claim(name: &str, value: Value) -> String {
    let mut claims = part(&access(), 1);
    claims[name] = value;
    signed(&part(&access(), 0), &claims)
}

fn refused(token: &str) -> TokenError {
    verifier().access(token, NOW).unwrap_err()
}

#[test]
fn each_kind_holds_for_its_own_purpose() {
    let held = verifier().access(&access(), NOW).unwrap();
    assert_eq!((held.user, held.login, held.id), (ada(), LOGIN, ID));
    assert_eq!((held.issued_at, held.expires_at), (NOW, at(900)));
    let held = verifier().ticket(&ticket(), NOW).unwrap();
    assert_eq!((held.user, held.login, held.id), (ada(), LOGIN, ID));
    let held = verifier().service(&service(), NOW).unwrap();
    assert_eq!((held.service.as_str(), held.id), ("billing", ID));
    assert!(held.allows("notify") && held.allows("read"));
    assert!(!held.allows("notif") && !held.allows("") && !held.allows("notify read"));
}

#[test]
fn no_kind_holds_for_another_purpose() {
    let verifier = verifier();
    for token in [ticket(), service()] {
        assert_eq!(verifier.access(&token, NOW), Err(TokenError::Header));
    }
    for token in [access(), service()] {
        assert_eq!(verifier.ticket(&token, NOW), Err(TokenError::Header));
    }
    for token in [access(), ticket()] {
        assert_eq!(verifier.service(&token, NOW), Err(TokenError::Header));
    }
}

#[test]
fn what_we_sign_is_what_the_tests_below_take_apart() {
    assert_eq!(signed(&part(&access(), 0), &part(&access(), 1)).split('.').count(), 3);
    assert!(verifier().access(&signed(&part(&access(), 0), &part(&access(), 1)), NOW).is_ok());
}

#[test]
fn algorithm_none_is_refused() {
    for name in ["none", "None", "nOnE", ""] {
        let mut header = part(&access(), 0);
        header["alg"] = json!(name);
        let message = unsigned(&header, &part(&access(), 1));
        assert_eq!(refused(&format!("{message}.")), TokenError::Malformed);
        let signature = access().rsplit('.').next().unwrap().to_owned();
        assert_eq!(refused(&format!("{message}.{signature}")), TokenError::Malformed);
    }
}

#[test]
fn an_hmac_with_the_public_key_is_refused() {
    let ring = ring(1);
    let kid = ring.keys()[0].kid().to_owned();
    let x = ring.jwks().keys[0].x.clone();
    for secret in [ring.keys()[0].public().bytes().to_vec(), x.into_bytes()] {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(kid.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let token = encode(&header, &part(&access(), 1), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(refused(&token), TokenError::Header);
    }
}

#[test]
fn a_wrong_type_is_refused() {
    for typ in [json!("JWT"), json!("AT+JWT"), json!("application/at+jwt"), json!(""), Value::Null] {
        assert_eq!(refused(&with_header("typ", typ)), TokenError::Header);
    }
}

#[test]
fn a_key_that_is_not_ours_is_refused() {
    let foreign = issuer(realm(), 2).access(&ada(), LOGIN, ID, NOW).unwrap().token;
    assert_eq!(refused(&foreign), TokenError::UnknownKey);
    for kid in [json!("../../etc/passwd"), json!("' or 1=1 --"), json!("")] {
        assert_eq!(refused(&with_header("kid", kid)), TokenError::UnknownKey);
    }
    assert_eq!(refused(&with_header("kid", Value::Null)), TokenError::Header);
}

#[test]
fn a_swapped_key_identifier_is_refused() {
    let foreign = issuer(realm(), 2).access(&ada(), LOGIN, ID, NOW).unwrap().token;
    let message = unsigned(&part(&access(), 0), &part(&foreign, 1));
    let token = format!("{message}.{}", foreign.rsplit('.').next().unwrap());
    assert_eq!(refused(&token), TokenError::Foreign);
}

#[test]
fn key_material_and_extensions_in_the_header_are_refused() {
    let jwk = serde_json::to_value(&ring(2).jwks().keys[0]).unwrap();
    for (field, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("b64", json!(false)),
    ] {
        assert_eq!(refused(&with_header(field, value)), TokenError::Header, "{field}");
    }
}

#[test]
fn time_is_checked_against_the_clock_that_is_given() {
    let verifier = verifier();
    let ends = 15 * 60;
    assert!(verifier.access(&access(), at(ends + 29)).is_ok());
    assert_eq!(verifier.access(&access(), at(ends + 30)), Err(TokenError::Expired));
    assert!(verifier.access(&access(), at(-30)).is_ok());
    assert_eq!(verifier.access(&access(), at(-31)), Err(TokenError::NotYet));
    assert!(verifier.ticket(&ticket(), at(29)).is_ok());
    assert_eq!(verifier.ticket(&ticket(), at(30)), Err(TokenError::Expired));
}

#[test]
fn a_ticket_is_remembered_for_as_long_as_any_clock_takes_it() {
    let held = verifier().ticket(&ticket(), NOW).unwrap();
    assert_eq!(held.forget_at, at(60));
}

#[test]
fn another_issuer_or_audience_is_refused() {
    for other in [
        Realm { issuer: "https://evil.example".to_owned(), ..realm() },
        Realm { audience: "other".to_owned(), ..realm() },
    ] {
        let token = issuer(other, 1).access(&ada(), LOGIN, ID, NOW).unwrap().token;
        assert_eq!(refused(&token), TokenError::Foreign);
    }
    assert_eq!(refused(&with_claim("aud", json!(["chatapp", "other"]))), TokenError::Foreign);
}

#[test]
fn missing_and_odd_claims_are_refused() {
    for name in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"] {
        let mut claims = part(&access(), 1);
        claims.as_object_mut().unwrap().remove(name);
        let token = signed(&part(&access(), 0), &claims);
        assert!(matches!(refused(&token), TokenError::Foreign | TokenError::Malformed), "{name}");
        assert!(verifier().access(&with_claim(name, Value::Null), NOW).is_err(), "{name}");
        assert!(verifier().access(&with_claim(name, json!([])), NOW).is_err(), "{name}");
    }
    assert_eq!(refused(&with_claim("sub", json!("not a username"))), TokenError::Malformed);
    for exp in [json!(-1), json!(1e300), json!("2030")] {
        assert!(verifier().access(&with_claim("exp", exp), NOW).is_err());
    }
    assert!(verifier().access(&with_claim("exp", json!(u64::MAX)), NOW).is_ok());
}

#[test]
fn a_long_token_is_not_looked_at() {
    let token = format!("{}{}", access(), "A".repeat(5 * 1024));
    assert_eq!(refused(&token), TokenError::TooLong);
    let scope = "x".repeat(MAX_TOKEN_BYTES);
    assert_eq!(issuer(realm(), 1).service("billing", &scope, 1, ID, NOW), Err(KeyError::TokenTooLong));
}

#[test]
fn a_service_token_must_not_outlive_its_key() {
    let longest = Lifetimes::default().longest;
    let issuer = issuer(realm(), 1);
    assert!(issuer.service("billing", "notify", longest, ID, NOW).is_ok());
    assert_eq!(
        issuer.service("billing", "notify", longest + 1, ID, NOW),
        Err(KeyError::LifetimeTooLong { longest })
    );
}

#[test]
fn without_a_key_nothing_is_signed() {
    let issuer = Issuer::new(realm(), KeyRing::default(), Lifetimes::default());
    assert_eq!(issuer.access(&ada(), LOGIN, ID, NOW), Err(KeyError::Missing));
}

proptest! {
    #[test]
    fn a_changed_character_breaks_the_token(position in 0..400_usize, replacement in "[A-Za-z0-9_.-]") {
        let mut token = access();
        let position = position % token.len();
        prop_assume!(token[position..=position] != replacement);
        token.replace_range(position..=position, &replacement);
        prop_assert!(verifier().access(&token, NOW).is_err());
    }

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}", dotted in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}") {
        prop_assert!(verifier().access(&text, NOW).is_err());
        prop_assert!(verifier().access(&dotted, NOW).is_err());
    }
}
