//! What a process costs: resident memory and processor time, read from Linux's `/proc`.

use std::time::Duration;

use anyhow::Context;

/// A process of this machine.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Resident memory in megabytes (10⁶ bytes).
    pub(crate) fn resident_megabytes(self) -> anyhow::Result<f64> {
        self.megabytes("VmRSS")
    }

    /// The most that it has ever been.
    pub(crate) fn peak_megabytes(self) -> anyhow::Result<f64> {
        self.megabytes("VmHWM")
    }

    /// Processor time so far, user and system, of all threads.
    pub(crate) fn processor_time(self) -> anyhow::Result<Duration> {
        let ticks = processor_ticks(&self.read("stat")?).context("unexpected /proc/PID/stat")?;
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }

    fn megabytes(self, field: &str) -> anyhow::Result<f64> {
        let kibibytes = kibibytes(&self.read("status")?, field)
            .with_context(|| format!("no {field} in /proc/PID/status; has the process ended?"))?;
        Ok(kibibytes as f64 * 1024.0 / 1e6)
    }

    fn read(self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        std::fs::read_to_string(&path)
            .with_context(|| format!("read {path}; is the process alive and on this machine?"))
    }
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn processor_ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses and may contain spaces and parentheses itself.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_found_among_the_other_lines() {
        let status = "Name:\tx\nVmHWM:\t 99999 kB\nVmRSS:\t  43212 kB\nRssAnon:\t 1 kB\n";
        assert_eq!(kibibytes(status, "VmRSS"), Some(43_212));
        assert_eq!(kibibytes(status, "VmHWM"), Some(99_999));
        assert_eq!(kibibytes("Name:\tx\n", "VmRSS"), None);
    }

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 500 0 3 0 17 5 1 2 20 0 9 0";
        assert_eq!(processor_ticks(stat), Some(22));
        assert_eq!(processor_ticks("42 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_memory_and_processor_time() {
        let this = Process(std::process::id());
        assert!(this.resident_megabytes().unwrap() > 0.5);
        assert!(this.peak_megabytes().unwrap() > 0.5);
        this.processor_time().unwrap();
    }
}
