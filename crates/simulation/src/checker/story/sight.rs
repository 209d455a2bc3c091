//! Who could see whose presence when.

use std::collections::BTreeMap;

use protocol::Username;

use super::{Index, NEVER, Span};
use crate::history::{Happened, Moment};

/// Who could see whose presence when: of each pair, the smaller name first.
#[derive(Default)]
pub(crate) struct Sight<'a>(BTreeMap<(&'a Username, &'a Username), Vec<Span>>);

impl<'a> Sight<'a> {
    pub(super) fn read(moments: &'a [Moment]) -> Self {
        let mut sight = Self::default();
        for (at, moment) in moments.iter().enumerate() {
            let Happened::Visible { one, other, visible } = &moment.what else { continue };
            let spans = sight.0.entry((one.min(other), one.max(other))).or_default();
            match spans.last_mut().filter(|span| span.until == NEVER) {
                None if *visible => spans.push(Span { from: at, until: NEVER }),
                Some(open) if !visible => open.until = at,
                _ => {}
            }
        }
        sight
    }

    /// Gives the last time that two could see each other before a moment, or at it.
    pub(crate) fn last(&self, one: &Username, other: &Username, at: Index) -> Option<Span> {
        let spans = self.0.get(&(one.min(other), one.max(other)))?;
        spans.iter().rev().find(|span| span.from <= at).copied()
    }

    /// Gives since when two can see each other at a moment.
    pub(crate) fn since(&self, one: &Username, other: &Username, at: Index) -> Option<Index> {
        self.last(one, other, at).filter(|span| span.covers(at)).map(|span| span.from)
    }
}
