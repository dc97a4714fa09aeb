//! A test for each rule of IPMP behaviour §3 to §6 and §9; its name says the rule. Where the core does
//! something else on purpose, the test holds it to that and says why.
//!
//! Only rules are tried here, one at a time, on a world without accidents. Accidents are the simulator's.

mod anonymous;
mod bench;
mod claims;
mod families;
mod grey;
mod handover;
mod means;
mod members;
mod probing;
mod targets;
mod verdicts;
