//! What this process used of the machine, from the system's own books.

/// Largest resident memory so far, in bytes; 0 where the system does not tell.
pub(crate) fn peak_memory() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(0, |kib| kib * 1024)
}

/// Processor time of all threads so far, in seconds; 0 where the system does not tell.
pub(crate) fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of `stat`, after the command name in parentheses, in ticks of 1/100 s.
    std::fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|stat| {
            let after = stat.rsplit_once(')')?.1.to_owned();
            let mut fields = after.split_whitespace().skip(11).map(str::parse::<f64>);
            Some((fields.next()?.ok()? + fields.next()?.ok()?) / 100.0)
        })
        .unwrap_or(0.0)
}
