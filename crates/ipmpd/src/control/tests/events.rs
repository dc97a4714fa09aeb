//! The stream of events, as clients see it.

use ipmp_control::Field;

use super::probes::wait_until;
use super::*;

/// Events that are kept.
const KEPT: u64 = 1024;

fn event(number: u64) -> Event {
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    Event {
        number,
        time_us: 1_700_000_000_000_000 + number,
        level: "error".into(),
        event: "interface_failed".into(),
        message: "IP interface failure detected on eth0 of group acctg".into(),
        fields: vec![field("interface", "eth0"), field("group", "acctg"), field("reason", "no carrier")],
    }
}

impl Daemon {
    fn tell(&self, number: u64) {
        self.log.blocking_send(Arc::new(event(number))).unwrap();
    }
}

impl Client {
    /// Begins to follow; gives the parameters of the first reply.
    fn follow(&mut self, parameters: &Value) -> Value {
        let call = json!({ "method": "io.ipmpd.Control.Events", "parameters": parameters, "more": true });
        self.send(format!("{call}\0").as_bytes());
        let begun = self.receive().expect("an answer");
        assert_eq!(begun["continues"], true, "{begun}");
        begun["parameters"].clone()
    }

    /// How many were missed, and the numbers of those that were told, after what the first reply told, up to that one.
    fn told(&mut self, first: Value, last: u64) -> (u64, Vec<u64>) {
        let (mut missed, mut numbers, mut reply) = (0, Vec::new(), first);
        loop {
            missed += reply["missed"].as_u64().unwrap();
            numbers.extend(reply["events"].as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()));
            if numbers.last() == Some(&last) {
                return (missed, numbers);
            }
            reply = self.receive().expect("the stream goes on")["parameters"].clone();
        }
    }
}

#[test]
fn each_event_is_told_to_each_who_follows() {
    let daemon = Daemon::start(one_member());
    let mut clients = [daemon.client(), daemon.client()];
    for client in &mut clients {
        assert_eq!(client.follow(&json!({})), json!({ "missed": 0, "events": [] }), "the first comes at once");
    }
    daemon.tell(1);
    let expected = json!({
        "missed": 0,
        "events": [{
            "number": 1,
            "time_us": 1_700_000_000_000_001_u64,
            "level": "error",
            "event": "interface_failed",
            "message": "IP interface failure detected on eth0 of group acctg",
            "fields": [
                { "name": "interface", "value": "eth0" },
                { "name": "group", "value": "acctg" },
                { "name": "reason", "value": "no carrier" },
            ],
        }],
    });
    for client in &mut clients {
        assert_eq!(client.receive().unwrap()["parameters"], expected);
    }
}

#[test]
fn who_comes_back_is_told_what_it_does_not_know() {
    let daemon = Daemon::start(one_member());
    let mut first = daemon.client();
    let begun = first.follow(&json!({ "after": null }));
    let last = KEPT + 500;
    (1..=last).for_each(|number| daemon.tell(number));
    assert_eq!(first.told(begun, last), (0, (1..=last).collect()), "who reads misses nothing");
    drop(first);

    let mut again = daemon.client();
    let begun = again.follow(&json!({ "after": last - 300 }));
    assert_eq!(again.told(begun, last), (0, (last - 299..=last).collect()));

    let mut late = daemon.client();
    let begun = late.follow(&json!({ "after": 100 }));
    assert_eq!(late.told(begun, last), (400, (501..=last).collect()), "it knows how many it has missed");

    let mut stranger = daemon.client();
    let begun = stranger.follow(&json!({ "after": 1_000_000 }));
    assert_eq!(stranger.told(begun, last), (500, (501..=last).collect()), "that was another run of the daemon");
}

#[test]
fn the_number_is_a_number_and_the_stream_is_asked_for_as_one() {
    let daemon = Daemon::start(one_member());
    let mut client = daemon.client();
    assert_eq!(client.call("io.ipmpd.Control.Events", json!({}))["error"], "org.varlink.service.ExpectedMore");
    for after in [json!(-1), json!("7"), json!(1.5), json!([])] {
        let call = json!({ "method": "io.ipmpd.Control.Events", "parameters": { "after": after }, "more": true });
        client.send(format!("{call}\0").as_bytes());
        let reply = client.receive().unwrap();
        assert_eq!(reply["error"], "org.varlink.service.InvalidParameter", "{after}");
        assert_eq!(reply["parameters"]["parameter"], "after");
    }
    client.follow(&json!({}));
}

#[test]
fn strangers_may_follow() {
    let daemon = Daemon::start(one_member());
    let socket = daemon.socket();
    let following = as_user(STRANGER, move || {
        let mut client = Client::connect(&socket);
        client.follow(&json!({}));
        client
    });
    if let Some(mut client) = following {
        daemon.tell(1);
        assert_eq!(client.receive().unwrap()["parameters"]["events"][0]["number"], 1);
    }
}

#[test]
fn who_says_anything_while_it_follows_is_cut_off() {
    let daemon = Daemon::start(one_member());
    let mut client = daemon.client();
    client.follow(&json!({}));
    client.send(b"{\"method\":\"io.ipmpd.Control.Status\"}\0");
    assert_eq!(client.receive(), None);
}

#[test]
fn who_does_not_read_is_cut_off_and_the_others_miss_nothing() {
    let daemon = Daemon::start(one_member());
    let mut stalled = daemon.client();
    stalled.follow(&json!({}));
    let mut reader = daemon.client();
    let begun = reader.follow(&json!({}));
    // Far more than the kernel keeps for a reader.
    let last = 20 * KEPT;
    let reading = thread::spawn(move || reader.told(begun, last));
    (1..=last).for_each(|number| daemon.tell(number));
    let (missed, numbers) = reading.join().unwrap();
    assert_eq!(missed + numbers.len() as u64, last, "each is told or counted");
    wait_until("who stalls is cut off", || stalled.is_hung_up());
}

#[test]
fn the_shipped_client_follows() {
    let daemon = Daemon::start(one_member());
    daemon.tell(1);
    daemon.tell(2);
    let connect = || ipmp_control::Client::connect(daemon.directory.path()).unwrap();
    let mut watch = connect().events(Some(0)).unwrap();
    let mut fetch = |last| {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Event| event.number < last) {
            events.extend(watch.fetch().unwrap().events);
        }
        events
    };
    assert_eq!(fetch(2), [event(1), event(2)]);
    daemon.tell(3);
    assert_eq!(fetch(3), [event(3)]);
    assert_eq!(connect().events(None).unwrap().fetch().unwrap(), ipmp_control::Events::default());
    assert_eq!(event(3).text(), "IP interface failure detected on eth0 of group acctg: no carrier");
    drop(daemon);
    assert_eq!(watch.fetch().unwrap_err().to_string(), "ipmpd has hung up");
}
