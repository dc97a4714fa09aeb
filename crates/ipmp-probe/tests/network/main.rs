//! The probe engine on real sockets, in network namespaces that live as long as their test.

mod bystanders;
mod checks;
mod discovery;
mod exchange;
mod faults;
mod forgery;
mod lab;
mod large;
mod link;
mod link_forgery;
mod routes;
mod stranger;
mod wire;
