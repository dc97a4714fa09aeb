//! `ipmpadm check`: what is wrong with this host, or with a configuration. The daemon looks at what it has to do with
//! and the kernel knows; the files of the host are looked at here.

use std::path::Path;

use ipmp_cli::check::{self, host::Host};
use ipmp_cli::program::{self, Daemon, Output};
use ipmp_cli::rows;
use ipmp_config::{Finding, Findings};
use ipmp_control::{Client, Problem, Severity, Snapshot};
use nix::net::if_::if_nametoindex;

use crate::{PROGRAM, sentence};

pub fn carry_out(daemon: &Daemon, file: Option<&Path>, json: bool) -> Result<Output, String> {
    match file {
        Some(file) => Ok(configuration(file, json)),
        None => host(daemon, json),
    }
}

/// As `ipmpd --check`: warnings are no failure.
fn configuration(file: &Path, json: bool) -> Output {
    let (findings, usable) = match ipmp_config::load(file) {
        Ok(loaded) => (loaded.findings, true),
        Err(findings) => (findings, false),
    };
    let text = match (json, usable) {
        (true, _) => rows::json(&findings.iter().map(problem).collect::<Vec<_>>()),
        (false, true) => format!("{}: the configuration can be used\n", file.display()),
        (false, false) => String::new(),
    };
    if !json && !findings.is_empty() {
        complain(&findings);
    }
    Output { text, good: usable }
}

fn complain(findings: &Findings) {
    program::complain(PROGRAM, format_args!("{}\n{}", findings.summary(), findings.render().trim_end()));
}

fn problem(finding: &Finding) -> Problem {
    let place = finding.position().map(|place| format!(":{}:{}", place.line, place.column)).unwrap_or_default();
    let (severity, consequence) = match finding.severity {
        ipmp_config::Severity::Error => (Severity::Error, "The configuration is refused whole."),
        ipmp_config::Severity::Warning => (Severity::Warning, "It is likely not what was meant."),
    };
    let expected = finding.expected.as_ref().map(|expected| format!("Expected {expected}.")).unwrap_or_default();
    Problem {
        severity,
        kind: "configuration".into(),
        subject: format!("{}{place}", finding.file),
        what: finding.message.clone(),
        consequence: consequence.into(),
        remedy: expected,
    }
}

fn host(daemon: &Daemon, json: bool) -> Result<Output, String> {
    let mut client = Client::connect(&daemon.runtime_dir).map_err(sentence)?;
    let mut problems = client.check().map_err(sentence)?.problems;
    problems.extend(check::problems(&Host::look(Path::new("/"), &members(&client.status().map_err(sentence)?))));
    problems.sort_by_key(|problem| problem.severity);
    let text = if json { rows::json(&problems) } else { check::text(&problems) };
    Ok(Output { text, good: problems.is_empty() })
}

/// The members of groups, and their numbers.
fn members(snapshot: &Snapshot) -> Vec<(String, Option<u32>)> {
    let groups = snapshot.groups.iter().filter(|group| !group.is_anonymous());
    let names = groups.flat_map(|group| &group.members).map(|member| member.interface.clone());
    names.map(|name| (name.clone(), if_nametoindex(name.as_str()).ok())).collect()
}
