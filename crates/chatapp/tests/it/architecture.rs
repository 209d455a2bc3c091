//! The arrows between our own crates point down only.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What each crate may use of ours, outside of tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("placement", &["protocol"]),
    ("session", &["protocol"]),
    ("availability", &["protocol"]),
    ("auth", &["protocol"]),
    ("ports", &["protocol"]),
    ("http-edge", &["ports", "protocol"]),
    ("websocket", &["protocol"]),
    ("telemetry", &[]),
    ("client", &["protocol"]),
    ("store-embedded", &["ports", "protocol"]),
    ("store-redis", &["ports", "protocol"]),
    ("push", &["ports"]),
    ("archive", &["protocol"]),
    ("redis-lab", &[]),
    ("identity", &["auth", "http-edge", "ports", "protocol"]),
    ("registry", &["placement", "ports", "protocol"]),
    (
        "chat",
        &["http-edge", "identity", "placement", "ports", "protocol", "session", "telemetry", "websocket"],
    ),
    (
        "presence",
        &[
            "availability",
            "http-edge",
            "identity",
            "placement",
            "ports",
            "protocol",
            "session",
            "telemetry",
            "websocket",
        ],
    ),
    ("notification", &["ports", "protocol", "telemetry"]),
    ("api", &["auth", "http-edge", "identity", "placement", "ports", "protocol", "telemetry"]),
    // Tests only.
    (
        "simulation",
        &[
            "api",
            "auth",
            "chat",
            "http-edge",
            "identity",
            "notification",
            "placement",
            "ports",
            "presence",
            "protocol",
            "registry",
            "telemetry",
            "websocket",
        ],
    ),
    ("concurrency", &["placement", "ports", "protocol", "session", "telemetry", "websocket"]),
];

/// Crates of others that a pure core must not use: they do I/O, look at the clock, or spawn.
const IMPURE: &[&str] = &["tokio", "hyper", "axum", "tracing", "getrandom", "rand", "fjall"];

#[test]
fn arrows_point_down_only() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let uses: BTreeMap<String, BTreeSet<String>> = packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            (name(package), dependencies.iter().filter(|used| used["kind"].is_null()).map(name).collect())
        })
        .collect();
    for (krate, used) in &uses {
        if krate == "chatapp" {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == krate) else {
            panic!(
                "{krate} has no place in the architecture: give it one above, and in docs/architecture.md"
            );
        };
        for other in used.intersection(&ours) {
            assert!(allowed.contains(&other.as_str()), "{krate} must not use {other}");
        }
    }
    for core in ["protocol", "placement", "session", "availability", "auth"] {
        for impure in IMPURE {
            assert!(!uses[core].contains(*impure), "{core} is a pure core and must not use {impure}");
        }
    }
}
