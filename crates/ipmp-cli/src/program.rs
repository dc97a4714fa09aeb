//! What the three programs have in common: how they are told where the daemon is, how they end.
//!
//! Exit codes are those of Solaris: 0, or 1 with a sentence on standard error, a mistake in the command line
//! included.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser};
use ipmp_control::{DEFAULT_RUNTIME_DIR, RUNTIME_DIR_VARIABLE};

/// Where the daemon is.
#[derive(Args, Debug)]
pub struct Daemon {
    /// The daemon's runtime directory
    #[arg(long, global = true, value_name = "DIR", env = RUNTIME_DIR_VARIABLE, default_value = DEFAULT_RUNTIME_DIR)]
    #[arg(hide_env_values = true)]
    pub runtime_dir: PathBuf,
}

/// What a program has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// For standard output.
    pub text: String,
    /// Whether it ends with 0; with 1 where it has found something that is not as it should be.
    pub good: bool,
}

impl From<String> for Output {
    fn from(text: String) -> Self {
        Self { text, good: true }
    }
}

/// A program: reads its command line, carries it out, and puts what that gave on standard output.
pub fn run<A: Parser, O: Into<Output>, E: Display>(
    program: &str,
    carry_out: impl FnOnce(&A) -> Result<O, E>,
) -> ExitCode {
    let args = match parse(program) {
        Ok(args) => args,
        Err(code) => return code,
    };
    match carry_out(&args).map(O::into) {
        Ok(Output { text, good: true }) => print(program, &text),
        Ok(Output { text, good: false }) => {
            print(program, &text);
            ExitCode::FAILURE
        }
        Err(why) => fail(program, why),
    }
}

/// Reads the command line; where that is not a job to do, says why or helps, and names the exit code.
fn parse<A: Parser>(program: &str) -> Result<A, ExitCode> {
    A::try_parse().map_err(|answer| {
        let text = answer.render().to_string();
        if answer.use_stderr() {
            fail(program, text.trim_end().strip_prefix("error: ").unwrap_or(&text))
        } else {
            print(program, &text)
        }
    })
}

/// Ends with a sentence on standard error.
fn fail(program: &str, why: impl Display) -> ExitCode {
    complain(program, why);
    ExitCode::FAILURE
}

/// Puts a sentence on standard error. Where nobody can read it, the exit code has to do.
pub fn complain(program: &str, what: impl Display) {
    let _ = writeln!(io::stderr(), "{program}: {what}");
}

/// Puts the whole output on standard output. A reader that has seen enough is no failure.
fn print(program: &str, text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(program, format_args!("cannot write: {error}")),
        _ => ExitCode::SUCCESS,
    }
}
