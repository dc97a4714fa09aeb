//! The schedules side by side: the claims that the default rests on, and the tables of `docs/detection.md`.
//!
//! `cargo test -p ipmp-sim --test comparison -- --ignored --nocapture` counts for a while and prints the
//! tables in Markdown.

use std::time::Duration;

use ipmp_core::Schedule;
use ipmp_core::Schedule::{Classic, Confirm};
use ipmp_sim::network::{Burst, Length, Path};
use ipmp_sim::trial::{Tally, YEAR, detection, expected_a_year, outages, watch};

const FDT: Duration = Duration::from_secs(1);
const BOTH: [Schedule; 2] = [Classic, Confirm];

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// Many seeds, on every processor.
fn tally(seeds: u64, schedule: Schedule, path: &Path, span: Duration) -> Tally {
    let each = |seed| watch(seed, schedule, FDT, path.clone(), span);
    each_of(seeds, each).into_iter().fold(Tally::default(), Tally::and)
}

fn each_of<T: Send>(seeds: u64, each: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let share = |worker: u64| (worker..seeds).step_by(workers as usize).map(&each).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || share(worker))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no trial panics")).collect()
    })
}

#[test]
fn neither_finds_a_silent_failure_later_than_it_is_allowed() {
    for (seed, loss) in (0..80).zip([0.0, 0.01, 0.1].into_iter().cycle()) {
        for schedule in BOTH {
            let found = detection(seed, schedule, FDT, loss);
            assert!(found <= FDT, "{schedule:?} needs {found:?}, seed {seed}, loss {loss}");
        }
    }
}

#[test]
fn confirm_sends_a_third_of_the_probes_at_rest() {
    let [classic, confirm] = BOTH.map(|schedule| watch(1, schedule, FDT, Path::default(), minutes(20)).probes as f64);
    assert!(confirm <= classic / 3.0, "{confirm} probes instead of {classic}");
}

#[test]
fn confirm_is_far_less_often_wrong() {
    for loss in [0.2, 0.3] {
        let [classic, confirm] = BOTH.map(|schedule| tally(10, schedule, &Path::lossy(loss), minutes(10)));
        assert!(classic.failures >= 5, "{loss}: {classic:?}");
        assert_eq!(confirm.failures, 0, "{loss}: {confirm:?}");
    }
}

#[test]
fn the_count_agrees_with_the_arithmetic() {
    let counted = tally(10, Classic, &Path::lossy(0.3), minutes(20)).failures_a_year();
    let expected = expected_a_year(Classic, FDT, 0.3);
    assert!((0.75..1.33).contains(&(counted / expected)), "{counted} counted, {expected} expected");
}

#[test]
fn confirm_is_wrong_less_than_once_a_year_at_five_percent() {
    assert!(expected_a_year(Confirm, FDT, 0.05) < 1.0);
    assert!(expected_a_year(Classic, FDT, 0.05) > 30.0);
    // Not even ten times the patience would do.
    assert!(expected_a_year(Classic, FDT * 10, 0.05) > 1.0);
}

#[test]
fn confirm_outlasts_every_single_outage_of_half_the_failure_detection_time() {
    for percent in [10, 30, 40, 45, 48, 50] {
        let failures: u64 = (0..4).map(|seed| outages(seed, Confirm, FDT, 0.0, FDT / 100 * percent, 60)).sum();
        assert_eq!(failures, 0, "an outage of {percent} % of the failure detection time");
    }
}

/// A row of a table, its cells padded by nobody.
fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

fn head(cells: &[&str]) {
    row(&cells.iter().map(ToString::to_string).collect::<Vec<_>>());
    println!("|{}", "---|".repeat(cells.len()));
}

/// A number as people write it: three figures, none needlessly.
fn figure(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v if v >= 0.001 => format!("{v:.3}"),
        v => {
            let exponent = v.log10().floor();
            format!("{:.0}e{exponent}", v / 10f64.powf(exponent))
        }
    }
}

/// What was counted: how often in how long, and so how often a year; below one, how few it may be.
fn counted(tally: &Tally) -> String {
    let hours = tally.watched.as_secs_f64() / 3600.0;
    match tally.failures {
        0 => format!("0 in {hours:.0} h"),
        some => format!("{some} in {hours:.0} h: {} a year", figure(tally.failures_a_year())),
    }
}

#[test]
#[ignore = "counts for many minutes: the tables of docs/detection.md"]
fn tables() {
    let (seeds, span) = (2_000, minutes(2));
    println!("\nFDT {FDT:?}; {seeds} seeds of {span:?} each; a year is {} days.\n", YEAR.as_secs() / 86_400);

    head(&[
        "loss",
        "classic, counted",
        "classic, computed a year",
        "confirm, counted",
        "confirm, computed a year at most",
    ]);
    for loss in [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3] {
        let mut cells = vec![format!("{} %", loss * 100.0)];
        for schedule in BOTH {
            cells.push(counted(&tally(seeds, schedule, &Path::lossy(loss), span)));
            cells.push(figure(expected_a_year(schedule, FDT, loss)));
        }
        row(&cells);
    }

    println!();
    head(&["bursts", "classic, counted", "confirm, counted"]);
    let pause = Duration::from_secs(10);
    let up_to_half = Length::Between(Duration::ZERO, FDT / 2);
    let bursts = |length, loss| Path { burst: Some(Burst { pause, length }), loss, ..Path::default() };
    let mean = |share: u32| Length::Mean(FDT / share);
    for (name, path) in [
        ("up to F/2, nothing else", bursts(up_to_half, 0.0)),
        ("up to F/2, and 1 % loss", bursts(up_to_half, 0.01)),
        ("up to F/2, and 5 % loss", bursts(up_to_half, 0.05)),
        ("up to F/2, and 10 % loss", bursts(up_to_half, 0.1)),
        ("Gilbert, F/20 on average", bursts(mean(20), 0.0)),
        ("Gilbert, F/10 on average", bursts(mean(10), 0.0)),
        ("Gilbert, F/5 on average", bursts(mean(5), 0.0)),
    ] {
        let cells = BOTH.map(|schedule| counted(&tally(seeds, schedule, &path, span)));
        row(&[&[name.to_owned()][..], &cells].concat());
    }

    println!();
    head(&["silent failure", "classic", "confirm"]);
    let found = BOTH.map(|schedule| each_of(seeds, |seed| detection(seed, schedule, FDT, 0.0)));
    let ms = |d: Duration| format!("{:.0} ms", d.as_secs_f64() * 1e3);
    let line = |name: &str, of: &dyn Fn(&[Duration]) -> Duration| {
        row(&[vec![name.to_owned()], found.iter().map(|found| ms(of(found))).collect()].concat());
    };
    line("soonest", &|found| *found.iter().min().expect("there are some"));
    line("mean", &|found| found.iter().sum::<Duration>() / found.len() as u32);
    line("latest", &|found| *found.iter().max().expect("there are some"));
    let rest = BOTH.map(|schedule| tally(20, schedule, &Path::default(), span).probes_a_second());
    row(&["probes a second at rest".to_owned(), format!("{:.2}", rest[0]), format!("{:.2}", rest[1])]);
}

#[test]
#[ignore = "counts for a while: the table of single outages of docs/detection.md"]
fn table_of_single_outages() {
    let (seeds, each) = (40, 50);
    println!("\nOf {} outages, one at a time, so many fail the member.\n", seeds * u64::from(each));
    head(&["length", "classic", "confirm", "classic, 5 % loss besides", "confirm, 5 % loss besides"]);
    for percent in [30, 40, 45, 50, 55, 60, 70] {
        let mut cells = vec![format!("{:.2} F", f64::from(percent) / 100.0)];
        for loss in [0.0, 0.05] {
            for schedule in BOTH {
                let length = FDT / 100 * percent;
                let failures: u64 =
                    each_of(seeds, |seed| outages(seed, schedule, FDT, loss, length, each)).into_iter().sum();
                cells.push(failures.to_string());
            }
        }
        row(&cells);
    }
}
