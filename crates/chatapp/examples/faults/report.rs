//! What happened, for a person to read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::checker::Findings;
use crate::faults::Fault;
use crate::people::Story;
use crate::people::knowledge::Rule;

/// A fault that happened.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Which.
    pub(crate) fault: Fault,
    /// From when on, from the beginning of the run on.
    pub(crate) begun: Duration,
    /// Until when.
    pub(crate) ended: Duration,
    /// Who it happened to.
    pub(crate) what: String,
}

/// What a run was.
pub(crate) struct Run {
    /// The command that does the same.
    pub(crate) command: String,
    /// How many people chatted, and how many were away.
    pub(crate) people: (usize, usize),
    /// How long they did.
    pub(crate) length: Duration,
    /// How often they connected.
    pub(crate) connections: usize,
    /// How many pushes there were, repeated ones too.
    pub(crate) pushes: usize,
    /// What went wrong, in order.
    pub(crate) events: Vec<Event>,
    /// Why some kinds of faults were left out.
    pub(crate) left_out: Option<String>,
    /// Why it ended before its time.
    pub(crate) ended_early: Option<String>,
}

/// All promises, in the order of the report.
const RULES: &[(Rule, &str)] = &[
    (Rule::Lost, "acknowledged messages that are not in the history"),
    (Rule::Repeated, "messages that came twice, or are there twice"),
    (Rule::OutOfOrder, "messages out of order"),
    (Rule::Hole, "holes"),
    (Rule::TwoMeanings, "places that stood for two messages"),
    (Rule::History, "histories that are not what a device was shown"),
    (Rule::NotPushed, "messages that somebody who was away was not pushed"),
    (Rule::Refused, "messages refused for good"),
    (Rule::Forgotten, "conversations that somebody is in and is told not to be, or does not find"),
];

/// Gives the report as Markdown.
pub(crate) fn text(run: &Run, story: &Story, findings: &Findings) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut text, run, story, findings);
    text
}

fn write(text: &mut String, run: &Run, story: &Story, findings: &Findings) -> std::fmt::Result {
    let verdict = if findings.is_clean() { "everything was kept" } else { "promises were broken" };
    writeln!(text, "# Faults: {verdict}\n\n`{}`\n", run.command)?;
    let (talkers, away) = run.people;
    writeln!(
        text,
        "{talkers} people with {} devices chatted in pairs and groups for {}, {away} more were never connected. {} faults, \
         one after the other.\nThree Redis masters with two replicas each, `cluster-node-timeout` 2 s; every role a process.\n",
        story.devices.len(),
        seconds(run.length),
        run.events.len(),
    )?;
    if let Some(reason) = &run.left_out {
        writeln!(
            text,
            "**Left out, since there is no network of its own ({reason}):** faults in which packets vanish.\n"
        )?;
    }
    if let Some(reason) = &run.ended_early {
        writeln!(text, "**Ended early:** {reason}\n")?;
    }
    writeln!(text, "| counted | |\n| --- | ---: |")?;
    for (what, count) in [
        ("messages acknowledged", findings.acked),
        ("messages in the histories", findings.stored),
        ("connections made", run.connections),
        ("messages appended again at another place after the log lost its tail", findings.moved),
        ("messages that devices saw taken back, and another in their place", findings.taken_back),
        ("messages owed to people who were away", findings.owed),
        ("pushes, repeated ones too", run.pushes),
    ] {
        writeln!(text, "| {what} | {count} |")?;
    }
    for (reason, count) in &findings.paged_anew {
        writeln!(text, "| histories paged anew: {reason} | {count} |")?;
    }
    writeln!(text, "\n| broken promises | |\n| --- | ---: |")?;
    for (rule, what) in RULES {
        writeln!(text, "| {what} | {} |", findings.count.get(rule).unwrap_or(&0))?;
    }
    for (rule, told) in &findings.wrong {
        writeln!(text, "\n## {rule:?}\n")?;
        for line in told {
            writeln!(text, "- {line}")?;
        }
    }
    write_faults(text, run, story)
}

fn write_faults(text: &mut String, run: &Run, story: &Story) -> std::fmt::Result {
    let mut acks: Vec<(Duration, Duration)> = story
        .devices
        .iter()
        .flat_map(|device| &device.acked)
        .map(|acked| (acked.sent, acked.acked))
        .collect();
    acks.sort_by_key(|(_, acked)| *acked);
    let ends = run.events.iter().skip(1).map(|event| event.begun).chain([run.length]);
    let mut kinds: BTreeMap<Fault, Vec<(Duration, Duration)>> = BTreeMap::new();
    let mut lines = String::new();
    for (event, end) in run.events.iter().zip(ends) {
        let span = (event.begun, end);
        let (silence, wait) = (silence(&acks, span), longest_wait(&acks, span));
        kinds.entry(event.fault).or_default().push((silence, wait));
        writeln!(
            lines,
            "| {} | {} | {} | {} | {} | {} |",
            seconds(event.begun),
            event.fault,
            event.what,
            seconds(event.ended - event.begun),
            seconds(silence),
            seconds(wait),
        )?;
    }
    writeln!(
        text,
        "\n## Faults by kind\n\nFrom the beginning of a fault to that of the next: the longest time in which nobody got an ack, and the longest \
         time that one message waited for its ack, from when it was to be sent on, also by somebody who had no connection then.\n\n| fault | number | nobody: longest | one message: median of the longest | longest |\n\
         | --- | ---: | ---: | ---: | ---: |"
    )?;
    for (fault, mut found) in kinds {
        let silence = found.iter().map(|(silence, _)| *silence).max().unwrap_or_default();
        found.sort_by_key(|(_, wait)| *wait);
        let (median, most) = (found[found.len() / 2].1, found[found.len() - 1].1);
        writeln!(
            text,
            "| {fault} | {} | {} | {} | {} |",
            found.len(),
            seconds(silence),
            seconds(median),
            seconds(most)
        )?;
    }
    writeln!(
        text,
        "\n## Faults in order\n\n| at | fault | who | took | nobody got an ack for | one message waited |\n| ---: | --- | --- | ---: | ---: | ---: |\n{lines}"
    )
}

/// Gives the longest time without an ack within a span.
fn silence(acks: &[(Duration, Duration)], (from, to): (Duration, Duration)) -> Duration {
    let within = acks.iter().map(|(_, acked)| *acked).filter(|acked| (from..to).contains(acked));
    let (mut last, mut longest) = (from, Duration::ZERO);
    for moment in within.chain([to]) {
        longest = longest.max(moment - last);
        last = moment;
    }
    longest
}

/// Gives how long a message waited at most that was under way in a span.
fn longest_wait(acks: &[(Duration, Duration)], (from, to): (Duration, Duration)) -> Duration {
    let during =
        acks.iter().filter(|(sent, acked)| *sent < to && *acked >= from && *sent + WAS_BEFORE >= from);
    during.map(|(sent, acked)| *acked - *sent).max().unwrap_or_default()
}

/// A message that waits for longer when a fault begins waits because of the one before.
const WAS_BEFORE: Duration = Duration::from_millis(500);

/// Shows a time in seconds.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
