//! The table of cases: which families a group has, and whether its members have test addresses. A story is a function
//! of a [`Story`](crate::Story) that one of these macros makes a test of for each case.

use crate::{Family, Story};

/// Without test addresses members are probed by ARP and neighbour solicitations.
impl Story {
    /// IPv4, members with test addresses.
    pub fn ipv4() -> Self {
        Self::of(&[Family::V4], true)
    }

    /// IPv4, members without addresses of their own.
    pub fn ipv4_bare() -> Self {
        Self::of(&[Family::V4], false)
    }

    /// IPv6, members with test addresses.
    pub fn ipv6() -> Self {
        Self::of(&[Family::V6], true)
    }

    /// IPv6, members with their link-local addresses only.
    pub fn ipv6_bare() -> Self {
        Self::of(&[Family::V6], false)
    }

    /// Both families, members with test addresses in both.
    pub fn dual() -> Self {
        Self::of(Family::BOTH, true)
    }

    /// Both families, members without test addresses.
    pub fn dual_bare() -> Self {
        Self::of(Family::BOTH, false)
    }
}

/// Runs stories in every case.
#[macro_export]
macro_rules! in_every_case {
    ($($story:ident),+ $(,)?) => { $( $crate::in_cases!($story: ipv4, ipv4_bare, ipv6, ipv6_bare, dual, dual_bare); )+ };
}

/// Runs stories in two cases which together have both families and both kinds of probes: for those in which neither
/// can matter.
#[macro_export]
macro_rules! in_two_cases {
    ($($story:ident),+ $(,)?) => { $( $crate::in_cases!($story: ipv4, dual_bare); )+ };
}

/// Runs a story in these cases.
#[macro_export]
macro_rules! in_cases {
    ($story:ident: $($case:ident),+) => {
        mod $story {
            $(
                #[test]
                fn $case() -> ipmp_lab::Result<()> {
                    super::$story($crate::Story::$case())
                }
            )+
        }
    };
}
