//! The ports' contract, on Redis and on Valkey.

mod on_redis {
    use store_redis::RedisStore;

    use crate::scene;

    async fn open() -> Option<Box<RedisStore>> {
        Some(Box::new(scene::open(scene::shared().await).await))
    }

    ports::contract_tests!(crate::contract::on_redis::open);
}

mod on_valkey {
    use store_redis::RedisStore;

    use crate::scene;

    async fn open() -> Option<Box<RedisStore>> {
        Some(Box::new(scene::open(scene::shared_valkey().await?).await))
    }

    ports::contract_tests!(crate::contract::on_valkey::open);
}
