//! `ipmpd demo`: the main job, seen within half a minute.
//!
//! A host with two NICs, a switch, a router and two clients are built in namespaces, and the daemon is run on the
//! host as it would be anywhere. While packets flow, a cable is pulled, a path dies silently and a member is taken
//! offline, each is repaired, and what the daemon says and what became of the packets is printed.
//!
//! This is the story. Who plays in it is [`site`], what is done [`deed`], how it looks [`screen`], why it ends
//! early [`stop`]. Nothing here knows the inside of the daemon: it is a process, watched through its log and
//! `ipmpstat`, as an administrator would.

mod deed;
mod screen;
mod site;
mod stop;

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use self::deed::Deed;
use self::screen::Screen;
use self::site::{Measured, Programs, Site};
use self::stop::{Interrupt, Stop};

/// The acts: what it is about, what is done, and how it is undone.
const ACTS: [(&str, [Deed; 2]); 3] = [
    ("A pulled cable", [Deed::Pull, Deed::Plug]),
    ("A path that dies silently", [Deed::Silence, Deed::Mend]),
    ("A planned outage", [Deed::Offline, Deed::Online]),
];

/// How long the daemon may take over what should take two seconds, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the packets are watched after a deed has had its effect.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Shows it. To be called before the program has started any thread.
pub fn run() -> ExitCode {
    let interrupt = match Interrupt::catch() {
        Ok(interrupt) => interrupt,
        Err(error) => return Stop::Failed(format!("cannot catch signals: {error}")).exit(),
    };
    match show(&interrupt) {
        Ok(()) => ExitCode::SUCCESS,
        // Whatever went wrong after that went wrong because of it.
        Err(_) if interrupt.is_set() => Stop::Interrupted.exit(),
        Err(stop) => stop.exit(),
    }
}

fn show(interrupt: &Interrupt) -> Result<(), Stop> {
    let programs = Programs::find()?;
    let mut screen = Screen::new();
    screen.opening()?;
    let mut story = Story::begin(programs, screen, interrupt)?;
    let mut table = Vec::new();
    for (number, (title, deeds)) in (1..).zip(ACTS) {
        story.screen.heading(&format!("{number}. {title}"))?;
        let member = story.site.receiver()?;
        for deed in deeds {
            table.push((deed.row(&member), story.perform(deed, &member)?));
        }
    }
    story.end(&table)
}

/// The show under way.
struct Story<'a> {
    site: Site,
    screen: Screen,
    interrupt: &'a Interrupt,
    /// How many lines of the log have been shown.
    told: usize,
}

impl<'a> Story<'a> {
    /// Builds everything, and starts the daemon.
    fn begin(programs: Programs, screen: Screen, interrupt: &'a Interrupt) -> Result<Self, Stop> {
        let mut story = Self { site: Site::build(programs)?, screen, interrupt, told: 0 };
        if let Some(why) = story.site.stand_in {
            story.screen.text(why)?;
        }
        story.screen.heading("The daemon starts")?;
        story.screen.deed(SystemTime::now(), "$ ipmpd --config ipmpd.toml")?;
        story.site.daemon.start()?;
        story.wait("the daemon to be ready", |site| Ok(site.has_logged(0, "ready", None)))?;
        story.wait("packets to flow", Site::is_flowing)?;
        story.watch(AFTERMATH)?;
        story.look(&["-g", "-a"])?;
        Ok(story)
    }

    /// Does it, waits for what the daemon makes of it, and says what became of the packets.
    fn perform(&mut self, deed: Deed, member: &str) -> Result<Measured, Stop> {
        let (log, since) = (self.site.daemon.log().len(), SystemTime::now());
        self.screen.deed(since, &deed.sentence(member))?;
        self.site.perform(deed, member)?;
        for (event, field) in deed.outcome() {
            let what = format!("{event} of {member} in the log");
            self.wait(&what, |site| Ok(site.has_logged(log, event, Some((field, member)))))?;
        }
        let settled = SystemTime::now();
        self.watch(AFTERMATH)?;
        self.look(deed.look())?;
        if let Some(flow) = self.site.measure(settled)?.dead_flow() {
            return Err(Stop::Failed(format!("{flow} traffic has not come back: {}", deed.row(member))));
        }
        let measured = self.site.measure(since)?;
        self.screen.measured(&measured)?;
        Ok(measured)
    }

    /// Takes everything down, makes sure of that, and sums up.
    fn end(mut self, table: &[(String, Measured)]) -> Result<(), Stop> {
        self.screen.table(table)?;
        self.site.take_down(PATIENCE)?;
        self.screen.text("\nNothing is left behind: the daemon, its files and the network are gone.\n")?;
        Ok(())
    }

    /// Waits for a condition, and shows meanwhile what the daemon says.
    fn wait(&mut self, what: &str, holds: impl Fn(&mut Site) -> Result<bool, Stop>) -> Result<(), Stop> {
        let start = Instant::now();
        while !holds(&mut self.site)? {
            self.pass()?;
            if start.elapsed() > PATIENCE {
                return Err(Stop::Failed(format!("waited {} s in vain for {what}", PATIENCE.as_secs())));
            }
        }
        self.tell()
    }

    /// Shows for so long what the daemon says.
    fn watch(&mut self, span: Duration) -> Result<(), Stop> {
        let start = Instant::now();
        while start.elapsed() < span {
            self.pass()?;
        }
        self.tell()
    }

    /// Lets a moment pass; an error where the daemon has ended.
    fn pass(&mut self) -> Result<(), Stop> {
        let lives = self.site.daemon.is_running()?;
        self.tell()?;
        if !lives {
            return Err(Stop::Failed("the daemon ended".into()));
        }
        self.interrupt.pause()
    }

    /// Shows what the daemon has said since the last time.
    fn tell(&mut self) -> Result<(), Stop> {
        let log = self.site.daemon.log();
        for line in &log[self.told..] {
            self.screen.logged(line)?;
        }
        self.told = log.len();
        Ok(())
    }

    /// Shows what `ipmpstat` shows.
    fn look(&mut self, modes: &[&str]) -> Result<(), Stop> {
        for mode in modes {
            let shown = self.site.ipmpstat(mode)?;
            self.screen.shown(&format!("ipmpstat -n {mode}"), &shown)?;
        }
        Ok(())
    }
}
