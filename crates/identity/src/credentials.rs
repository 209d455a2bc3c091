//! Finding the credentials of a request.

use http::HeaderMap;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use protocol::account::Secret;

use crate::Refusal;

/// What a browser, which cannot set headers on a socket, puts before its token in the list of subprotocols.
const SUBPROTOCOL_BEARER: &str = "chatapp.bearer.";

/// What a caller shows.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// An access token.
    Token(Secret),
    /// A ticket, which opens one socket once.
    Ticket(Secret),
}

impl Credentials {
    /// Finds the token of a call: `Authorization: Bearer TOKEN`.
    ///
    /// # Errors
    /// There is none.
    pub fn of_call(headers: &HeaderMap) -> Result<Self, Refusal> {
        let header =
            headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(Refusal::Missing)?;
        let (scheme, token) = header.split_once(' ').ok_or(Refusal::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(Refusal::Missing);
        }
        Ok(Self::Token(Secret::new(token.trim())))
    }

    /// Finds the credentials of a socket: as of a call, or the subprotocols `chatapp.v1, chatapp.bearer.TOKEN`, or `?ticket=`.
    ///
    /// # Errors
    /// There are none, or there is a token in the URL, where logs and histories would keep it.
    pub fn of_socket(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Refusal> {
        let parameters = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let mut ticket = None;
        for (name, value) in parameters {
            match name {
                "token" | "access_token" | "bearer" | "authorization" => return Err(Refusal::TokenInUrl),
                "ticket" => ticket = Some(value),
                _ => {}
            }
        }
        if headers.contains_key(AUTHORIZATION) {
            return Self::of_call(headers);
        }
        if let Some(token) = subprotocol_token(headers) {
            return Ok(Self::Token(Secret::new(token)));
        }
        // Tickets are JWTs, whose characters need no escaping in a URL.
        ticket.map(|ticket| Self::Ticket(Secret::new(ticket))).ok_or(Refusal::Missing)
    }
}

fn subprotocol_token(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).find_map(|offer| offer.trim().strip_prefix(SUBPROTOCOL_BEARER))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn shown(credentials: Result<Credentials, Refusal>) -> String {
        match credentials {
            Ok(Credentials::Token(token)) => format!("token {}", token.expose()),
            Ok(Credentials::Ticket(ticket)) => format!("ticket {}", ticket.expose()),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn a_socket_shows_its_credentials_in_one_of_three_places() {
        let bearer = headers(&[("authorization", "Bearer abc")]);
        let list = headers(&[("sec-websocket-protocol", "chatapp.v1, chatapp.bearer.abc")]);
        assert_eq!(shown(Credentials::of_socket(&bearer, None)), "token abc");
        assert_eq!(shown(Credentials::of_socket(&list, None)), "token abc");
        assert_eq!(shown(Credentials::of_socket(&HeaderMap::new(), Some("a=1&ticket=t.u"))), "ticket t.u");
    }

    #[test]
    fn a_token_in_a_url_is_refused_even_beside_a_good_one() {
        let bearer = headers(&[("authorization", "Bearer abc")]);
        assert!(matches!(Credentials::of_socket(&bearer, Some("token=abc")), Err(Refusal::TokenInUrl)));
    }

    #[test]
    fn anything_else_is_missing() {
        for value in ["", "Bearer", "Bearer ", "Basic abc"] {
            let headers = headers(&[("authorization", value)]);
            assert!(matches!(Credentials::of_call(&headers), Err(Refusal::Missing)), "{value:?}");
        }
        assert!(matches!(Credentials::of_socket(&HeaderMap::new(), Some("x=1")), Err(Refusal::Missing)));
    }
}
