//! `ipmpadm check`: what the daemon finds, and what only the files of the host tell. Here are the pure parts: facts
//! that were read → problems, and problems → text. It never talks to the daemon.

pub mod host;
mod managers;
mod settings;

use ipmp_control::{Problem, Severity};

use self::host::Host;

/// What is wrong by what the host's files say.
pub fn problems(host: &Host) -> Vec<Problem> {
    let of_members = host.members.iter().flat_map(|member| {
        let settings = settings::of_member(member).into_iter();
        settings.chain(managers::of_member(member))
    });
    settings::of_host(host).into_iter().chain(of_members).collect()
}

/// The problems as sentences, and their number.
pub fn text(problems: &[Problem]) -> String {
    if problems.is_empty() {
        return "Nothing is wrong.\n".into();
    }
    problems.iter().map(sentences).collect::<String>() + &summary(problems)
}

fn sentences(problem: &Problem) -> String {
    let Problem { severity, kind, subject, what, consequence, remedy } = problem;
    format!("{}: {subject}: {kind}\n  {what}\n  {consequence}\n  To do: {remedy}\n\n", word(*severity))
}

fn summary(problems: &[Problem]) -> String {
    let count = |severity| match problems.iter().filter(|problem| problem.severity == severity).count() {
        1 => format!("1 {}", word(severity)),
        count => format!("{count} {}s", word(severity)),
    };
    format!("{}, {}\n", count(Severity::Error), count(Severity::Warning))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
