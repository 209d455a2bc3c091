//! Prints what a ring and a plan cost: `cargo run --release -p placement --example cost`.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and prints")]

use std::error::Error;
use std::time::Instant;

use placement::{Bucket, BucketLoads, Member, ORDINARY_WEIGHT, Options, Ring, RingNode, plan};
use protocol::{InvalidName, Shard};

fn main() -> Result<(), Box<dyn Error>> {
    for count in [3_u16, 20, 100, 256] {
        let members = (0..count).map(member).collect::<Result<Vec<_>, _>>()?;
        let start = Instant::now();
        let ring = Ring::new((0..=u8::MAX).zip(&members).map(|(index, member)| RingNode {
            index,
            name: member.name(),
            weight: member.weight,
        }));
        let built = start.elapsed();
        let start = Instant::now();
        let sum: usize = Bucket::all().filter_map(|bucket| ring.walk(bucket).nth(1)).map(usize::from).sum();
        let walked = start.elapsed() / 4096;
        let loads = BucketLoads::uniform();
        let start = Instant::now();
        let first = plan(None, &members, &loads, &Options::default())?.assignment;
        let planned = start.elapsed();
        let start = Instant::now();
        let moved = plan(Some(&first), &members[1..], &loads, &Options::default())?.moved.len();
        let replanned = start.elapsed();
        println!(
            "{count} shards: ring {built:?}, second choice {walked:?}, first plan {planned:?}, \
             plan after a crash {replanned:?} ({moved} moved, check {sum})"
        );
    }
    Ok(())
}

fn member(number: u16) -> Result<Member, InvalidName> {
    let shard = Shard::new(&format!("chat-{number}"))?;
    Ok(Member { shard, url: String::new(), weight: ORDINARY_WEIGHT, operator_url: None, draining: false })
}
