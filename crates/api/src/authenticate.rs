//! Who asks: extractors of a user, or of a user or another service.

use std::sync::Arc;

use auth::ServiceToken;
use axum::extract::FromRequestParts;
use http::request::Parts;
use identity::{Credentials, Identity, Refusal};

use crate::api::Api;
use crate::failure::{Answer, Failure};

/// A user with a login that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Identity);

/// A user or another service.
#[derive(Clone, Debug)]
pub(crate) enum Principal {
    /// A user.
    User(Identity),
    /// A service.
    Service(ServiceToken),
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        // A layer in front of the handler may have asked already.
        if let Some(Principal::User(identity)) = parts.extensions.get() {
            return Ok(Self(identity.clone()));
        }
        let identity = api.authenticator.call(&parts.headers).await?;
        api.limits.user(&identity.user)?;
        Ok(Self(identity))
    }
}

impl FromRequestParts<Arc<Api>> for Principal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        if let Some(principal) = parts.extensions.get::<Self>() {
            return Ok(principal.clone());
        }
        let principal = match api.service(parts)? {
            Some(service) => Self::Service(service),
            None => Self::User(Caller::from_request_parts(parts, api).await?.0),
        };
        parts.extensions.insert(principal.clone());
        Ok(principal)
    }
}

impl Api {
    /// Gives the service whose token a request carries, if it carries one that holds.
    fn service(&self, parts: &Parts) -> Answer<Option<ServiceToken>> {
        match Credentials::of_call(&parts.headers)? {
            Credentials::Token(token) => {
                Ok(self.authenticator.verifier().service(token.expose(), self.clock.now()).ok())
            }
            Credentials::Ticket(_) => Err(Refusal::Invalid.into()),
        }
    }
}
