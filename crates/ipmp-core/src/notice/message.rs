//! The table of all messages: what each is called, how grave it is, and its sentence.
//!
//! Knows nothing of logs: journal, text and JSON are renderings of what is here. `docs/messages.md`
//! holds the same table for people, and a test compares the two.

use std::borrow::Cow;
use std::time::Duration;

use super::{Level, Notice};

/// One documented message. Name, id and sentence are fixed for ever: alerts match on them.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The event's name.
    pub event: &'static str,
    /// How grave it is.
    pub level: Level,
    /// The journal's `MESSAGE_ID`: a random UUID (RFC 9562, version 4) of 32 hexadecimal digits.
    pub id: &'static str,
    /// The sentence, with the names of fields in braces where their values go.
    pub sentence: &'static str,
    /// The names of all fields, in the order of [`Notice::fields`].
    pub fields: &'static [&'static str],
}

/// A field of a notice: its name and its value as text.
pub type Field = (&'static str, String);

macro_rules! messages {
    ($($name:ident = $level:ident, $event:literal, $id:literal, $sentence:literal, [$($field:literal),*];)*) => {
        $(const $name: Message = Message {
            event: $event,
            level: Level::$level,
            id: $id,
            sentence: $sentence,
            fields: &[$($field),*],
        };)*

        /// Every message, in the order of the documentation.
        pub const MESSAGES: &[Message] = &[$($name),*];
    };
}

messages! {
    LINK_DOWN = Warning, "link_down", "ff63ba0d10ed42069effe5d8633f1bc3",
        "The link has gone down on {interface}", ["interface", "group", "reason"];
    LINK_UP = Notice, "link_up", "cb3da388c3d044d1950e13ad28d75b6e",
        "The link has come up on {interface}", ["interface", "group"];
    LINK_FLAPPING = Warning, "link_flapping", "306de42365684be585e2608007acbf22",
        "The link has come up on {interface} more than {limit} times in the last minute; disabling repair until it stabilizes",
        ["interface", "group", "limit"];
    INTERFACE_FAILED = Error, "interface_failed", "94f469c9ce464350ac6a28e55a3e0247",
        "IP interface failure detected on {interface} of group {group}", ["interface", "group", "reason"];
    INTERFACE_REPAIRED = Notice, "interface_repaired", "90b5dff8ac4f44e1a74f8452b61d30fd",
        "IP interface repair detected on {interface} of group {group}", ["interface", "group", "reason"];
    GROUP_FAILED = Critical, "group_failed", "b05bba56e9684dabbaf0c3f9f7933ac8",
        "All IP interfaces in group {group} are now unusable", ["group", "interface", "reason"];
    GROUP_RECOVERED = Notice, "group_recovered", "6cee3f6dcb1b4609b54835998f479e0d",
        "At least 1 IP interface ({interface}) in group {group} is now usable", ["group", "interface"];
    ADDRESS_MOVED = Notice, "address_moved", "370d6d73fd5e481f9e670658dd4ec260",
        "Data address {address} moved from {from} to {to}", ["group", "address", "from", "to"];
    ADDRESS_BOUND = Notice, "address_bound", "3379aff41e4e4d77baac1db521485920",
        "Data address {address} is now on {to}", ["group", "address", "to"];
    STANDBY_ACTIVATED = Notice, "standby_activated", "7c6a61d6e86441dba6f6f8e10feb694c",
        "Idle interface {interface} of group {group} has been activated", ["interface", "group"];
    STANDBY_DEACTIVATED = Notice, "standby_deactivated", "b4449d5d2e204d59a58ce3b1b2813062",
        "Interface {interface} of group {group} has been deactivated and is idle", ["interface", "group"];
    TARGET_DEAD = Warning, "target_dead", "de7e2071965c47d880896bf56bdccf9d",
        "Target {target} does not answer on {interface} of group {group}, while others do",
        ["interface", "group", "target"];
    TEST_ADDRESS_MISSING = Info, "test_address_missing", "21e31fedce494fb087bd83455c89d812",
        "No test address configured on interface {interface}; disabling probe-based failure detection on it",
        ["interface", "group"];
    TEST_ADDRESS_CONFIGURED = Notice, "test_address_configured", "b45f3021ea3a448898b7b0a44e4e4e28",
        "Test address now configured on interface {interface}; enabling probe-based failure detection on it",
        ["interface", "group", "address"];
    TEST_ADDRESS_DUPLICATE = Error, "test_address_duplicate", "bfc0b37ca9d74a8a85194639403f5563",
        "Test address {address} is not unique: it is on {twin} too; disabling probe-based failure detection on {interface}",
        ["interface", "group", "address", "twin"];
    DUPLICATE_HWADDR = Error, "duplicate_hwaddr", "63f12ea40cde4b6fa5b899cdee34bf73",
        "The link on {interface} has a hardware address which is not unique in group {group}: {twin} has it too; taking it offline",
        ["interface", "group", "twin"];
    DUPLICATE_HWADDR_RESOLVED = Notice, "duplicate_hwaddr_resolved", "46856eea75d54f3e8509926358762bae",
        "The link on {interface} now has a unique hardware address in group {group}; bringing it online",
        ["interface", "group"];
    INHOMOGENEOUS = Error, "inhomogeneous", "9c7bdeb730504fbf865ddbba7de83df7",
        "Interface {interface} in group {group} has no {family}, which others have; connectivity may be affected",
        ["interface", "group", "family"];
    HOMOGENEOUS = Notice, "homogeneous", "46c3060417e448958986b8506a64cd2a",
        "Interface {interface} is now consistent with group {group}", ["interface", "group"];
    FDT_RAISED = Warning, "fdt_raised", "1560c6529a0d4476ad4ba4fc8ffd1c73",
        "Cannot meet requested failure detection time of {wanted_ms} ms on ({family} {interface}) new failure detection time for group {group} is {fdt_ms} ms",
        ["interface", "group", "family", "wanted_ms", "fdt_ms"];
    FDT_IMPROVED = Notice, "fdt_improved", "f97e40d9fc3040e3857f3dca0da03c47",
        "Improved failure detection time {fdt_ms} ms on ({family} {interface}) for group {group}",
        ["interface", "group", "family", "fdt_ms"];
    FAMILY_FAILED = Error, "family_failed", "321c2f62c2224fb49fcc92a1c0c00368",
        "{family} has failed on {interface} of group {group}", ["interface", "group", "family", "reason"];
    FAMILY_REPAIRED = Notice, "family_repaired", "474fedb3604644efb774041ac2fa64ee",
        "{family} works again on {interface} of group {group}", ["interface", "group", "family", "reason"];
    ADDRESS_CONFLICT = Error, "address_conflict", "2e632fab6868450fa49b399193a1a393",
        "Data address {address} of group {group} is in use by the host with hardware address {by}; not using it",
        ["group", "address", "by"];
    ADDRESS_CONFLICT_OVER = Notice, "address_conflict_over", "485e37faa41c4ad3a2135a829988ea7a",
        "Data address {address} of group {group} is no longer in use by another host", ["group", "address"];
    FDT_LIMITED = Error, "fdt_limited", "107eb0788c604e75a6cdcdc51156183c",
        "Round trips of {rtt_ms} ms on ({family} {interface}) are too long even for the longest failure detection time allowed in group {group}, {limit_ms} ms; members that work may be taken for failed",
        ["interface", "group", "family", "limit_ms", "rtt_ms"];
    TARGET_SLOW = Notice, "target_slow", "61504c00215d46599db21746382a6af4",
        "Target {target} on {interface} of group {group} is much slower than the others; not probing it for a while",
        ["interface", "group", "target", "rtt_ms"];
    INTERFACE_DEGRADED = Warning, "interface_degraded", "4ad93ca1b02747ccb1726b1192125055",
        "IP interface {interface} of group {group} is degraded", ["interface", "group", "reason"];
    INTERFACE_IMPROVED = Notice, "interface_improved", "2f963e7382a14a3ba324c608072e7948",
        "IP interface {interface} of group {group} is no longer degraded", ["interface", "group"];
    INTERFACE_DRAINED = Notice, "interface_drained", "2d97f40e5a3c4c4594272fea32e69b58",
        "Degraded interface {interface} of group {group} is being emptied, because a better one exists",
        ["interface", "group", "reason"];
    INTERFACE_UNDRAINED = Notice, "interface_undrained", "09f9c6b4bdca482ba42917efb6fba59e",
        "Interface {interface} of group {group} carries data again", ["interface", "group"];
    REPAIR_SUSPENDED = Warning, "repair_suspended", "6b3c4f29f57f43269d3d11be096e4607",
        "IP interface {interface} of group {group} fails too often; disabling repair until its penalty of {penalty} has fallen below {reuse}, in {left_ms} ms",
        ["interface", "group", "penalty", "reuse", "left_ms"];
    FALSE_FAILURES_EXPECTED = Warning, "false_failures_expected", "3d548e3992774b3e984c9d42072bd521",
        "At the present loss of {percent} % on {interface}, about {per_year} times a year a member of group {group} that works will be taken for failed; a longer failure detection time or more targets would help",
        ["group", "interface", "percent", "per_year"];
    LOCAL_OVERLOAD = Warning, "local_overload", "b92f33f7ae914e7cbc3a38ab3890e77b",
        "This host is overloaded: a reply reached {interface} after {network_ms} ms and was read only after {total_ms} ms",
        ["interface", "network_ms", "total_ms"];
    OFFLINE = Notice, "offline", "8668922d5014448189c02ab522e7f020",
        "Interface {interface} of group {group} has been taken offline", ["interface", "group"];
    ONLINE = Notice, "online", "36f17a7105574774845f3afcc764cd5e",
        "Interface {interface} of group {group} has been brought back online", ["interface", "group"];
    INTERFACE_APPEARED = Notice, "interface_appeared", "684148443f174a2ea9ebbf5f5ec2a951",
        "Interface {interface} of group {group} has appeared", ["interface", "group"];
    HARDWARE_ADDRESS_CHANGED = Notice, "hardware_address_changed", "d082c0f17532489a89e1f3c4870ef3f8",
        "The hardware address of {interface} of group {group} has changed", ["interface", "group"];
    DAEMON_LATE = Warning, "daemon_late", "c6eb9515188b498d838b5cbbb13963b6",
        "The daemon did not run for {late_ms} ms; {void} outstanding probes do not count", ["late_ms", "void"];
    MENDED = Warning, "mended", "28717dad673c4086a3c946cf62c02c10",
        "Someone else removed {what}; putting it back", ["what"];
    CHANGE_REFUSED = Error, "change_refused", "eb882f6ccf2147d7bcce8c6bb803b913",
        "A change was refused: {what}; trying again in {retry_ms} ms", ["what", "retry_ms", "reason"];
    PROBER_FAILED = Error, "prober_failed", "32b2a8c966454571824af9e8b9ad0026",
        "Probes cannot be sent from {interface} of group {group}", ["interface", "group", "reason"];
    STARTED = Notice, "started", "65e1f5bb075943149660771452eac652",
        "ipmpd {version} has started", ["version"];
    READY = Notice, "ready", "a8f47a740ed24475b1de1692d04c1754",
        "ipmpd is ready: {status}", ["status"];
    STOPPING = Notice, "stopping", "78065d3c718f40a399a06c6b1db81b39",
        "ipmpd is stopping; addresses, routes and traffic stay as they are", [];
    RELOADED = Notice, "reloaded", "cf585f20cbdc48c4bba997a740721ce2",
        "The configuration has been reloaded from {file}", ["file"];
    RELOAD_REFUSED = Error, "reload_refused", "19ac4739f0b54a1f9aa93b4f06a0e326",
        "The configuration in {file} is refused; ipmpd runs on with what it had", ["file", "reason"];
    CONFIGURATION_CHANGED = Notice, "configuration_changed", "9d84986fd1b04914bc7a50a8c5061b1b",
        "The configuration was changed: {what}", ["what"];
    CHANGE_UNDONE = Error, "change_undone", "c929a0edcf414b39852f78c828e4c8c0",
        "A change of the configuration did not come into force and is undone: {what}", ["what", "reason"];
    CHANGE_REVERTED = Warning, "change_reverted", "1a42732ff70048da87bf01958c0dab4d",
        "A change of the configuration is reverted: {what}", ["what", "reason"];
    CONFIG_ERROR = Error, "config_error", "b9a867b4e77c411a90335701409763c7",
        "Configuration: {finding}", ["finding"];
    CONFIG_WARNING = Warning, "config_warning", "f50d12270530424ea7f81333c343df12",
        "Configuration: {finding}", ["finding"];
    OVERRUN = Warning, "overrun", "ca960d5481c44ca88cafe7c1e532fd2a",
        "Notifications of the kernel were lost; reading everything again", [];
    MEMORY_IGNORED = Warning, "memory_ignored", "1efaeea2df21478eb65a2b9f249f89ee",
        "What the last run remembered in {file} cannot be used and is ignored", ["file", "reason"];
    MEMORY_NOT_WRITTEN = Error, "memory_not_written", "3c0622fc1e8b4778881838dfeab76745",
        "What the next start needs cannot be written to {file}", ["file", "reason"];
    LOG_LINES_DROPPED = Warning, "log_lines_dropped", "66ec9431b4674f96aa7fb9838fae7522",
        "The log did not keep up: {count} lines have been dropped", ["count"];
    HOOK_FAILED = Warning, "hook_failed", "9b1381f9ba3f44af8701092b182e2704",
        "Hook {hook} failed on {on}", ["hook", "on", "reason"];
    HOOK_REFUSED = Error, "hook_refused", "24c16c85e64542608b46b14682300031",
        "Hook {hook} is not run", ["hook", "reason"];
    HOOKS_LATE = Warning, "hooks_late", "cf75c4f3558545adadd0c164a8ec25e8",
        "Hooks did not keep up: they have not been run on {count} events", ["count"];
}

impl Notice {
    /// Its row of the table.
    pub fn message(&self) -> &'static Message {
        match self {
            Notice::LinkDown { .. } => &LINK_DOWN,
            Notice::LinkUp { .. } => &LINK_UP,
            Notice::LinkFlapping { .. } => &LINK_FLAPPING,
            Notice::InterfaceFailed { .. } => &INTERFACE_FAILED,
            Notice::InterfaceRepaired { .. } => &INTERFACE_REPAIRED,
            Notice::GroupFailed { .. } => &GROUP_FAILED,
            Notice::GroupRecovered { .. } => &GROUP_RECOVERED,
            Notice::AddressMoved { from: Some(_), .. } => &ADDRESS_MOVED,
            Notice::AddressMoved { from: None, .. } => &ADDRESS_BOUND,
            Notice::StandbyActivated { .. } => &STANDBY_ACTIVATED,
            Notice::StandbyDeactivated { .. } => &STANDBY_DEACTIVATED,
            Notice::TargetDead { .. } => &TARGET_DEAD,
            Notice::TestAddressMissing { .. } => &TEST_ADDRESS_MISSING,
            Notice::TestAddressConfigured { .. } => &TEST_ADDRESS_CONFIGURED,
            Notice::TestAddressDuplicate { .. } => &TEST_ADDRESS_DUPLICATE,
            Notice::DuplicateHwaddr { .. } => &DUPLICATE_HWADDR,
            Notice::DuplicateHwaddrResolved { .. } => &DUPLICATE_HWADDR_RESOLVED,
            Notice::Inhomogeneous { .. } => &INHOMOGENEOUS,
            Notice::Homogeneous { .. } => &HOMOGENEOUS,
            Notice::FdtRaised { .. } => &FDT_RAISED,
            Notice::FdtImproved { .. } => &FDT_IMPROVED,
            Notice::FamilyFailed { .. } => &FAMILY_FAILED,
            Notice::FamilyRepaired { .. } => &FAMILY_REPAIRED,
            Notice::AddressConflict { .. } => &ADDRESS_CONFLICT,
            Notice::AddressConflictOver { .. } => &ADDRESS_CONFLICT_OVER,
            Notice::FdtLimited { .. } => &FDT_LIMITED,
            Notice::TargetSlow { .. } => &TARGET_SLOW,
            Notice::InterfaceDegraded { .. } => &INTERFACE_DEGRADED,
            Notice::InterfaceImproved { .. } => &INTERFACE_IMPROVED,
            Notice::InterfaceDrained { .. } => &INTERFACE_DRAINED,
            Notice::InterfaceUndrained { .. } => &INTERFACE_UNDRAINED,
            Notice::RepairSuspended { .. } => &REPAIR_SUSPENDED,
            Notice::FalseFailuresExpected { .. } => &FALSE_FAILURES_EXPECTED,
            Notice::LocalOverload { .. } => &LOCAL_OVERLOAD,
            Notice::Offline { .. } => &OFFLINE,
            Notice::Online { .. } => &ONLINE,
            Notice::InterfaceAppeared { .. } => &INTERFACE_APPEARED,
            Notice::HardwareAddressChanged { .. } => &HARDWARE_ADDRESS_CHANGED,
            Notice::DaemonLate { .. } => &DAEMON_LATE,
            Notice::Mended { .. } => &MENDED,
            Notice::ChangeRefused { .. } => &CHANGE_REFUSED,
            Notice::ProberFailed { .. } => &PROBER_FAILED,
            Notice::Started { .. } => &STARTED,
            Notice::Ready { .. } => &READY,
            Notice::Stopping => &STOPPING,
            Notice::Reloaded { .. } => &RELOADED,
            Notice::ReloadRefused { .. } => &RELOAD_REFUSED,
            Notice::ConfigurationChanged { .. } => &CONFIGURATION_CHANGED,
            Notice::ChangeUndone { .. } => &CHANGE_UNDONE,
            Notice::ChangeReverted { .. } => &CHANGE_REVERTED,
            Notice::ConfigError { .. } => &CONFIG_ERROR,
            Notice::ConfigWarning { .. } => &CONFIG_WARNING,
            Notice::Overrun => &OVERRUN,
            Notice::MemoryIgnored { .. } => &MEMORY_IGNORED,
            Notice::MemoryNotWritten { .. } => &MEMORY_NOT_WRITTEN,
            Notice::LogLinesDropped { .. } => &LOG_LINES_DROPPED,
            Notice::HookFailed { .. } => &HOOK_FAILED,
            Notice::HookRefused { .. } => &HOOK_REFUSED,
            Notice::HooksLate { .. } => &HOOKS_LATE,
        }
    }

    /// Its name.
    pub fn event(&self) -> &'static str {
        self.message().event
    }

    /// How grave it is.
    pub fn level(&self) -> Level {
        self.message().level
    }

    /// The journal's `MESSAGE_ID`.
    pub fn message_id(&self) -> &'static str {
        self.message().id
    }

    /// What a person reads. Why it is so is in the field `reason`. Of an interface in no group no group is
    /// spoken.
    pub fn sentence(&self) -> String {
        let (template, fields) = (self.message().sentence, self.fields());
        let grouped = fields.iter().any(|(name, _)| *name == "group");
        let without = || template.replace(" of group {group}", "").replace(" in group {group}", "");
        let template = if grouped { Cow::Borrowed(template) } else { Cow::Owned(without()) };
        fill(&template, &fields)
    }

    /// Names and values, in the order of [`Message::fields`], without those that are empty.
    pub fn fields(&self) -> Vec<Field> {
        let values = self.values().into_iter().map(Cow::into_owned);
        self.message().fields.iter().copied().zip(values).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The value of the field `reason`, where the message has one.
    pub fn reason(&self) -> Option<String> {
        self.fields().into_iter().find_map(|(name, value)| (name == "reason").then_some(value))
    }

    /// The values of the fields, in the order of the table.
    fn values(&self) -> Vec<Cow<'_, str>> {
        match self {
            Notice::LinkDown { interface, group, reason }
            | Notice::InterfaceFailed { interface, group, reason }
            | Notice::InterfaceRepaired { interface, group, reason } => {
                vec![interface.as_str().into(), group.as_str().into(), reason.to_string().into()]
            }
            Notice::LinkUp { interface, group }
            | Notice::StandbyActivated { interface, group }
            | Notice::StandbyDeactivated { interface, group }
            | Notice::TestAddressMissing { interface, group }
            | Notice::Offline { interface, group }
            | Notice::Online { interface, group }
            | Notice::InterfaceAppeared { interface, group }
            | Notice::DuplicateHwaddrResolved { interface, group }
            | Notice::Homogeneous { interface, group }
            | Notice::InterfaceImproved { interface, group }
            | Notice::InterfaceUndrained { interface, group }
            | Notice::HardwareAddressChanged { interface, group } => {
                vec![interface.as_str().into(), group.as_str().into()]
            }
            Notice::LinkFlapping { interface, group, limit } => {
                vec![interface.as_str().into(), group.as_str().into(), limit.to_string().into()]
            }
            Notice::GroupFailed { group, interface, reason } => {
                vec![group.as_str().into(), interface.as_str().into(), reason.to_string().into()]
            }
            Notice::GroupRecovered { group, interface } => vec![group.as_str().into(), interface.as_str().into()],
            Notice::AddressMoved { group, address, from: Some(from), to } => {
                vec![group.as_str().into(), address.to_string().into(), from.as_str().into(), to.as_str().into()]
            }
            Notice::AddressMoved { group, address, from: None, to } => {
                vec![group.as_str().into(), address.to_string().into(), to.as_str().into()]
            }
            Notice::TargetDead { interface, group, target: address }
            | Notice::TestAddressConfigured { interface, group, address } => {
                vec![interface.as_str().into(), group.as_str().into(), address.to_string().into()]
            }
            Notice::TestAddressDuplicate { interface, group, address, twin } => {
                vec![interface.as_str().into(), group.as_str().into(), address.to_string().into(), twin.into()]
            }
            Notice::DuplicateHwaddr { interface, group, twin } => {
                vec![interface.as_str().into(), group.as_str().into(), twin.as_str().into()]
            }
            Notice::Inhomogeneous { interface, group, family } => {
                vec![interface.as_str().into(), group.as_str().into(), family.to_string().into()]
            }
            Notice::FdtRaised { interface, group, family, wanted, now } => {
                vec![
                    interface.as_str().into(),
                    group.as_str().into(),
                    family.to_string().into(),
                    millis(wanted),
                    millis(now),
                ]
            }
            Notice::FdtImproved { interface, group, family, now } => {
                vec![interface.as_str().into(), group.as_str().into(), family.to_string().into(), millis(now)]
            }
            Notice::FamilyFailed { interface, group, family, reason }
            | Notice::FamilyRepaired { interface, group, family, reason } => {
                let (interface, group) = (interface.as_str().into(), group.as_str().into());
                vec![interface, group, family.to_string().into(), reason.to_string().into()]
            }
            Notice::AddressConflict { group, address, by } => {
                vec![group.as_str().into(), address.to_string().into(), by.to_string().into()]
            }
            Notice::AddressConflictOver { group, address } => vec![group.as_str().into(), address.to_string().into()],
            Notice::FdtLimited { interface, group, family, limit, rtt } => {
                vec![
                    interface.as_str().into(),
                    group.as_str().into(),
                    family.to_string().into(),
                    millis(limit),
                    millis(rtt),
                ]
            }
            Notice::TargetSlow { interface, group, target, rtt } => {
                vec![interface.as_str().into(), group.as_str().into(), target.to_string().into(), millis(rtt)]
            }
            Notice::InterfaceDegraded { interface, group, reason }
            | Notice::InterfaceDrained { interface, group, reason } => {
                vec![interface.as_str().into(), group.as_str().into(), reason.to_string().into()]
            }
            Notice::RepairSuspended { interface, group, penalty, reuse, left } => {
                vec![
                    interface.as_str().into(),
                    group.as_str().into(),
                    penalty.to_string().into(),
                    reuse.to_string().into(),
                    millis(left),
                ]
            }
            Notice::FalseFailuresExpected { group, interface, percent, per_year } => {
                vec![
                    group.as_str().into(),
                    interface.as_str().into(),
                    format!("{percent:.1}").into(),
                    format!("{per_year:.0}").into(),
                ]
            }
            Notice::LocalOverload { interface, network, total } => {
                vec![interface.as_str().into(), millis(network), millis(total)]
            }
            Notice::DaemonLate { late, void } => vec![late.as_millis().to_string().into(), void.to_string().into()],
            Notice::Mended { what } => vec![what.into()],
            Notice::ChangeRefused { what, reason, retry_in } => {
                vec![what.into(), retry_in.as_millis().to_string().into(), reason.into()]
            }
            Notice::ProberFailed { interface, group, reason } => {
                vec![interface.as_str().into(), group.as_str().into(), reason.into()]
            }
            Notice::Started { version } => vec![version.into()],
            Notice::Ready { status } => vec![status.into()],
            Notice::Reloaded { file } => vec![file.into()],
            Notice::ReloadRefused { file, reason }
            | Notice::MemoryIgnored { file, reason }
            | Notice::MemoryNotWritten { file, reason } => vec![file.into(), reason.into()],
            Notice::ConfigurationChanged { what } => vec![what.into()],
            Notice::ChangeUndone { what, reason } | Notice::ChangeReverted { what, reason } => {
                vec![what.into(), reason.into()]
            }
            Notice::ConfigError { finding } | Notice::ConfigWarning { finding } => vec![finding.into()],
            Notice::LogLinesDropped { count } | Notice::HooksLate { count } => vec![count.to_string().into()],
            Notice::HookFailed { hook, on, reason } => vec![hook.into(), on.into(), reason.into()],
            Notice::HookRefused { hook, reason } => vec![hook.into(), reason.into()],
            Notice::Stopping | Notice::Overrun => vec![],
        }
    }
}

fn millis(span: &Duration) -> Cow<'static, str> {
    span.as_millis().to_string().into()
}

/// Puts the values of the fields where the template names them.
fn fill(template: &str, fields: &[Field]) -> String {
    let mut parts = template.split(['{', '}']);
    let mut sentence = parts.next().unwrap_or_default().to_owned();
    while let Some(name) = parts.next() {
        let value = fields.iter().find(|(field, _)| *field == name).map_or(name, |(_, value)| value);
        sentence.push_str(value);
        sentence.push_str(parts.next().unwrap_or_default());
    }
    sentence
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::IpAddr;

    use super::*;
    use crate::id::{Family, GroupName, Mac};
    use crate::notice::{Grey, Reason};

    /// One notice of every message, in the order of the table.
    fn samples() -> Vec<Notice> {
        let interface = || "eth0".parse().unwrap();
        let group = || "acctg".parse().unwrap();
        let twin = || "eth1".parse().unwrap();
        let ms = Duration::from_millis;
        let grey = || Grey::Slow { rtt: ms(9), usual: ms(1) };
        let family = Family::V4;
        let address: IpAddr = "192.0.2.50".parse().unwrap();
        let file = || "/etc/ipmpd/ipmpd.toml".to_owned();
        let reason = || "No such device".to_owned();
        let what = || "address 192.0.2.50/32 on eth0".to_owned();
        let answered = || Reason::ProbesAnswered { replies: 10, targets: vec![address] };
        let lost = Reason::ProbesLost {
            lost: 5,
            targets: vec![address],
            last_reply: Some((Duration::from_millis(900), Duration::from_micros(120))),
        };
        vec![
            Notice::LinkDown { interface: interface(), group: group(), reason: Reason::NoCarrier },
            Notice::LinkUp { interface: interface(), group: group() },
            Notice::LinkFlapping { interface: interface(), group: group(), limit: 2 },
            Notice::InterfaceFailed { interface: interface(), group: group(), reason: lost.clone() },
            Notice::InterfaceRepaired { interface: interface(), group: group(), reason: Reason::LinkUp },
            Notice::GroupFailed { interface: interface(), group: group(), reason: lost },
            Notice::GroupRecovered { interface: interface(), group: group() },
            Notice::AddressMoved { group: group(), address, from: Some(interface()), to: "eth1".parse().unwrap() },
            Notice::AddressMoved { group: group(), address, from: None, to: interface() },
            Notice::StandbyActivated { interface: interface(), group: group() },
            Notice::StandbyDeactivated { interface: interface(), group: group() },
            Notice::TargetDead { interface: interface(), group: group(), target: address },
            Notice::TestAddressMissing { interface: interface(), group: group() },
            Notice::TestAddressConfigured { interface: interface(), group: group(), address },
            Notice::TestAddressDuplicate { interface: interface(), group: group(), address, twin: "eth9".into() },
            Notice::DuplicateHwaddr { interface: interface(), group: group(), twin: twin() },
            Notice::DuplicateHwaddrResolved { interface: interface(), group: group() },
            Notice::Inhomogeneous { interface: interface(), group: group(), family },
            Notice::Homogeneous { interface: interface(), group: group() },
            Notice::FdtRaised { interface: interface(), group: group(), family, wanted: ms(1000), now: ms(3500) },
            Notice::FdtImproved { interface: interface(), group: group(), family, now: ms(1750) },
            Notice::FamilyFailed { interface: interface(), group: group(), family, reason: answered() },
            Notice::FamilyRepaired { interface: interface(), group: group(), family, reason: answered() },
            Notice::AddressConflict { group: group(), address, by: Mac([2, 0, 0, 0, 0, 7]) },
            Notice::AddressConflictOver { group: group(), address },
            Notice::FdtLimited { interface: interface(), group: group(), family, limit: ms(10000), rtt: ms(1600) },
            Notice::TargetSlow { interface: interface(), group: group(), target: address, rtt: ms(400) },
            Notice::InterfaceDegraded { interface: interface(), group: group(), reason: grey() },
            Notice::InterfaceImproved { interface: interface(), group: group() },
            Notice::InterfaceDrained { interface: interface(), group: group(), reason: grey() },
            Notice::InterfaceUndrained { interface: interface(), group: group() },
            Notice::RepairSuspended {
                interface: interface(),
                group: group(),
                penalty: 2400,
                reuse: 1000,
                left: ms(75_000),
            },
            Notice::FalseFailuresExpected { group: group(), interface: interface(), percent: 20.0, per_year: 57.0 },
            Notice::LocalOverload { interface: interface(), network: ms(1), total: ms(90) },
            Notice::Offline { interface: interface(), group: group() },
            Notice::Online { interface: interface(), group: group() },
            Notice::InterfaceAppeared { interface: interface(), group: group() },
            Notice::HardwareAddressChanged { interface: interface(), group: group() },
            Notice::DaemonLate { late: Duration::from_millis(1500), void: 2 },
            Notice::Mended { what: what() },
            Notice::ChangeRefused { what: what(), reason: reason(), retry_in: Duration::from_secs(1) },
            Notice::ProberFailed { interface: interface(), group: group(), reason: reason() },
            Notice::Started { version: "0.1.0".into() },
            Notice::Ready { status: "1 group: ipmp0 ok (eth0 eth1)".into() },
            Notice::Stopping,
            Notice::Reloaded { file: file() },
            Notice::ReloadRefused { file: file(), reason: reason() },
            Notice::ConfigurationChanged { what: what() },
            Notice::ChangeUndone { what: what(), reason: reason() },
            Notice::ChangeReverted { what: what(), reason: reason() },
            Notice::ConfigError { finding: what() },
            Notice::ConfigWarning { finding: what() },
            Notice::Overrun,
            Notice::MemoryIgnored { file: file(), reason: reason() },
            Notice::MemoryNotWritten { file: file(), reason: reason() },
            Notice::LogLinesDropped { count: 3 },
            Notice::HookFailed { hook: "page".into(), on: "group_failed".into(), reason: reason() },
            Notice::HookRefused { hook: "page".into(), reason: reason() },
            Notice::HooksLate { count: 3 },
        ]
    }

    #[test]
    fn every_row_belongs_to_a_notice_that_has_all_its_fields() {
        let samples = samples();
        assert_eq!(
            samples.iter().map(Notice::event).collect::<Vec<_>>(),
            MESSAGES.iter().map(|m| m.event).collect::<Vec<_>>()
        );
        for notice in samples {
            let row = notice.message();
            assert_eq!(notice.values().len(), row.fields.len(), "{}", row.event);
            for name in row.sentence.split(['{', '}']).skip(1).step_by(2) {
                assert!(row.fields.contains(&name), "{}: the sentence names {name}, which is no field", row.event);
            }
        }
    }

    #[test]
    fn names_and_ids_are_unique_and_well_formed() {
        let names: BTreeSet<_> = MESSAGES.iter().map(|m| m.event).collect();
        let ids: BTreeSet<_> = MESSAGES.iter().map(|m| m.id).collect();
        assert_eq!((names.len(), ids.len()), (MESSAGES.len(), MESSAGES.len()));
        for message in MESSAGES {
            assert!(message.event.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", message.event);
            let id = message.id.as_bytes();
            assert!(id.len() == 32 && id.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{}", message.id);
            assert!(id[12] == b'4' && matches!(id[16], b'8' | b'9' | b'a' | b'b'), "{} is not random", message.id);
        }
    }

    #[test]
    fn sentences_keep_the_wording_that_log_monitors_match() {
        let sentences: Vec<_> = samples().iter().map(Notice::sentence).collect();
        for wording in [
            "The link has gone down on eth0",
            "The link has come up on eth0",
            "The link has come up on eth0 more than 2 times in the last minute; disabling repair until it stabilizes",
            "IP interface failure detected on eth0 of group acctg",
            "IP interface repair detected on eth0 of group acctg",
            "All IP interfaces in group acctg are now unusable",
            "At least 1 IP interface (eth0) in group acctg is now usable",
            "Data address 192.0.2.50 moved from eth0 to eth1",
            "No test address configured on interface eth0; disabling probe-based failure detection on it",
            "Cannot meet requested failure detection time of 1000 ms on (inet eth0) new failure detection time for group acctg is 3500 ms",
            "Improved failure detection time 1750 ms on (inet eth0) for group acctg",
        ] {
            assert!(sentences.iter().any(|sentence| sentence == wording), "{wording}");
        }
    }

    #[test]
    fn of_an_interface_in_no_group_no_group_is_spoken() {
        let (interface, group) = ("eth0".parse().unwrap(), GroupName::anonymous());
        let notice = Notice::InterfaceFailed { interface, group, reason: Reason::NoCarrier };
        assert_eq!(notice.sentence(), "IP interface failure detected on eth0");
        assert!(notice.fields().iter().all(|(name, _)| *name != "group"));
    }

    #[test]
    fn a_value_is_never_taken_for_a_template() {
        let (what, reason) = ("{reason}".into(), "{what}".into());
        let notice = Notice::ChangeRefused { what, reason, retry_in: Duration::from_secs(1) };
        assert_eq!(notice.sentence(), "A change was refused: {reason}; trying again in 1000 ms");
        assert_eq!(Notice::Stopping.reason(), None);
    }
}
