//! Hooks under the unit: what an ordinary user in a sandbox can do where something happens.

use ipmp_lab::{Result, wait_until};

use crate::site::{CONFIG_FILE, PATIENCE, Site, UNIT};

const HOOK: &str = "/etc/ipmpd/hooks.d/story";

/// What a hook leaves, in the only directory that it may write.
const LEFT: &str = "/run/ipmpd/left";

/// It waits until it may be killed for memory as others are, and asks the daemon.
const REPORT: &str = "#!/bin/sh
[ $IPMP_EVENT = reloaded ] || exit 0
until [ $(cat /proc/$$/oom_score_adj) = 0 ]; do sleep 0.01; done
{ id -un; ipmpstat -g -P -o groupname,state; echo $IPMP_MESSAGE; } >/run/ipmpd/draft 2>&1
mv /run/ipmpd/draft /run/ipmpd/left
";

/// As documented, with what the unit leaves to it.
pub fn reports(site: &mut Site) -> Result<()> {
    site.rest()?;
    put(site, REPORT)?;
    site.machine.ok(&["systemctl", "reload", UNIT])?;
    wait_until(PATIENCE, "what the hook leaves", || Ok(site.machine.run(&["test", "-e", LEFT])?.success()))?;
    let expected = format!("ipmpd\nacctg:ok\nThe configuration has been reloaded from {CONFIG_FILE}\n");
    assert_eq!(site.machine.read(LEFT)?, expected);
    site.machine.ok(&["rm", LEFT, HOOK]).map(drop)
}

/// The service is stopped in time and in order.
pub fn hangs(site: &mut Site) -> Result<()> {
    site.rest()?;
    put(site, "#!/bin/sh\n: >/run/ipmpd/left\nexec sleep 1000\n")?;
    site.machine.ok(&["systemctl", "reload", UNIT])?;
    wait_until(PATIENCE, "the hook to run", || Ok(site.machine.run(&["test", "-e", LEFT])?.success()))?;
    site.machine.ok(&["systemctl", "stop", UNIT])?;
    assert_eq!(site.machine.property(UNIT, "Result")?, "success");
    site.machine.ok(&["rm", LEFT, HOOK])?;
    site.machine.ok(&["systemctl", "start", UNIT]).map(drop)
}

fn put(site: &Site, hook: &str) -> Result<()> {
    site.machine.write(HOOK, hook)?;
    site.machine.ok(&["chmod", "755", HOOK]).map(drop)
}
