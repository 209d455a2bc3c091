//! The ports' contract, while each write is made twice and only the second answer counts: as if all first answers were lost.

use crate::RedisStore;

async fn open() -> Option<Box<RedisStore>> {
    Some(Box::new(super::scene::store().await))
}

ports::contract_tests!(crate::todo::tests::repeated::open);
