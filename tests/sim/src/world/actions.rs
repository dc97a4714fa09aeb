//! What becomes of what the core asks for: probes on the wire, changes in the kernel, and what comes back.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{Action, Change, Event, Family, IfName, Means, Outcome, ProbeId, Prober, ReplyFault};

use super::{Happening, World, scene};
use crate::daemon::Process;
use crate::invariants::Violation;
use crate::site::{self, Port};

impl World {
    pub(super) fn dispatch(&mut self, action: Action) -> Result<(), Violation> {
        let probe =
            matches!(action, Action::SendProbe { .. } | Action::Probed(_) | Action::AskLinks(_) | Action::Announce(_));
        self.trace.note(self.now, probe, format_args!("< {action:?}"));
        match action {
            Action::OpenProber(prober) => self.open_prober(prober),
            Action::CloseProber { member, family } => {
                self.daemon.probers.remove(&(member, family));
            }
            Action::SendProbe { probe, member, target, length } => self.send_probe(probe, member, target, length),
            Action::Discover { member, source } => self.discover(member, source),
            Action::CheckAddresses(_) => {}
            // Shown to those who watch; nobody does.
            Action::Probed(_) => {}
            Action::Apply(transaction) => {
                self.transactions.push((self.now, transaction.clone()));
                if self.daemon.mover.take(self.now, transaction) {
                    let life = self.daemon.life;
                    let begins = self.now + self.weather.slowness + self.latency();
                    self.queue_at(begins, Happening::Mover(life));
                }
            }
            // Never answered, and nobody in this world listens to a repetition.
            Action::Announce(_) => {}
            Action::AskLinks(indices) => indices.into_iter().for_each(|index| self.kernel.ask(index)),
            Action::Resync => self.dump(),
            Action::Remember(memory) => self.daemon.remember(memory),
            Action::Notify(notice) => {
                self.checks.notified(&notice, &scene(&self.daemon, &self.kernel, &self.network, self.now))?;
                self.notices.push((self.now, notice));
            }
            Action::Answer { request, result } => {
                if let Some(command) = self.commands.get(&request) {
                    self.checks.answered(command, result.is_ok(), self.now);
                }
                self.answers.insert(request, result);
            }
        }
        self.carry_facts();
        Ok(())
    }

    fn open_prober(&mut self, prober: Prober) {
        let key = (prober.member.clone(), prober.family());
        let bindable = self.kernel.addresses.keys().any(|key| Means::Icmp(key.address.addr()) == prober.means);
        let reason = match self.kernel.links.get(&prober.index) {
            None => Some("No such device"),
            Some(_) if !bindable => Some("Cannot assign requested address"),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            self.daemon.probers.remove(&key);
            let event = Event::ProberFailed { member: key.0, family: key.1, reason: reason.to_owned() };
            self.arrive(event, Duration::from_micros(20));
        } else {
            self.checks.prober_opened(&key.0);
            self.daemon.probers.insert(key, prober);
        }
    }

    fn send_probe(&mut self, probe: ProbeId, member: IfName, target: IpAddr, length: Option<u16>) {
        let prober = self.daemon.probers.get(&(member.clone(), Family::of(target)));
        let link = prober.and_then(|prober| self.kernel.links.get(&prober.index));
        let refusal = match link {
            None => Some("No such device"),
            Some(link) if !link.up => Some("Network is down"),
            Some(link) if length.is_some_and(|length| u32::from(length) > link.mtu) => Some("Message too long"),
            Some(_) if self.chance.chance(self.weather.refuses_probes) => Some("No buffer space available"),
            Some(_) => None,
        };
        let on_the_wire = link.filter(|link| link.usable()).and_then(|link| self.kernel.port_of(link.index));
        let sent = self.now + Duration::from_micros(5);
        self.checks.probed(&member, (probe, sent), length.is_some(), refusal.is_some(), &self.daemon.config);
        let outcome = refusal.map_or(Ok(sent), |reason| Err(reason.to_owned()));
        self.arrive(Event::ProbeSent { probe, sent: outcome }, Duration::from_micros(20));
        if let (Some(port), None) = (on_the_wire, refusal) {
            let life = self.daemon.life;
            for answer in self.network.request(self.now, port, target, length).into_iter().flatten() {
                let (member, corrupt) = (member.clone(), answer.corrupt);
                self.queue_at(sent + answer.after, Happening::Answer { life, probe, member, port, target, corrupt });
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        probe: ProbeId,
        member: IfName,
        port: Port,
        target: IpAddr,
        corrupt: bool,
    ) -> Result<(), Violation> {
        let family = Family::of(target);
        if !self.comes_in(&member, family, port) || !self.network.answer_arrives(self.now, port, target) {
            return Ok(());
        }
        let fault = match corrupt {
            true => Some(ReplyFault::Corrupt),
            false => (!self.daemon.first_answer(probe)).then_some(ReplyFault::Duplicate),
        };
        self.arrived(match fault {
            None => Event::Reply { probe, received: self.now },
            Some(fault) => Event::BadReply { member, family, fault },
        })
    }

    fn discover(&mut self, member: IfName, source: IpAddr) {
        let Some(prober) = self.daemon.probers.get(&(member.clone(), Family::of(source))) else { return };
        let link = self.kernel.links.get(&prober.index).filter(|link| link.usable());
        let port = link.and_then(|link| self.kernel.port_of(link.index));
        let (Some(port), Some(segment)) = (port, site::segment_of(source)) else { return };
        let life = self.daemon.life;
        for (address, after) in self.network.discover(self.now, port, segment) {
            let member = member.clone();
            self.queue_at(self.now + after, Happening::Presence { life, member, port, address });
        }
    }

    pub(super) fn presence(&mut self, member: IfName, port: Port, address: IpAddr) -> Result<(), Violation> {
        let arrives =
            self.comes_in(&member, Family::of(address), port) && self.network.answer_arrives(self.now, port, address);
        if arrives { self.arrived(Event::Discovered { member, address }) } else { Ok(()) }
    }

    /// Whether what comes in at a port now reaches the probe socket of a member.
    fn comes_in(&self, member: &IfName, family: Family, port: Port) -> bool {
        let prober = self.daemon.probers.get(&(member.clone(), family));
        let index = self.kernel.index_of(port).filter(|index| self.kernel.links[index].usable());
        let awake = !matches!(self.daemon.process, Process::Stalled { machine: true, .. });
        awake && index.is_some() && prober.map(|prober| prober.index) == index
    }

    /// The mover carries out one change.
    pub(super) fn move_on(&mut self) -> Result<(), Violation> {
        if let Process::Stalled { until, .. } = self.daemon.process {
            // It goes on when the process does.
            self.queue_at(until, Happening::Mover(self.daemon.life));
            return Ok(());
        }
        let mut pause = self.latency() / 4;
        match self.daemon.mover.upcoming() {
            Some((asked, change)) => {
                let before = scene(&self.daemon, &self.kernel, &self.network, self.now);
                self.checks.before_change(&before, &change, asked)?;
                let outcome = self.try_change(&change, &mut pause);
                self.daemon.mover.tried(&change, outcome);
                self.queue_at(self.now + pause, Happening::Mover(self.daemon.life));
            }
            None => {
                if let Some(done) = self.daemon.mover.finish() {
                    self.carry_facts();
                    self.tell(done);
                }
                if !self.daemon.mover.idle() {
                    self.queue_at(self.now + pause, Happening::Mover(self.daemon.life));
                }
            }
        }
        Ok(())
    }

    fn try_change(&mut self, change: &Change, pause: &mut Duration) -> Outcome {
        let refused = if self.chance.chance(self.weather.refuses) {
            Err("Cannot allocate memory".to_owned())
        } else {
            self.kernel.carry_out(change)
        };
        *pause += self.weather.slowness;
        let outcome = match refused {
            Ok(()) if self.chance.chance(self.weather.loses_acks) => {
                *pause += Duration::from_secs(2);
                Outcome::Refused("no answer within 2 s".to_owned())
            }
            Ok(()) => Outcome::Done,
            Err(reason) => Outcome::Refused(reason),
        };
        self.trace.note(self.now, false, format_args!("= {change:?}: {outcome:?}"));
        if let Outcome::Refused(_) = outcome {
            self.checks.refused(change, self.now + *pause, &self.kernel);
        }
        outcome
    }

    /// Carries what the kernel has to tell to the daemon, or loses it.
    pub(super) fn carry_facts(&mut self) {
        if self.kernel.facts.is_empty() {
            return;
        }
        let facts = std::mem::take(&mut self.kernel.facts);
        if self.chance.chance(self.weather.forgets) {
            self.checks.overrun(self.now);
            self.tell(Event::Overrun);
            self.dump();
        } else {
            facts.into_iter().for_each(|fact| self.tell(Event::Kernel(fact)));
        }
    }

    /// The watcher asks for everything anew, on its own after an overrun.
    fn dump(&mut self) {
        let when = self.now + self.latency() * 20;
        self.queue_at(when, Happening::Dump(self.daemon.life));
    }

    /// Tells the daemon something that must not overtake what was told before.
    pub(super) fn tell(&mut self, event: Event) {
        self.told = self.told.max(self.now + self.latency() / 10);
        self.queue_at(self.told, Happening::Arrival(self.daemon.life, event));
    }

    pub(super) fn arrive(&mut self, event: Event, after: Duration) {
        self.queue_at(self.now + after, Happening::Arrival(self.daemon.life, event));
    }

    fn latency(&mut self) -> Duration {
        self.chance.span_log(Duration::from_micros(100), Duration::from_millis(10))
    }
}
