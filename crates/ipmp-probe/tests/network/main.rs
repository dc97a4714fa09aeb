//! The probe engine on real sockets, in network namespaces that live as long as their test.

mod exchange;
mod faults;
mod forgery;
mod lab;
mod routes;
mod stranger;
mod wire;
