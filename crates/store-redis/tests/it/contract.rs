//! The ports' contract.

use crate::scene;
use store_redis::RedisStore;

async fn open() -> Option<Box<RedisStore>> {
    Some(Box::new(scene::open(scene::shared().await).await))
}

ports::contract_tests!(crate::contract::open);
