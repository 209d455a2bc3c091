//! Documents, and answers that are remembered for a while.

use async_trait::async_trait;
use ports::{Document, Documents, Error, Remembered, Result};
use protocol::Timestamp;

use crate::EmbeddedStore;
use crate::engine::View;
use crate::expiry::forget_before;
use crate::keys::{Table, check_name};
use crate::packing::{Packer, Parts, unreadable};

#[async_trait]
impl Documents for EmbeddedStore {
    async fn document(&self, name: &str) -> Result<Option<Document>> {
        check_name(name)?;
        self.read(|view| document(view, name))
    }

    async fn put_document(&self, name: &str, expected: u64, body: Vec<u8>) -> Result<u64> {
        check_name(name)?;
        let name = name.to_owned();
        self.write(move |context| {
            let version = document(context.view(), &name)?.map_or(0, |document| document.version);
            if version != expected {
                return Err(Error::Conflict);
            }
            let value = Packer::with_capacity(8 + body.len()).number(version + 1).rest(body).bytes();
            context.put(document_key(&name), value);
            Ok(version + 1)
        })
        .await
    }

    async fn remembered(&self, key: &[u8], now: Timestamp) -> Result<Option<Remembered>> {
        check_name(key)?;
        let remembered = self.read(|view| remembered(view, key))?;
        Ok(remembered.filter(|remembered| remembered.expires_at > now))
    }

    async fn remember(&self, key: Vec<u8>, answer: Remembered, now: Timestamp) -> Result<()> {
        check_name(&key)?;
        self.write(move |context| {
            for expired in forget_before(context, Table::RememberedEnd, now)? {
                context.delete(remembered_key(&expired));
            }
            if let Some(earlier) = remembered(context.view(), &key)? {
                context.delete(end_key(&key, earlier.expires_at));
            }
            context.put(end_key(&key, answer.expires_at), Vec::new());
            let value = Packer::with_capacity(16 + answer.request.len() + answer.answer.len());
            let value = value.number(answer.expires_at.0).number(answer.request.len() as u64);
            context.put(remembered_key(&key), value.rest(answer.request).rest(answer.answer).bytes());
            Ok(())
        })
        .await
    }
}

fn document(view: &dyn View, name: &str) -> Result<Option<Document>> {
    let Some(record) = view.get(&document_key(name))? else { return Ok(None) };
    let mut parts = Parts::of(&record);
    Ok(Some(Document { version: parts.number()?, body: parts.rest().to_vec() }))
}

fn remembered(view: &dyn View, key: &[u8]) -> Result<Option<Remembered>> {
    let Some(record) = view.get(&remembered_key(key))? else { return Ok(None) };
    let mut parts = Parts::of(&record);
    let (expires_at, length) = (parts.time()?, parts.number()?);
    let length = usize::try_from(length).map_err(|_| unreadable())?;
    let (request, answer) = parts.rest().split_at_checked(length).ok_or_else(unreadable)?;
    Ok(Some(Remembered { request: request.to_vec(), answer: answer.to_vec(), expires_at }))
}

fn document_key(name: &str) -> Vec<u8> {
    Table::Document.key().rest(name).bytes()
}

fn remembered_key(key: &[u8]) -> Vec<u8> {
    Table::Remembered.key().rest(key).bytes()
}

fn end_key(key: &[u8], expires_at: Timestamp) -> Vec<u8> {
    Table::RememberedEnd.key().number(expires_at.0).rest(key).bytes()
}
