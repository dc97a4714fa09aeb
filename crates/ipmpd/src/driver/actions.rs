//! Carrying out what the engine asks for. Nothing here waits.

use ipmp_core::{Action, Event, Notice};

use super::Driver;

impl Driver {
    /// Carries out one action, and gives what the engine is to know of it at once.
    pub(super) fn carry_out(&mut self, action: Action) -> Option<Event> {
        let outside = &mut self.outside;
        match action {
            Action::OpenProber(spec) => {
                let error = outside.prober.open(&spec).err()?;
                let (member, family) = (spec.member.clone(), spec.family());
                return Some(Event::ProberFailed { member, family, reason: error.to_string() });
            }
            Action::CloseProber { member, family } => outside.prober.close(&member, family),
            // What could not be asked is not answered, and asked again.
            Action::Discover { member, source } => drop(outside.prober.discover(&member, source)),
            Action::CheckAddresses(checks) => outside.prober.check_addresses(&checks),
            Action::Probed(report) => outside.probes.show(report),
            Action::SendProbe { probe, member, target, length } => {
                let sent = outside.prober.send(probe, &member, target, length);
                return Some(Event::ProbeSent { probe, sent });
            }
            Action::Apply(transaction) => {
                self.in_flight += 1;
                outside.mover.apply(transaction);
            }
            Action::Announce(announcements) => outside.mover.announce(announcements),
            Action::AskLinks(links) => outside.watcher.ask(&links),
            Action::Resync => outside.watcher.resync(),
            Action::Remember(memory) => {
                if let Err(error) = outside.runtime_dir.remember(&memory) {
                    let file = outside.runtime_dir.memory_file().display().to_string();
                    outside.log.notice(Notice::MemoryNotWritten { file, reason: error.to_string() });
                }
            }
            Action::Notify(notice) => {
                self.stale = true;
                self.configure.note(&notice);
                outside.log.notice(notice);
            }
            Action::Answer { request, result } => {
                if let Some(answer) = self.asked.remove(&request) {
                    // A client that has gone has no use for it.
                    let _ = answer.send(result);
                }
            }
        }
        None
    }
}
