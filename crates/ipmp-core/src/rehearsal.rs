//! What would happen: a copy of the engine plays it through on a copy of the kernel that obeys at once. Nothing is
//! touched, and nothing is decided here: the rules are those of the engine itself.

mod obey;
mod words;

use std::collections::VecDeque;

use crate::action::Action;
use crate::config::Config;
use crate::engine::Engine;
use crate::event::{Event, Outcome};
use crate::id::IfName;
use crate::kernel::{Fact, Kernel, Route};
use crate::status::Status;
use crate::time::Instant;

pub use obey::obey;

/// Most transactions of a rehearsal: far more than any configuration takes, so that what would never end is cut.
const TRANSACTIONS_MAX: usize = 1024;

/// What is supposed to happen.
#[derive(Clone, Debug)]
pub enum Supposition {
    /// The configuration becomes this. Nobody else has its addresses.
    Configured(Box<Config>),
    /// These interfaces lose their link.
    Failed(Vec<IfName>),
}

/// What would come of it.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// Every change to the kernel, in order, as a phrase.
    pub changes: Vec<String>,
    /// Everything as it would be.
    pub status: Status,
    /// Our routes as they would be.
    pub routes: Vec<Route>,
    /// The kernel as it would be, which names the interfaces of the routes.
    pub kernel: Kernel,
}

impl Engine {
    /// Plays through what would happen now.
    pub fn rehearse(&self, supposition: Supposition, now: Instant) -> Rehearsal {
        let mut stage = Stage { engine: self.at_rest(), kernel: self.kernel().clone(), changes: Vec::new() };
        match supposition {
            Supposition::Configured(config) => stage.feed(Event::Configured(*config), now),
            Supposition::Failed(names) => {
                for name in names {
                    let link = stage.kernel.link_named(&name).cloned();
                    if let Some(mut link) = link {
                        (link.carrier, link.carrier_downs) = (false, link.carrier_downs.wrapping_add(1));
                        stage.kernel.learn(Fact::Link(link.clone()));
                        stage.feed(Event::Kernel(Fact::Link(link)), now);
                    }
                }
            }
        }
        for _ in 0..TRANSACTIONS_MAX {
            if !stage.engine.suppose_addresses_free() {
                break;
            }
            stage.feed(Event::Overrun, now);
        }
        let routes = stage.kernel.routes.values().filter(|route| route.key.ours).cloned().collect();
        Rehearsal { changes: stage.changes, status: stage.engine.status(now), routes, kernel: stage.kernel }
    }
}

struct Stage {
    engine: Engine,
    kernel: Kernel,
    changes: Vec<String>,
}

impl Stage {
    /// Something happens, and all that follows at once from it.
    fn feed(&mut self, event: Event, now: Instant) {
        let (mut events, mut actions) = (VecDeque::from([event]), Vec::new());
        let mut transactions = 0;
        while let Some(event) = events.pop_front() {
            self.engine.step(now, event, &mut actions);
            for action in actions.drain(..) {
                let Action::Apply(transaction) = action else { continue };
                transactions += 1;
                if transactions > TRANSACTIONS_MAX {
                    return;
                }
                for change in &transaction.changes {
                    self.changes.push(words::phrase(change, &self.kernel));
                    events.extend(obey(&mut self.kernel, change).into_iter().map(Event::Kernel));
                }
                let outcomes = vec![Outcome::Done; transaction.changes.len()];
                events.push_back(Event::Changed { transaction: transaction.id, outcomes });
            }
        }
    }
}
