//! 8: what the daemon brought it takes away, once it has nothing to do any more.

use ipmp_core::kernel::ALIAS;

use super::{Rule, Scene, Violation};
use crate::kernel::TUNABLES;

/// Whether the kernel is as it would be without us.
pub fn holds_nothing(scene: &Scene) -> Result<(), Violation> {
    let kernel = scene.kernel;
    let addresses = kernel.addresses.iter().filter(|(_, info)| info.ours).map(|(key, _)| key.address.to_string());
    let routes = kernel.routes.keys().filter(|key| key.ours).map(|key| format!("a route to {}", key.to));
    let interfaces =
        kernel.links.values().filter(|link| link.alias.as_deref() == Some(ALIAS)).map(|link| link.name.to_string());
    let settings = kernel.links.values().filter(|link| link.tunables != Some(TUNABLES));
    let settings = settings.map(|link| format!("settings of {}", link.name));
    let left: Vec<String> = addresses.chain(routes).chain(interfaces).chain(settings).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(scene.violation(Rule::NothingLeft, format!("left behind: {}", left.join(", "))))
}
