//! The deterministic simulator: the shipped core in a simulated world, and checkers that judge it.
//!
//! A seed is a world: a host with its NICs, its kernel and its network, an administrator, other programs,
//! and everything that befalls them. `world` lets it happen, `daemon` plays the driver loop, `kernel` and
//! `network` answer, `operator` interferes, and `invariants` looks at every moment whether the product
//! keeps its promises. Nothing here reads a clock or draws chance from anywhere but the seed, so a seed
//! that fails fails again.

pub mod daemon;
pub mod invariants;
pub mod kernel;
pub mod network;
pub mod operator;
pub mod rest;
pub mod rng;
pub mod seed;
pub mod site;
pub mod stage;
pub mod table;
pub mod trace;
pub mod trial;
pub mod world;

pub use invariants::{Rule, Violation};
pub use operator::Deed;
pub use world::World;
