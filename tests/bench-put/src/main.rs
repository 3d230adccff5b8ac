//! Stores N secrets of an organization, as the example `set_from_env_file` does, by octoseal and by octocrab with
//! crypto_box, against the stand-in behind TLS, and prints what each further put costs, also after thousands, and what
//! comes before the first: instructions (by valgrind's callgrind), allocations (by its memcheck), and the time that passes
//! where a request takes 40 ms.
//!
//! Instructions don't depend on what else the machine does. What callgrind wrote stays in `target/callgrind`, for
//! `callgrind_annotate`. Valgrind's processor has no ADX, for which AWS-LC has assembly of its own: where there is ADX, a
//! seal of 64 B takes 331 thousand instructions, not 439 thousand. AWS-LC is built as for all of this repository's own
//! programs, without entropy from a clock's jitter; with it, as others get it: `AWS_LC_SYS_NO_JITTER_ENTROPY=0 cargo
//! run …`. Jobs can be named, to measure fewer.

mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use server::Server;

type BoxError = Box<dyn std::error::Error>;

/// How many secrets are stored in the two runs whose difference is what the further ones cost. More would meet the
/// pace that GitHub documents.
const FEW: usize = 50;
const MANY: usize = 170;

const LATENCY: Duration = Duration::from_millis(40);
/// Of so many runs the fastest counts: noise only ever adds.
const RUNS: usize = 5;

const JOBS: [&str; 2] = ["octoseal-job", "octocrab-job"];

/// So many show whether a put costs more where many went before it.
const LOTS: usize = 10_000;

/// An organization has no more secrets: those beyond replace the first.
const MAX_SECRETS: usize = 1_000;

/// What a job costs, with few secrets and with many.
struct Cost {
    instructions: [f64; 2],
    /// For lots.
    instructions_of_lots: f64,
    allocations: [f64; 2],
    /// For few.
    seconds: f64,
}

fn main() -> Result<(), BoxError> {
    let chosen: Vec<_> = std::env::args().skip(1).collect();
    let server = Server::start()?;
    let mut costs = Vec::new();
    for name in JOBS {
        if chosen.is_empty() || chosen.iter().any(|it| it == name) {
            eprintln!("{name} …");
            let job = Job {
                program: build(name)?,
                server: &server,
            };
            costs.push((name, job.cost()?));
        }
    }
    print(&costs);
    Ok(())
}

/// Compiles a job alone: together with others its dependencies would have the features that those switch on.
fn build(job: &str) -> Result<PathBuf, BoxError> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let folder = std::env::current_exe()?;
    let folder = folder.parent().ok_or("this program is in no folder")?;
    let target = folder.parent().ok_or("this folder is in no other")?;
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--package", job])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if !built.success() {
        return Err(format!("{job} does not compile").into());
    }
    Ok(target.join("release").join(job))
}

struct Job<'a> {
    program: PathBuf,
    server: &'a Server,
}

impl Job<'_> {
    fn cost(&self) -> Result<Cost, BoxError> {
        self.server.latency(Duration::ZERO);
        let instructions = [self.instructions(FEW)?, self.instructions(MANY)?];
        let instructions_of_lots = self.instructions(LOTS)?;
        let allocations = [self.allocations(FEW)?, self.allocations(MANY)?];
        self.server.latency(LATENCY);
        let mut seconds = f64::MAX;
        for _ in 0..RUNS {
            let began = Instant::now();
            self.run(Command::new(&self.program), FEW)?;
            seconds = seconds.min(began.elapsed().as_secs_f64());
        }
        Ok(Cost {
            instructions,
            instructions_of_lots,
            allocations,
            seconds,
        })
    }

    fn instructions(&self, count: usize) -> Result<f64, BoxError> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/callgrind");
        std::fs::create_dir_all(&folder)?;
        let name = self.program.file_name().unwrap_or_default();
        let file = folder.join(format!("{}.{count}", name.display()));
        let mut valgrind = Command::new("valgrind");
        valgrind
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(&self.program);
        number_after("Collected :", &self.run(valgrind, count)?)
    }

    fn allocations(&self, count: usize) -> Result<f64, BoxError> {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=memcheck", "--undef-value-errors=no"]);
        valgrind.arg(&self.program);
        number_after("total heap usage:", &self.run(valgrind, count)?)
    }

    /// Lets the job store so many secrets, and sees that they are there.
    fn run(&self, mut command: Command, count: usize) -> Result<Output, BoxError> {
        self.server.forget();
        // Both trust what the platform trusts, which is this for them.
        command.env("SSL_CERT_FILE", self.server.certificate.path());
        let output = command
            .args([&self.server.url, &count.to_string()])
            .output()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let stored = self.server.stored();
        if !output.status.success() || stored != count.min(MAX_SECRETS) {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{stored} of {count} were stored: {said}").into());
        }
        Ok(output)
    }
}

/// The number that valgrind prints behind these words.
fn number_after(words: &str, output: &Output) -> Result<f64, BoxError> {
    let text = String::from_utf8_lossy(&output.stderr);
    let number = text.split_once(words).and_then(|(_, after)| {
        let number = after.split_whitespace().next()?;
        number.replace(',', "").parse().ok()
    });
    number.ok_or_else(|| format!("valgrind does not say {words:?}").into())
}

/// A table; the last column is the ratio of the first to the last.
fn print(costs: &[(&str, Cost)]) {
    let names: Vec<_> = costs.iter().map(|(name, _)| *name).collect();
    println!("| | {} | ratio |", names.join(" | "));
    println!("|---|{}", "---|".repeat(names.len() + 1));
    let row = |what: &str, digits: usize, of: &dyn Fn(&Cost) -> f64| {
        let values: Vec<_> = costs.iter().map(|(_, cost)| of(cost)).collect();
        let shown: Vec<_> = values.iter().map(|it| format!("{it:.digits$}")).collect();
        let ratio = values
            .first()
            .zip(values.last())
            .map(|(one, other)| one / other);
        println!(
            "| {what} | {} | {:.2} |",
            shown.join(" | "),
            ratio.unwrap_or(1.0)
        );
    };
    row("thousand instructions, each further put", 0, &|cost| {
        further(cost.instructions) / 1e3
    });
    let what = format!("times as many, each up to number {LOTS}");
    row(&what, 2, &|cost| {
        let of_few = cost.instructions[0];
        let each = (cost.instructions_of_lots - of_few) / (LOTS - FEW) as f64;
        each / further(cost.instructions)
    });
    row("million instructions, before the first", 1, &|cost| {
        before(cost.instructions) / 1e6
    });
    row("allocations, each further put", 0, &|cost| {
        further(cost.allocations)
    });
    row("allocations, before the first", 0, &|cost| {
        before(cost.allocations)
    });
    let what = format!("seconds for {FEW}, at {} ms a request", LATENCY.as_millis());
    row(&what, 3, &|cost| cost.seconds);
}

fn further([few, many]: [f64; 2]) -> f64 {
    (many - few) / (MANY - FEW) as f64
}

fn before(costs: [f64; 2]) -> f64 {
    costs[0] - further(costs) * FEW as f64
}
