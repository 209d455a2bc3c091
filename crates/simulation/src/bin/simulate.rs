//! Runs simulated worlds from the command line: many, or one again.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::defect::Defect;
use simulation::report;
use simulation::run::{Outcome, run};
use simulation::schedule::Plan;
use simulation::shrink::shrink;
use simulation::sweep::sweep;

/// Simulated clusters: every promise under thousands of fault schedules.
#[derive(Parser)]
struct Arguments {
    /// The one world to run, and to say everything of.
    #[arg(long)]
    seed: Option<u64>,
    /// The first of many.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many.
    #[arg(long, default_value_t = 2000)]
    count: u64,
    /// After how many failures to stop.
    #[arg(long, default_value_t = 5)]
    failures: usize,
    /// Print all that happens in the one world.
    #[arg(long)]
    trace: bool,
    /// Put a deliberate defect in; without a name: find each of them, and say after how many worlds.
    #[arg(long, num_args = 0..=1, default_missing_value = "all")]
    defect: Option<String>,
    /// Leave the schedule of faults as it is.
    #[arg(long)]
    whole: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let start = clock();
    let defect = match arguments.defect.as_deref() {
        Some("all") => return find_defects(arguments.from, arguments.count),
        Some(name) => match name.parse::<Defect>() {
            Ok(defect) => Some(defect),
            Err(error) => {
                say(&error);
                return ExitCode::FAILURE;
            }
        },
        None => None,
    };
    let plan = |seed| Plan { defect, ..Plan::of(seed) };
    let failed = match arguments.seed {
        Some(seed) => {
            let outcome = run(&plan(seed));
            if arguments.trace {
                say(&trace(&outcome));
            }
            say(&format!("{}hash {:016x}, {} moments", outcome.plan, outcome.hash, outcome.moments.len()));
            if outcome.violations.is_empty() { Vec::new() } else { vec![outcome] }
        }
        None => {
            let seeds = arguments.from..arguments.from.saturating_add(arguments.count);
            let swept = sweep(seeds, arguments.failures, plan);
            let seconds = start.elapsed().as_secs_f64();
            say(&format!(
                "{} worlds with {} faults and {} moments in {seconds:.1} s, {:.1} ms a world: {} failed",
                swept.worlds,
                swept.faults,
                swept.moments,
                1e3 * seconds / swept.worlds.max(1) as f64,
                swept.failed.len()
            ));
            swept.failed
        }
    };
    for outcome in &failed {
        say(&report(outcome));
    }
    let Some(first) = failed.into_iter().next() else { return ExitCode::SUCCESS };
    if !arguments.whole {
        let small = shrink(first);
        say(&format!("what it takes of the first:\n{}", report(&small)));
    }
    ExitCode::FAILURE
}

/// Looks for each deliberate defect, and says after how many worlds it was found, and by which promise.
fn find_defects(from: u64, count: u64) -> ExitCode {
    let mut missed = false;
    for defect in Defect::ALL {
        let seeds = from..from.saturating_add(count);
        let swept = sweep(seeds, 1, |seed| Plan { defect: Some(defect), ..Plan::of(seed) });
        let found = swept.failed.first().and_then(|outcome| Some((outcome, outcome.violations.first()?)));
        missed |= found.is_none();
        say(&match found {
            Some((outcome, violation)) => {
                let worlds = outcome.plan.seed - from + 1;
                format!("| `{defect}` | {worlds} | {} |", violation.promise)
            }
            None => format!("| `{defect}` | not in {count} | |"),
        });
    }
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn trace(outcome: &Outcome) -> String {
    outcome.moments.iter().fold(String::new(), |mut text, moment| {
        let _ = writeln!(text, "{:>7} {:?}", moment.at, moment.what);
        text
    })
}

#[expect(clippy::disallowed_methods, reason = "how long it really took")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "what was asked for")]
fn say(text: &str) {
    println!("{text}");
}
