//! What others have made changes hands in the order of a transaction.

mod common;

use common::{Host, add, key, ours};
use ipmp_core::Change;
use ipmp_core::event::Outcome::Done;
use ipmp_lab::Namespace;
use ipmp_netlink::foreign_address;

#[tokio::test]
async fn addresses_are_taken_and_given_back_beside_or_in_place_of_ours() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    let [v4, v6] = ["10.1.0.50/24", "2001:db8::50/64"].map(|it| foreign_address(eth0, it.parse().unwrap()));
    let twin = key(eth0, "2001:db8::50/128");
    let give = |foreign: &ipmp_core::Foreign, replaces| Change::Give { foreign: foreign.clone(), replaces };
    let take = |foreign: &ipmp_core::Foreign, with| Change::Take { foreign: foreign.clone(), with };

    assert_eq!(host.apply(vec![give(&v4, None), give(&v6, None)]).await, [Done, Done]);
    assert!(ours(&host.namespace, "eth0").is_empty());
    let there = vec![add(eth0, "10.1.0.50/32"), take(&v4, None), take(&v6, Some(twin))];
    assert_eq!(host.apply(there).await, [Done, Done, Done]);
    assert_eq!(ours(&host.namespace, "eth0"), ["10.1.0.50/32", "2001:db8::50/128"]);
    let held = |ip: &str| host.namespace.links_with(ip.parse().unwrap()).unwrap().len();
    assert_eq!((held("10.1.0.50"), held("2001:db8::50")), (1, 1));

    let back = vec![give(&v4, None), common::delete(eth0, "10.1.0.50/32"), give(&v6, Some(twin))];
    assert_eq!(host.apply(back).await, [Done, Done, Done]);
    assert!(ours(&host.namespace, "eth0").is_empty());
    let held = |ip: &str| host.namespace.links_with(ip.parse().unwrap()).unwrap().len();
    assert_eq!((held("10.1.0.50"), held("2001:db8::50")), (1, 1));
}
