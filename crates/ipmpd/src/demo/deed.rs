//! What is done to a member: how it is told, and by what the daemon shows that it has had its effect.

/// Something that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The cable out.
    Pull,
    /// The cable in.
    Plug,
    /// The switch port drops everything, the link stays up.
    Silence,
    /// The switch port forwards again.
    Mend,
    /// `if_mpadm -d`.
    Offline,
    /// `if_mpadm -r`.
    Online,
}

impl Deed {
    /// What is about to be done.
    pub fn sentence(self, member: &str) -> String {
        match self {
            Self::Pull => format!("Pull the cable of {member}, by which 192.0.2.50 is reached."),
            Self::Plug => format!("Plug the cable of {member} in again."),
            Self::Silence => {
                format!(
                    "Let the switch drop every frame to and from {member}, by which 192.0.2.50 is reached. \
                     The link stays up: only probes can tell."
                )
            }
            Self::Mend => format!("Let the switch forward the frames of {member} again."),
            Self::Offline => format!("$ if_mpadm -d {member}"),
            Self::Online => format!("$ if_mpadm -r {member}"),
        }
    }

    /// What was done, for the table.
    pub fn row(self, member: &str) -> String {
        match self {
            Self::Pull => format!("cable of {member} pulled"),
            Self::Plug => format!("cable of {member} plugged in"),
            Self::Silence => format!("path of {member} silent"),
            Self::Mend => format!("path of {member} mended"),
            Self::Offline => format!("{member} taken offline"),
            Self::Online => format!("{member} brought online"),
        }
    }

    /// The messages that show its effect, each with the field that names the member.
    pub fn outcome(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Pull | Self::Silence => [("interface_failed", "interface"), ("address_moved", "from")],
            Self::Plug | Self::Mend => [("interface_repaired", "interface"), ("address_moved", "to")],
            Self::Offline => [("offline", "interface"), ("address_moved", "from")],
            Self::Online => [("online", "interface"), ("address_moved", "to")],
        }
    }

    /// What to ask `ipmpstat` then.
    pub fn look(self) -> &'static [&'static str] {
        match self {
            Self::Pull => &["-g", "-a"],
            Self::Silence | Self::Offline => &["-i"],
            Self::Plug | Self::Mend | Self::Online => &["-a"],
        }
    }
}
