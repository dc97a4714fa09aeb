//! Every order of events in small groups, to a bounded depth: two and three members, one of them standby, each
//! event followed by the next at once or when all has settled.
//!
//! A state is what the world does to the group, and what the engine makes of it, without moments and counts;
//! one that was seen before is not looked at again. The checkers judge every moment on the way, and `rest`
//! every state at rest.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ipmp_core::Damping;
use ipmp_core::status::{MemberState, MemberStatus};
use ipmp_sim::rest;
use ipmp_sim::stage::{Stage, group};
use ipmp_sim::table::{Happens, shown};
use ipmp_sim::trace::Keep;
use ipmp_sim::world::World;

const FDT: Duration = Duration::from_millis(140);

/// Long enough for a detection, a repair, a move, and the kernel's late notices.
const SETTLES: Duration = Duration::from_millis(1_500);

/// Where something is not at rest by then, it may wait for a quiet period.
const SETTLES_LATE: Duration = Duration::from_secs(45);

/// A world at rest, the story that led there, and what was switched by it.
struct Node {
    world: World,
    story: Vec<String>,
    switched: Vec<bool>,
}

/// What the switch of that number does to a group when it is put `on`: three for each member, two for all.
fn happens(members: usize, switch: usize, on: bool) -> Happens {
    match (switch.checked_sub(members * 3), switch % 3) {
        (Some(0), _) => Happens::Dark(on),
        (Some(_), _) => Happens::Failback(!on),
        (None, 0) => Happens::Link(switch / 3, !on),
        (None, 1) => Happens::Path(switch / 3, !on),
        (None, _) => Happens::Service(switch / 3, !on),
    }
}

impl Node {
    /// A group that works, with standbys where it says so.
    fn begin(standbys: &[bool]) -> Self {
        let mut config = group(standbys.len() as u8 + 1, standbys.len() as u8, FDT);
        config.detection.damping = Damping { suspend: u32::MAX, ..Damping::default() };
        for (member, standby) in config.members.iter_mut().zip(standbys) {
            member.standby = *standby;
        }
        let stage = Stage::on(1, config, Keep::Nothing, |_| {});
        Self { world: stage.0, story: Vec::new(), switched: vec![false; standbys.len() * 3 + 2] }
    }

    /// The same after one switch more, with no time to do anything about it.
    fn switch(&self, switch: usize) -> Self {
        let mut switched = self.switched.clone();
        switched[switch] ^= true;
        let happens = happens((switched.len() - 2) / 3, switch, switched[switch]);
        let mut stage = Stage(self.world.fork());
        happens.to(&mut stage);
        let story = self.story.iter().cloned().chain([format!("{happens:?}")]).collect();
        Self { world: stage.0, story, switched }
    }

    /// Lets everything come to rest, and looks whether all is as it must be.
    fn rest(self) -> Self {
        let Self { world, mut story, mut switched } = self;
        story.push("rest".to_owned());
        let mut stage = Stage(world);
        for span in [SETTLES, SETTLES_LATE] {
            if let Err(violation) = stage.run_for(span) {
                panic!("{story:?}\n{violation}");
            }
            if rest::faults(&stage).is_empty() {
                break;
            }
        }
        let faults = rest::faults(&stage);
        assert!(faults.is_empty(), "{story:?}\n{}", faults.join("\n"));
        // What was refused was not switched.
        for (i, member) in stage.group_status().members.iter().enumerate() {
            switched[i * 3 + 2] = member.state == MemberState::Offline;
        }
        stage.forget();
        Self { world: stage.0, story, switched }
    }

    /// What tells a state from others.
    fn fingerprint(&self) -> String {
        let stage = Stage(self.world.fork());
        let group = stage.group_status();
        let load = |member: &MemberStatus| {
            group.addresses.iter().filter(|address| address.inbound.as_ref() == Some(&member.interface)).count()
        };
        let reason = |member: &MemberStatus| std::mem::discriminant(&member.reason);
        let members: Vec<_> = group.members.iter().map(|member| (load(member), reason(member))).collect();
        format!("{:?} {:?} {:?} {members:?}", self.switched, group.state, shown(&group))
    }
}

struct Walk {
    seen: BTreeSet<String>,
    ways: usize,
}

impl Walk {
    /// All states at rest that are up to `depth` steps away. A step is one event and rest; of the first
    /// `hurried` steps, also two events at once and rest.
    fn everywhere(standbys: &[bool], depth: usize, hurried: usize) -> Self {
        let begin = Node::begin(standbys);
        let mut walk = Self { seen: BTreeSet::from([begin.fingerprint()]), ways: 0 };
        let mut frontier = vec![begin];
        for step in 0..depth {
            let mut next = Vec::new();
            for node in &frontier {
                let switches = 0..node.switched.len();
                for first in switches.clone().map(|switch| node.switch(switch)) {
                    if step < hurried {
                        switches.clone().for_each(|second| walk.visit(first.switch(second).rest(), &mut next));
                    }
                    walk.visit(first.rest(), &mut next);
                }
            }
            frontier = next;
        }
        walk
    }

    fn visit(&mut self, node: Node, next: &mut Vec<Node>) {
        self.ways += 1;
        if self.seen.insert(node.fingerprint()) {
            next.push(node);
        }
    }
}

fn walk(standbys: &[bool], depth: usize, hurried: usize, at_least: usize) {
    let begin = Instant::now();
    let walk = Walk::everywhere(standbys, depth, hurried);
    let (states, ways) = (walk.seen.len(), walk.ways);
    println!("{states} states of {} members, {ways} ways to them, in {:?}", standbys.len(), begin.elapsed());
    assert!(states >= at_least, "only {states} states were seen");
}

#[test]
fn two_members() {
    walk(&[false, false], 6, 1, 600);
}

#[test]
fn one_member_and_a_standby() {
    walk(&[false, true], 6, 1, 700);
}

#[test]
fn two_members_and_a_standby() {
    walk(&[false, false, true], 3, 1, 800);
}
