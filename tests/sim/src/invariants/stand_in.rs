//! Two members that have nobody but each other to probe cannot tell which of them is dead: neither is failed for it.

use ipmp_core::Notice;
use ipmp_core::notice::Reason;
use ipmp_core::status::TargetMode;

use super::{Rule, Scene, Violation};

/// The administrator is told something: is a member of two failed for what the other one did not answer?
pub(super) fn notified(notice: &Notice, scene: &Scene) -> Result<(), Violation> {
    let Notice::InterfaceFailed { interface, group, reason: Reason::ProbesLost { .. } } = notice else { return Ok(()) };
    let status = scene.daemon.engine().map(|engine| engine.status(scene.now)).unwrap_or_default();
    let Some(group) = status.groups.iter().find(|shown| shown.name == *group) else { return Ok(()) };
    let Some(member) = group.members.iter().find(|member| member.interface == *interface) else { return Ok(()) };
    let only =
        !member.probing.is_empty() && member.probing.iter().all(|probing| probing.mode == TargetMode::Transitive);
    if only && group.members.len() <= 2 {
        let what = format!("{interface} is failed, and there was nobody but the other member to ask");
        return Err(scene.violation(Rule::StandInsTellNothing, what));
    }
    Ok(())
}
