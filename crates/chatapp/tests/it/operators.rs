//! What operators see: health, and figures that say what happens without saying who.

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn health_and_figures_are_on_a_port_of_their_own() {
    let world = World::start().await;
    for path in ["/healthz/live", "/healthz/ready"] {
        assert_eq!(world.operator(path).await.0, 200, "{path}");
        assert_eq!(world.http.get(world.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(world.http.get(world.url("/metrics")).send().await.unwrap().status(), 404);
    assert_eq!(world.operator("/registry/v1/table").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_count_what_people_do_and_name_nobody() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    a.said("m", &people[1].name, "canary-in-a-message").await;
    b.wait_for("message").await;
    let (_, text) = world.operator("/metrics").await;
    let sum = |name: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    assert_eq!(sum("chatapp_chat_connections{"), 2.0);
    assert_eq!(sum("chatapp_chat_acked_total{"), 1.0);
    assert!(sum("chatapp_chat_delivered_total{") >= 1.0);
    assert!(sum("chatapp_chat_hints_sent_total{") >= 1.0);
    assert!(sum("chatapp_chat_ack_seconds_count{") >= 1.0);
    assert!(sum("chatapp_chat_table_epoch{") > 0.0 && sum("process_resident_memory_bytes") > 0.0);
    for secret in [&people[0].name, &people[0].token, "canary-in-a-message"] {
        assert!(!text.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_formats_are_spoken() {
    let world = World::start().await;
    let url = format!("http://{}/metrics", world.cluster.operator_address());
    let accept = "application/openmetrics-text;version=1.0.0";
    let response = world.http.get(&url).header("accept", accept).send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    assert!(response.text().await.unwrap().ends_with("# EOF\n"));
    let response = world.http.get(&url).send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
}
