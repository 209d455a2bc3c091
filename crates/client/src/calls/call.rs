//! A call before it is made; it can be made again.

use reqwest::Method;
use serde::Serialize;

use crate::random;

/// A call: method, path, query and body.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path's segments, not yet escaped.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Option<Vec<u8>>,
    /// What makes a repetition the same request.
    pub(crate) key: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default)]
pub struct PageOf {
    /// The `next_cursor` of the page before; the first page without it.
    pub cursor: Option<String>,
    /// How many items at most, up to 200.
    pub limit: Option<usize>,
}

impl Call {
    pub(crate) fn get<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::GET, &path)
    }

    pub(crate) fn put<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::PUT, &path)
    }

    pub(crate) fn patch<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::PATCH, &path)
    }

    pub(crate) fn delete<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::DELETE, &path)
    }

    /// Makes a POST with a key of its own, so that one that is made again is carried out once.
    pub(crate) fn post<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::POST, &path).key(random::unique())
    }

    pub(crate) fn key(mut self, key: String) -> Self {
        self.key = Some(key);
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        // Strings, numbers and checked JSON always encode.
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn query_if<T: ToString>(self, name: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.query(name, value.to_string()),
            None => self,
        }
    }

    pub(crate) fn page(self, page: &PageOf) -> Self {
        self.query_if("cursor", page.cursor.as_ref()).query_if("limit", page.limit)
    }

    fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        Self { method, path, query: Vec::new(), body: None, key: None }
    }
}
