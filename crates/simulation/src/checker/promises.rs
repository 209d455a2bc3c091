//! What is promised, a file a promise.

mod content;
mod durable;
mod epochs;
mod everybody;
mod logins;
mod marks;
mod once;
mod order;
mod picture;
mod present;
mod private;
mod pushed;
mod requests;
mod told;
mod typing;

use crate::checker::Violation;
use crate::checker::story::Story;

pub(super) use self::pushed::repeats as repeated_pushes;

/// Gives what a history did against one rule.
type Rule = fn(&Story<'_>) -> Vec<Violation>;

/// All rules.
pub(super) const RULES: &[Rule] = &[
    durable::check,
    once::check,
    content::check,
    order::check,
    requests::check,
    everybody::check,
    picture::check,
    told::check,
    pushed::check,
    present::check,
    private::check,
    logins::check,
    marks::check,
    typing::check,
    epochs::check,
];
