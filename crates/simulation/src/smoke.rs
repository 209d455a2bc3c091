#[cfg(test)]
mod tests {
    use crate::cluster::Cluster;
    use crate::schedule::Size;
    use crate::world::World;
    #[tokio::test(start_paused = true)]
    async fn starts() {
        #[expect(clippy::disallowed_methods)]
        let real = std::time::Instant::now();
        let world = World::begin(1, None);
        let cast = crate::set_up::cast(&world, 4).await.unwrap();
        assert_eq!(cast.len(), 4);
        let cluster =
            Cluster::start(world.clone(), Size { chat: 3, presence: 2, registries: 2, apis: 2, people: 4 });
        let ok = tokio::time::timeout(std::time::Duration::from_secs(60), cluster.started()).await;
        println!("started {:?} at {} after {:?}", ok, world.history.now(), real.elapsed());
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        println!("idle 60 s after {:?}", real.elapsed());
        for moment in world.history.take() {
            println!("{} {:?}", moment.at, moment.what);
        }
    }
}
