//! Decides which shard serves which user, and says so in a table that everybody can read.
//!
//! A user belongs to one of [`BUCKETS`] buckets by a stable hash of the username. Each service (chat and
//! presence) gives every bucket one owner among its shards: by default the consistent-hash [`Ring`], and
//! another shard where the ring's choice would be overloaded. The result is an [`Assignment`]; the two of
//! them under one [`Epoch`] are the [`Table`], about 11 KiB of JSON, which every process keeps.
//!
//! [`plan`] makes the next assignment from the last one. It is a pure function, and these hold for it
//! whatever it is given:
//!
//! - every bucket has exactly one owner, and that owner is serving;
//! - a shard that leaves or drains gives away its buckets, and nobody else gives any;
//! - a shard that joins receives buckets, at most 1.05 times its share, and nobody else receives any;
//! - no shard is over 1.25 times its share of the load, unless a bucket alone is so heavy that it fits nowhere;
//! - while nobody is over that bound nothing moves for the sake of load;
//! - the same input gives the same bytes, in whatever order the members come.
//!
//! There is no I/O, clock or randomness here.

mod assignment;
mod bucket;
mod epoch;
mod load;
mod member;
mod plan;
mod ring;
mod table;

pub use assignment::{Assignment, AssignmentError};
pub use bucket::{BUCKETS, Bucket, InvalidBucket};
pub use epoch::{Epoch, InvalidEpoch};
pub use load::{BucketLoads, MAX_LOAD};
pub use member::{MAX_MEMBERS, MAX_WEIGHT, Member, MemberIndex, ORDINARY_WEIGHT};
pub use plan::{Options, Plan, PlanError, plan};
pub use ring::{Ring, RingNode, VNODES};
pub use table::Table;
