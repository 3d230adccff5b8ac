//! The verdict on one position of an operation.

use std::collections::BTreeSet;

use super::change::{Breaks, Usage, is_property};
use super::flat::{Area, DEPRECATED, Fact, Position};

/// One position of an operation: before and after, as described and as generated.
pub(super) struct Aspects<'a> {
    pub(super) position: &'a Position,
    /// The component that has the property at this position.
    pub(super) component: Option<&'a str>,
    pub(super) before: Option<&'a Fact>,
    pub(super) after: Option<&'a Fact>,
    pub(super) generated: (Option<&'a Fact>, Option<&'a Fact>),
    /// Whether code that was written for the operation before compiles with it after.
    pub(super) harmless: bool,
    pub(super) usage: Usage<'a>,
}

/// One thing that changed at a position.
pub(super) struct Verdict {
    pub(super) what: String,
    pub(super) breaks: Breaks,
    /// Whether the verdict holds although the generated code is the same: `octoseal` needs what replies may now lack, or no
    /// reply has a body any more.
    pub(super) stands: bool,
}

/// Everything that changed at a position.
pub(super) fn judge(aspects: &Aspects<'_>) -> Vec<Verdict> {
    let mut found = match (aspects.before, aspects.after) {
        (None, Some(fact)) => vec![aspects.addition(fact)],
        (Some(fact), None) => vec![aspects.removal(fact)],
        (Some(before), Some(after)) => aspects.changes(before, after),
        (None, None) => vec![],
    };
    // Alternatives are variants of an enum, which callers match.
    if aspects.position.1.iter().any(|step| step.starts_with('(')) {
        for verdict in &mut found {
            verdict.breaks = verdict.breaks.max(Breaks::LowLevel);
        }
    }
    found
}

impl Aspects<'_> {
    fn addition(&self, fact: &Fact) -> Verdict {
        let breaks = match self.area() {
            Area::Parameter(..) | Area::Body if fact.required => self.octoseal(),
            // A body is an argument by position, whether or not it is required.
            Area::Body if self.is_root() => self.octoseal(),
            // What may be left out is in structs that callers begin by their default, or by `new`.
            Area::Parameter(..) | Area::Body => Breaks::Nobody,
            Area::Reply(_) if self.tells_what_was_done() => Breaks::Octoseal,
            Area::Reply(_) if self.is_root() => self.breaks_of_other_replies(),
            // Replies are read.
            Area::Reply(_) | Area::Call => Breaks::Nobody,
        };
        let required = fact.required && matches!(self.area(), Area::Parameter(..) | Area::Body);
        let what = if required { "added, required" } else { "added" };
        Verdict {
            stands: self.tells_what_was_done(),
            ..verdict(what, breaks)
        }
    }

    fn removal(&self, fact: &Fact) -> Verdict {
        let breaks = match self.area() {
            Area::Body if self.is_written() => self.octoseal(),
            Area::Parameter(..) if self.is_passed(fact) => self.octoseal(),
            Area::Reply(_) if self.is_read() => self.octoseal(),
            Area::Reply(_) if self.tells_what_was_done() => Breaks::Octoseal,
            Area::Reply(_) if self.is_root() => self.breaks_of_other_replies(),
            _ => Breaks::LowLevel,
        };
        let told = self.standing(verdict("removed", breaks));
        // A list without its pages is read in part, whatever repairs add to it.
        let of_pages = matches!(self.area(), Area::Parameter(_, name) if is_of_pages(name));
        Verdict {
            stands: told.stands || of_pages || self.tells_what_was_done(),
            ..told
        }
    }

    fn changes(&self, before: &Fact, after: &Fact) -> Vec<Verdict> {
        let mut found = Vec::new();
        if before.kind != after.kind {
            let what = format!("{} becomes {}", before.kind, after.kind);
            let loses_body = is_head(&before.kind) != is_head(&after.kind);
            let breaks = match self.area() {
                Area::Call if loses_body => self.octoseal(),
                // The path is written by the machine, but its pieces are arguments by position.
                Area::Call if holes(&before.kind) == holes(&after.kind) => Breaks::Nobody,
                Area::Call => self.octoseal(),
                _ => self.breaks_of_retyping(before, after),
            };
            let verdict = self.standing(verdict(what, breaks));
            let stands = verdict.stands || loses_body;
            found.push(Verdict { stands, ..verdict });
        }
        if before.component != after.component {
            let name = |fact: &Fact| match &fact.component {
                Some(name) => format!("`{name}`"),
                None => "written out".to_owned(),
            };
            let what = format!("its type: {} becomes {}", name(before), name(after));
            let named = before.component.as_deref().is_some_and(self.usage.names);
            let passed = self.is_root() && matches!(self.area(), Area::Body);
            let breaks = if named || passed && self.usage.called_by_name {
                self.octoseal()
            } else {
                Breaks::LowLevel
            };
            found.push(verdict(what, breaks));
        }
        if before.required != after.required {
            found.push(self.requirement(after.required));
        }
        if before.nullable != after.nullable {
            let what = if after.nullable {
                "may be null now"
            } else {
                "never null now"
            };
            let breaks = match self.area() {
                // The dispatch writes it in whatever type it has, and hand-written bodies are read from JSON.
                Area::Body
                    if after.nullable
                        && self.is_property()
                        && !(after.required && self.usage.called_by_name) =>
                {
                    Breaks::LowLevel
                }
                _ => self.breaks_of_retyping(before, after),
            };
            let told = verdict(what, breaks);
            found.push(match after.nullable {
                // Repairs pass over it, and `null` is read as nothing.
                true if self.is_root() => Verdict {
                    stands: self.usage.used && self.is_success(),
                    ..told
                },
                true => self.standing(told),
                false => told,
            });
        }
        self.values(before, after, &mut found);
        self.facets(before, after, &mut found);
        found
    }

    fn requirement(&self, required: bool) -> Verdict {
        match (required, self.area()) {
            // A generated method takes its body in any case.
            (true, Area::Body) if self.is_root() => verdict("required now", Breaks::Nobody),
            (false, Area::Body) if self.is_root() => verdict("no longer required", Breaks::Nobody),
            (true, Area::Reply(_)) if self.is_read() => {
                verdict("always there now", self.octoseal())
            }
            (true, Area::Reply(_)) => verdict("always there now", Breaks::LowLevel),
            (true, _) => verdict("required now", self.octoseal()),
            (false, Area::Reply(_)) if self.is_read() => {
                self.standing(verdict("may be left out now", self.octoseal()))
            }
            (false, Area::Reply(_)) => verdict("may be left out now", Breaks::LowLevel),
            (false, Area::Parameter(..)) => verdict("no longer required", self.octoseal()),
            (false, _) => verdict("no longer required", Breaks::LowLevel),
        }
    }

    fn values(&self, before: &Fact, after: &Fact, found: &mut Vec<Verdict>) {
        let differ = |a: &Fact, b: &Fact| {
            let values: Vec<_> = a.values.difference(&b.values).cloned().collect();
            values.join(", ")
        };
        let (gone, new) = (differ(before, after), differ(after, before));
        let request = matches!(self.area(), Area::Body | Area::Parameter(..));
        match (before.values.is_empty(), after.values.is_empty()) {
            (true, false) => found.push(verdict(format!("takes only {new} now"), Breaks::LowLevel)),
            (false, true) => found.push(verdict("takes any value now", Breaks::LowLevel)),
            _ => {
                if !new.is_empty() {
                    // Values of requests are written, not matched; those of replies are text.
                    found.push(verdict(format!("value {new} added"), Breaks::Nobody));
                }
                if !gone.is_empty() {
                    let breaks = if request {
                        self.octoseal()
                    } else {
                        Breaks::Nobody
                    };
                    found.push(verdict(format!("value {gone} removed"), breaks));
                }
            }
        }
    }

    fn facets(&self, before: &Fact, after: &Fact, found: &mut Vec<Verdict>) {
        let facet =
            |fact: Option<&Fact>, key: &str| fact.and_then(|it| it.facets.get(key).cloned());
        let keys: BTreeSet<_> = before.facets.keys().chain(after.facets.keys()).collect();
        for key in keys {
            let (old, new) = (facet(Some(before), key), facet(Some(after), key));
            if old == new {
                continue;
            }
            let none = || "none".to_owned();
            let what = format!(
                "{key}: {} becomes {}",
                old.unwrap_or_else(none),
                new.unwrap_or_else(none)
            );
            if self.is_checked_by_hand(key, after) {
                found.push(Verdict {
                    stands: true,
                    ..verdict(
                        format!("{what}; octoseal checks this by hand"),
                        Breaks::Octoseal,
                    )
                });
                continue;
            }
            if is_unread(key) {
                found.push(Verdict {
                    stands: true,
                    ..verdict(format!("{what}; not read"), self.octoseal())
                });
                continue;
            }
            let (old, new) = self.generated;
            let kept = key != DEPRECATED
                && !self.harmless
                && facet(old, key) != facet(new, key)
                && !matches!(self.area(), Area::Call);
            let breaks = if kept {
                self.octoseal()
            } else {
                Breaks::Nobody
            };
            found.push(verdict(what, breaks));
        }
    }

    /// Whose code a change of the type breaks.
    fn breaks_of_retyping(&self, before: &Fact, after: &Fact) -> Breaks {
        let ours = match self.area() {
            Area::Call => true,
            Area::Parameter(..) => self.is_passed(before) || self.is_passed(after),
            Area::Body => self.is_written(),
            Area::Reply(_) => self.is_root() || self.is_read(),
        };
        if ours {
            self.octoseal()
        } else {
            Breaks::LowLevel
        }
    }

    /// Whose code breaks where replies come or go: together they are what the method gives.
    fn breaks_of_other_replies(&self) -> Breaks {
        match (self.harmless, self.usage.called_by_name) {
            (true, _) => Breaks::Nobody,
            (false, true) => Breaks::Octoseal,
            // What the dispatch could not follow is refused.
            (false, false) => Breaks::LowLevel,
        }
    }

    /// The verdict, standing if a part of a reply that `octoseal` needs is concerned.
    fn standing(&self, verdict: Verdict) -> Verdict {
        let stands = verdict.breaks == Breaks::Octoseal && self.is_needed();
        Verdict { stands, ..verdict }
    }

    /// Whether `octoseal` reads this part of a reply, or needs it.
    fn is_read(&self) -> bool {
        self.is_needed() || self.property().is_some_and(self.usage.reads)
    }

    /// Whether `octoseal` needs this part of a reply.
    fn is_needed(&self) -> bool {
        self.is_success()
            && self
                .property()
                .is_some_and(|name| (self.usage.needs)(self.component, name))
    }

    /// Whether this is a success whose status `octoseal` reads.
    fn tells_what_was_done(&self) -> bool {
        self.usage.told_by_status && self.is_root() && self.is_success()
    }

    fn is_success(&self) -> bool {
        matches!(self.area(), Area::Reply(status) if status.starts_with('2'))
    }

    /// Whether a limit, as it is now, is one that `octoseal` checks or keeps by hand: of names, of sealed values and
    /// their keys, of pages.
    fn is_checked_by_hand(&self, key: &str, now: &Fact) -> bool {
        const LARGEST_PAGE: f64 = 100.0;
        let Some(limit) = now.facets.get(key).filter(|_| self.usage.used) else {
            return false;
        };
        let of_text = matches!(key, "pattern" | "minLength" | "maxLength");
        match self.area() {
            Area::Parameter(kind, _) if kind == "path" => of_text,
            Area::Parameter(_, name) if name == "per_page" && key == "maximum" => {
                limit.parse().is_ok_and(|limit: f64| limit < LARGEST_PAGE)
            }
            Area::Body => of_text && matches!(self.property(), Some("encrypted_value" | "key_id")),
            _ => false,
        }
    }

    /// Whether `octoseal` writes this part of a body.
    fn is_written(&self) -> bool {
        self.property().is_none_or(self.usage.writes)
    }

    /// Whether `octoseal` passes this argument, and not `None`.
    fn is_passed(&self, fact: &Fact) -> bool {
        match self.area() {
            Area::Parameter(kind, name) => kind == "path" || fact.required || is_of_pages(name),
            _ => false,
        }
    }

    fn octoseal(&self) -> Breaks {
        if self.usage.used {
            Breaks::Octoseal
        } else {
            Breaks::LowLevel
        }
    }

    fn area(&self) -> &Area {
        &self.position.0
    }

    fn is_root(&self) -> bool {
        self.position.1.is_empty()
    }

    fn is_property(&self) -> bool {
        self.position.1.last().is_some_and(|step| is_property(step))
    }

    /// The property that this is, or is an item of.
    fn property(&self) -> Option<&str> {
        let mut steps = self.position.1.iter().rev();
        steps.find(|step| is_property(step)).map(String::as_str)
    }
}

/// Whether a parameter of this name says which part of a list is wanted.
fn is_of_pages(name: &str) -> bool {
    matches!(name, "page" | "per_page")
}

/// Whether a facet is a fact that the machine does not read: those are told with their place.
fn is_unread(key: &str) -> bool {
    key.starts_with('`')
}

fn verdict(what: impl Into<String>, breaks: Breaks) -> Verdict {
    Verdict {
        what: what.into(),
        breaks,
        stands: false,
    }
}

/// Whether a call is answered without a body.
fn is_head(call: &str) -> bool {
    call.starts_with("HEAD /")
}

/// The parameters of a path, in order.
fn holes(call: &str) -> Vec<&str> {
    call.split('/')
        .filter(|piece| piece.starts_with('{'))
        .collect()
}
