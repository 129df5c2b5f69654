//! The machine on which the figures were measured, in one line, because a figure without it means nothing; and how much of
//! it may be used.

use std::{fs::read_to_string, thread::available_parallelism};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Processor, cores, memory and kernel.
pub(crate) fn describe() -> String {
    let cores = available_parallelism().map_or(0, |cores| cores.get());
    let processor =
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok());
    let memory = memory.map_or_else(String::new, |kibibytes| {
        format!(", {:.0} GiB", kibibytes as f64 / 1_048_576.0)
    });
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} × {processor}{memory}, Linux {}", kernel.trim())
}

/// Raises how many files may be open to what the system allows: a connection is a file, too. Where that is refused, opening
/// too many says so.
pub(crate) fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(cause) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        eprintln!("open files: {:?} at most, cannot be raised: {cause}", limit.current);
    }
}

/// The value of the first line `name : value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start().strip_prefix(':')?.trim().to_owned())
}
