//! A real terminal with a program in it, as it is to the person who sits before it: what is on the screen, keys,
//! another size, and pulling the plug.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::num::NonZero;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use ipmp_e2e::PATIENCE;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, setsid};
use vt100::{Parser, Screen};

/// How long to wait for more before the condition is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How a terminal treats what goes through it: flags, and characters with a meaning.
#[derive(Debug, PartialEq, Eq)]
pub struct Modes([libc::tcflag_t; 4], Vec<u8>);

/// A terminal, and the program that it belongs to.
pub struct Terminal {
    /// The side of the person.
    person: File,
    /// The side of programs.
    program: OwnedFd,
    child: Running,
    screen: Parser,
}

/// A program that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Terminal {
    /// Starts a program in a terminal of this size.
    pub fn start(mut command: Command, lines: u16, columns: u16) -> Self {
        let (person, program) = open(lines, columns).expect("a terminal can be opened");
        for stream in [Command::stdin::<OwnedFd>, Command::stdout, Command::stderr] {
            stream(&mut command, program.try_clone().expect("it is open"));
        }
        command.env("TERM", "xterm-256color");
        let sit_down = || {
            setsid()?;
            // SAFETY: no memory is touched; standard input is the terminal.
            match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        };
        // SAFETY: it runs between fork and exec, makes two system calls and allocates nothing.
        unsafe { command.pre_exec(sit_down) };
        let child = Running(command.spawn().expect("the program is there"));
        Self { person, program, child, screen: parser(lines, columns) }
    }

    /// Waits until the screen is so, and gives it.
    pub fn wait(&mut self, what: &str, so: impl Fn(&Screen) -> bool) -> &Screen {
        let deadline = Instant::now() + PATIENCE;
        while !so(self.screen.screen()) {
            let shown = self.screen.screen().contents();
            assert!(Instant::now() < deadline, "waited in vain for {what}; the screen is\n{shown}");
            self.take_in();
        }
        self.screen.screen()
    }

    /// Waits until a line of the screen begins with this and has that.
    pub fn wait_line(&mut self, begins: &str, has: &str) {
        let what = format!("a line that begins with {begins:?} and has {has:?}");
        self.wait(&what, |screen| screen.contents().lines().any(|line| line.starts_with(begins) && line.contains(has)));
    }

    /// Presses keys, as the bytes that a terminal sends for them.
    pub fn press(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).expect("a terminal can be written to");
    }

    /// Gives the screen another size.
    pub fn resize(&mut self, lines: u16, columns: u16) {
        resize(&self.person, lines, columns).expect("a terminal can be resized");
        let [lines, columns] = [lines, columns].map(|count| NonZero::new(count).expect("a screen has some"));
        self.screen.screen_mut().set_size(lines, columns);
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.0.id().cast_signed()), signal).expect("it is ours");
    }

    /// Whether the program is stopped, as a job.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.0.id())).unwrap_or_default();
        // After the name, which is in parentheses.
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    }

    /// How it treats what goes through it.
    pub fn modes(&self) -> Modes {
        modes(self.program.as_raw_fd()).expect("it is a terminal")
    }

    /// Waits until the program has ended; what it wrote meanwhile is on the screen.
    pub fn wait_end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.0.try_wait().expect("it is ours");
            self.take_in();
            if let Some(status) = ended {
                return status;
            }
            let shown = self.screen.screen().contents();
            assert!(Instant::now() < deadline, "the program does not end; the screen is\n{shown}");
        }
    }

    /// What is on the screen.
    pub fn screen(&self) -> &Screen {
        self.screen.screen()
    }

    /// Closes the terminal, as happens when a connection breaks, and waits until the program has ended.
    pub fn hang_up(self) -> ExitStatus {
        let Self { person, program, mut child, .. } = self;
        drop((person, program));
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.0.try_wait().expect("it is ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Takes in all that the program has written, after waiting a little for it.
    fn take_in(&mut self) {
        let mut polled = [PollFd::new(self.person.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(LOOK_EVERY).expect("it is short");
        poll(&mut polled, patience).expect("a terminal can be polled");
        if polled[0].any() == Some(true) {
            let mut bytes = [0; 65536];
            let count = self.person.read(&mut bytes).expect("a terminal can be read");
            self.screen.process(&bytes[..count]);
        }
    }
}

fn parser(lines: u16, columns: u16) -> Parser {
    let [lines, columns] = [lines, columns].map(|count| NonZero::new(count).expect("a screen has some"));
    Parser::new(lines, columns, 0)
}

/// Both sides; no program inherits the one of the person, which would keep the terminal alive.
fn open(lines: u16, columns: u16) -> io::Result<(File, OwnedFd)> {
    const FLAGS: libc::c_int = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let owned = |number: RawFd| match number {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: it was opened just now, for nobody else.
        number => Ok(unsafe { OwnedFd::from_raw_fd(number) }),
    };
    // SAFETY: no memory is touched.
    let person = owned(unsafe { libc::posix_openpt(FLAGS) })?;
    // SAFETY: as above.
    let unlocked = unsafe { libc::grantpt(person.as_raw_fd()) == 0 && libc::unlockpt(person.as_raw_fd()) == 0 };
    if !unlocked {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as above.
    let program = owned(unsafe { libc::ioctl(person.as_raw_fd(), libc::TIOCGPTPEER, FLAGS) })?;
    resize(&person, lines, columns)?;
    Ok((person.into(), program))
}

fn resize(person: &impl AsRawFd, lines: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel reads one `winsize`, which lives long enough.
    match unsafe { libc::ioctl(person.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn modes(terminal: RawFd) -> io::Result<Modes> {
    let mut modes = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the kernel's answer is written whole, or the call fails.
    let modes = match unsafe { libc::tcgetattr(terminal, modes.as_mut_ptr()) } {
        0 => unsafe { modes.assume_init() },
        _ => return Err(io::Error::last_os_error()),
    };
    Ok(Modes([modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag], modes.c_cc.to_vec()))
}
