//! A group of the system whose members may change things.

use nix::unistd::{Group, Uid, User};

use super::*;

/// What the stranger gets for an attempt to change something: what went wrong, or null.
fn attempt(client: &mut Client) -> Value {
    client.call("io.ipmpd.Control.Reload", json!({}))["error"].clone()
}

/// A name of the group that the stranger has as his own.
fn group_of_the_stranger() -> String {
    let user = User::from_uid(Uid::from_raw(STRANGER)).unwrap().expect("every system has a nobody");
    Group::from_gid(user.gid).unwrap().expect("his group has a name").name
}

/// Takes one step after the other, as a client of the stranger, on one connection.
fn as_stranger(daemon: &Daemon, steps: impl FnOnce(&mut Client) + Send + 'static) {
    let socket = daemon.socket();
    as_user(STRANGER, move || steps(&mut Client::connect(&socket)));
}

#[test]
fn its_members_may_change_things_from_when_the_configuration_says_so() {
    let daemon = Daemon::start(|request| {
        let Request::Reload(answer) = request else { unreachable!("nothing else is asked") };
        answer.send(Ok(())).unwrap();
    });
    let admins = daemon.admins.clone();
    as_stranger(&daemon, move |client| {
        let denied = json!("io.ipmpd.Control.PermissionDenied");
        assert_eq!(attempt(client), denied, "there is no group");
        admins.send_replace(Some(group_of_the_stranger()));
        assert_eq!(attempt(client), Value::Null);
        admins.send_replace(Some("root".into()));
        assert_eq!(attempt(client), denied, "he is not in that one");
        admins.send_replace(Some("no-such-group".into()));
        assert_eq!(attempt(client), denied);
        admins.send_replace(None);
        assert_eq!(attempt(client), denied);
        // He may look all the same.
        assert!(client.call("org.varlink.service.GetInfo", json!({})).get("error").is_none());
    });
}

#[test]
fn who_is_no_user_at_all_may_not() {
    let daemon = Daemon::start(|request| panic!("{request:?}"));
    daemon.admins.send_replace(Some(group_of_the_stranger()));
    let socket = daemon.socket();
    let reply = as_user(3_000_000_000, move || attempt(&mut Client::connect(&socket)));
    assert!(reply.is_none_or(|reply| reply == "io.ipmpd.Control.PermissionDenied"));
}
