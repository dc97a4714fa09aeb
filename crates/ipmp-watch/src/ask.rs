//! The thread that asks for links. The kernel may keep it waiting; its answers come by the monitor.

use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use ipmp_core::IfIndex;
use ipmp_netlink::Asker;

/// Questions that may wait. When it is full the kernel has been deaf for a while, and further questions are
/// dropped: who asks for links does so again and again.
const QUESTIONS_MAX: usize = 1024;

/// Starts the thread; it ends when the sender is dropped.
pub(crate) fn start(asker: Asker) -> io::Result<SyncSender<IfIndex>> {
    let (questions, inbox) = sync_channel(QUESTIONS_MAX);
    thread::Builder::new().name("ipmp-ask".into()).spawn(move || run(&asker, &inbox))?;
    Ok(questions)
}

fn run(asker: &Asker, inbox: &Receiver<IfIndex>) {
    while let Ok(first) = inbox.recv() {
        // What piled up while the kernel was busy is asked once.
        let links: BTreeSet<IfIndex> = std::iter::once(first).chain(inbox.try_iter()).collect();
        for index in links {
            // A question that cannot be sent is like one whose answer is lost: it is asked again.
            _ = asker.ask(index);
        }
    }
}
