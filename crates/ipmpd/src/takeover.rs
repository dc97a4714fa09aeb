//! PLACEHOLDER until the take-over is committed; to be replaced whole.
use ipmp_config::Edit;
use ipmp_core::{Config, Foreign, GroupConfig, IfIndex, IfName};
pub struct Captured {
    pub links: Vec<ipmp_core::kernel::Link>,
}
pub struct Takeover {
    pub edits: Vec<Edit>,
    pub take: Vec<Foreign>,
    pub warnings: Vec<String>,
}
pub fn capture() -> Result<Captured, String> {
    match ipmp_netlink::dump(ipmp_netlink::DEADLINE) {
        Ok(snapshot) => Ok(Captured { links: snapshot.links }),
        Err(error) => Err(error.to_string()),
    }
}
pub fn takeover(_: &IfName, _: &[IfName], _: &Captured, _: &Config) -> Result<Takeover, String> {
    Ok(Takeover { edits: vec![], take: vec![], warnings: vec![] })
}
pub fn release(_: &GroupConfig, _: IfIndex) -> Vec<Foreign> {
    vec![]
}
