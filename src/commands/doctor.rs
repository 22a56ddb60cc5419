//! `radloom doctor`: what this machine can do.

use serde_json::json;

use crate::cli::Common;
use crate::failure::DONE;
use crate::progress::print;

pub(super) fn run(common: &Common) -> u8 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(0, |kib| kib * 1024);
    let cuda = cfg!(feature = "cuda");
    #[cfg(target_arch = "x86_64")]
    let features: Vec<&str> = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("sha", std::arch::is_x86_feature_detected!("sha")),
    ]
    .into_iter()
    .filter_map(|(name, found)| found.then_some(name))
    .collect();
    #[cfg(not(target_arch = "x86_64"))]
    let features: Vec<&str> = Vec::new();
    let driver = std::path::Path::new("/proc/driver/nvidia/version").is_file();
    if common.json {
        let value = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "processors": processors,
            "memory_bytes": memory,
            "cpu_features": features,
            "cuda_built": cuda,
            "nvidia_driver": driver,
        });
        print(&value.to_string());
        return DONE;
    }
    print(&format!("radloom {}", env!("CARGO_PKG_VERSION")));
    print(&format!("processors    {processors}"));
    print(&format!("memory        {:.1} GiB", memory as f64 / f64::from(1 << 30)));
    print(&format!("cpu features  {}", features.join(" ")));
    let cuda_text = match (cuda, driver) {
        (true, true) => "built in, driver found: `--device cuda:0` can be used",
        (true, false) => "built in, but no NVIDIA driver was found",
        (false, _) => "not built in: `cargo build --release --features cuda`",
    };
    print(&format!("CUDA          {cuda_text}"));
    DONE
}
