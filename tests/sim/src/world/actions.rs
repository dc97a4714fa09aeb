//! What becomes of what the core asks for: probes on the wire, changes in the kernel, and what comes back.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{
    Action, AddressCheck, Change, Event, Family, IfName, Mac, Means, Outcome, ProbeId, Prober, ReplyFault,
};

use super::{Happening, World, scene};
use crate::daemon::Process;
use crate::invariants::Violation;
use crate::network::Question;
use crate::site::{self, Port};

/// The kernel looks so long for duplicates of an address at most (RFC 4862, section 5.4.2).
pub const DUPLICATES_SOUGHT: Duration = Duration::from_secs(2);

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
            Action::CheckAddresses(list) => self.check_addresses(list)?,
            // Shown to those who watch; nobody does.
            Action::Probed(_) => {}
            Action::Apply(transaction) => {
                self.checks.before_transaction(&self.scene(), &transaction)?;
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
        let usable = |address: IpAddr| {
            self.kernel.addresses.iter().any(|(key, info)| key.address.addr() == address && !info.tentative)
        };
        let bindable = match prober.means {
            Means::Icmp(source) => usable(source),
            Means::Arp(_) | Means::Ndp(..) => true,
        };
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
            self.checks.prober_opened(&key.0, key.1, self.now);
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
        self.checks.probed(
            &member,
            Family::of(target),
            (probe, sent),
            length.is_some(),
            refusal.is_some(),
            &self.daemon.config,
        );
        let outcome = refusal.map_or(Ok(sent), |reason| Err(reason.to_owned()));
        self.arrive(Event::ProbeSent { probe, sent: outcome }, Duration::from_micros(20));
        if let (Some(port), None) = (on_the_wire, refusal) {
            let life = self.daemon.life;
            let means = self.daemon.probers[&(member.clone(), Family::of(target))].means;
            let question = match means {
                Means::Icmp(_) => Question::Echo(length),
                Means::Arp(_) | Means::Ndp(..) => Question::Neighbour,
            };
            let answers = match (self.other_holder(port, target), question) {
                (Some(other), Question::Neighbour) => self.network.between(self.now, port, other, target),
                // An echo request to an address of this host does not leave it.
                (Some(_), Question::Echo(_)) => [None; 2],
                (None, _) => self.network.request(self.now, port, target, question),
            };
            for answer in answers.into_iter().flatten() {
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
        let echo = matches!(self.daemon.probers[&(member.clone(), family)].means, Means::Icmp(_));
        let fault = match corrupt {
            true => Some(if echo { ReplyFault::Corrupt } else { ReplyFault::Malformed }),
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
        let own = self.kernel.has_address(prober.index, source);
        let segment = site::segment_of(source).or_else(|| self.segment_of_member(&member));
        let (Some(port), Some(segment), true) = (port, segment, own) else { return };
        let life = self.daemon.life;
        for (address, after) in self.network.discover(self.now, port, segment, source) {
            let member = member.clone();
            self.queue_at(self.now + after, Happening::Presence { life, member, port, address });
        }
    }

    pub(super) fn presence(&mut self, member: IfName, port: Port, address: IpAddr) -> Result<(), Violation> {
        let arrives =
            self.comes_in(&member, Family::of(address), port) && self.network.answer_arrives(self.now, port, address);
        if arrives { self.arrived(Event::Discovered { member, address }) } else { Ok(()) }
    }

    /// Whether what comes in at a port now reaches the probe socket of a member: the prober must be what the
    /// neighbours take it for.
    fn comes_in(&self, member: &IfName, family: Family, port: Port) -> bool {
        let Some(prober) = self.daemon.probers.get(&(member.clone(), family)) else { return false };
        let awake = !matches!(self.daemon.process, Process::Stalled { machine: true, .. });
        let Some(link) = self.kernel.index_of(port).map(|index| &self.kernel.links[&index]) else { return false };
        let has = |source: IpAddr| {
            let mut here = self.kernel.addresses_of(link.index).filter(|(key, _)| key.address.addr() == source);
            here.any(|(_, info)| !info.tentative)
        };
        let known = match prober.means {
            Means::Icmp(source) => has(source),
            Means::Arp(mac) => link.mac == Some(mac),
            Means::Ndp(mac, source) => link.mac == Some(mac) && has(source.into()),
        };
        awake && link.usable() && prober.index == link.index && known
    }

    /// Another port at which an address of this host is answered for.
    fn other_holder(&self, than: Port, address: IpAddr) -> Option<Port> {
        (0..site::PORTS).map(Port).filter(|port| *port != than).find(|port| {
            let link = self.kernel.index_of(*port).map(|index| &self.kernel.links[&index]);
            link.is_some_and(|link| link.usable() && self.kernel.has_address(link.index, address))
        })
    }

    /// The segment that the group of a member is in, or that it has an address of.
    fn segment_of_member(&self, member: &IfName) -> Option<u8> {
        let groups = &self.daemon.config.groups;
        let group = groups.iter().find(|group| group.members.iter().any(|of| of.interface == *member));
        let own = || {
            let index = self.kernel.link_named(member)?.index;
            self.kernel.addresses_of(index).find_map(|(key, _)| site::segment_of(key.address.addr()))
        };
        group.map(crate::invariants::segment).or_else(own)
    }

    /// Asks once for each address whether somebody has it.
    fn check_addresses(&mut self, list: Vec<AddressCheck>) -> Result<(), Violation> {
        self.checks.before_checks(&scene(&self.daemon, &self.kernel, &self.network, self.now), &list)?;
        self.daemon.checking = list.clone();
        for AddressCheck { index, mac, address } in list {
            let link = self.kernel.links.get(&index).filter(|link| link.usable() && link.mac == Some(mac));
            let Some(port) = link.and_then(|link| self.kernel.port_of(link.index)) else { continue };
            if let Some((by, after)) = self.network.claim(self.now, port, address) {
                self.claim_later(address, port, by, after);
            }
            if let Some(other) = self.other_holder(port, address)
                && let Some(answer) = self.network.between(self.now, port, other, address)[0]
                && let Some(by) = self.kernel.index_of(other).and_then(|index| self.kernel.links[&index].mac)
            {
                self.claim_later(address, port, by, answer.after);
            }
        }
        Ok(())
    }

    fn claim_later(&mut self, address: IpAddr, port: Port, by: Mac, after: Duration) {
        let life = self.daemon.life;
        self.queue_at(self.now + after, Happening::Claim { life, address, port, by });
    }

    /// A host that has just taken an address tells everybody.
    pub fn stranger_comes(&mut self, address: IpAddr, by: Mac) {
        self.network.set_stranger(address, Some(by));
        let ports = self.daemon.checking.iter().filter(|check| check.address == address);
        let ports: Vec<Port> = ports.filter_map(|check| self.kernel.port_of(check.index)).collect();
        for port in ports {
            if let Some((by, after)) = self.network.claim(self.now, port, address) {
                self.claim_later(address, port, by, after);
            }
        }
    }

    /// What somebody says of an address that he has comes to a port.
    pub(super) fn claimed(&mut self, address: IpAddr, port: Port, by: Mac) -> Result<(), Violation> {
        let listens = |check: &AddressCheck| {
            check.address == address && check.mac != by && self.kernel.index_of(port) == Some(check.index)
        };
        let listening = self.daemon.checking.iter().any(listens);
        let linked = self.kernel.index_of(port).is_some_and(|index| self.kernel.links[&index].usable());
        let awake = !matches!(self.daemon.process, Process::Stalled { machine: true, .. });
        if listening && linked && awake && self.network.answer_arrives(self.now, port, address) {
            return self.arrived(Event::AddressTaken { address, by });
        }
        Ok(())
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
        for key in self.kernel.unproven() {
            let when = self.now + self.chance.span(DUPLICATES_SOUGHT / 2, DUPLICATES_SOUGHT);
            self.queue_at(when, Happening::Proven(key));
        }
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
