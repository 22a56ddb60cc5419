//! The release's card: `README.md` with the metadata block that Hugging Face reads.

use std::fmt::Write as _;

use schemas::manifest::Manifest;
use schemas::split::Split;
use schemas::tables;

use super::summary::{Summary, licence, splits, title};

/// The card's text.
pub(super) fn render(manifest: &Manifest, summary: &Summary) -> String {
    let mut text = String::from("---\n");
    let mut line = |content: String| {
        text.push_str(&content);
        text.push('\n');
    };
    line(format!("pretty_name: {}", yaml(title(manifest))));
    line(format!("license: other\nlicense_name: {}", yaml(licence(manifest))));
    line("configs:".into());
    for view in &manifest.view {
        line(format!("- config_name: {}\n  data_files:", view.name));
        for split in splits(summary) {
            line(format!(
                "  - split: {0}\n    path: shards/{1}-{0}-*.arrow",
                split.name(),
                view.name
            ));
        }
    }
    line("---\n".into());
    line(format!("# {}\n", title(manifest)));
    if !manifest.release.description.is_empty() {
        line(format!("{}\n", manifest.release.description));
    }
    line(format!("- Version: {}", manifest.release.version));
    line(format!("- Licence: {}", licence(manifest)));
    line(format!(
        "- {} patients, {} studies, {} volumes, {} samples, {:.1} MiB of voxels",
        summary.patients,
        summary.studies.values().sum::<usize>(),
        summary.volumes,
        summary.samples,
        summary.bytes as f64 / f64::from(1 << 20)
    ));
    line(format!(
        "- Made by radloom {} from {} studies and {} volumes; `release.lock` holds every source with \
         its hash\n",
        env!("CARGO_PKG_VERSION"),
        summary.found_studies,
        summary.found_volumes
    ));
    line("## Splits\n\nBy patient.\n\n| split | studies |\n|---|---|".into());
    for split in Split::ALL {
        line(format!("| {} | {} |", split.name(), summary.studies[split.name()]));
    }
    line("\n## Views\n".into());
    for view in &manifest.view {
        let recipe = view.resolve().expect("views were resolved when the manifest was read");
        line(format!("- `{}`: {}", view.name, describe(&recipe)));
    }
    line("\n## Left out\n".into());
    if summary.excluded.is_empty() {
        line("Nothing.".into());
    } else {
        line("| reason | inputs |\n|---|---|".into());
        for (reason, count) in &summary.excluded {
            line(format!("| {reason} | {count} |"));
        }
        line("\nEach is a row of `tables/excluded.parquet`.".into());
    }
    line(format!(
        "\n## Files\n\n- `shards/*.arrow`: voxels, Arrow IPC, one record batch a sample\n\
         - `tables/*.parquet`: {}\n\
         - `release.lock`, `SHA256SUMS`: what it was made from, and what it is\n\
         - `croissant.json`: machine-readable metadata\n\nCheck it with `radloom release verify DIR` \
         or `sha256sum -c SHA256SUMS`.\n\n\
         Hounsfield rescale is applied; do not apply it again (`radloom.rescale_applied` in each \
         shard's schema).",
        table_names()
    ));
    text
}

/// The names of all tables, with a break where a line would be too long.
fn table_names() -> String {
    const MAX_LINE: usize = 82;
    let mut text = String::new();
    let mut column = "- `tables/*.parquet`:".len();
    for (at, table) in tables::ALL.iter().enumerate() {
        let name = table.name.replace('_', " ");
        let end = if at + 1 == tables::ALL.len() { "" } else { "," };
        let word = name.len() + end.len();
        if column + 1 + word > MAX_LINE {
            text.push_str("\n  ");
            column = 1;
        } else if at > 0 {
            text.push(' ');
        }
        write!(text, "{name}{end}").expect("writing to a string does not fail");
        column += 1 + word;
    }
    text
}

/// A recipe in words.
fn describe(recipe: &schemas::manifest::Recipe) -> String {
    use schemas::manifest::{ClipStage, Crop, Orientation};

    let mut text = match recipe.orientation {
        Orientation::Ras => "RAS".to_owned(),
        Orientation::Lps => "LPS".to_owned(),
        Orientation::Keep => "as stored".to_owned(),
    };
    if let Some([x, y, z]) = recipe.spacing {
        write!(text, ", {x} × {y} × {z} mm").expect("writing to a string does not fail");
    }
    let crop = match recipe.crop {
        Crop::None => String::new(),
        Crop::CenterFraction([x, y, z]) => {
            format!(", centre crop to {x} × {y} × {z} of each axis")
        }
        Crop::CenterSize(size) => format!(", centre crop or pad to {}", sizes(size)),
        Crop::Body(margin) => format!(", cropped to the body with {margin} mm around it"),
        Crop::BodySize(size) => format!(", {} centred on the body", sizes(size)),
        Crop::Foreground(margin) => {
            format!(", cropped to what Otsu's threshold finds with {margin} mm around it")
        }
    };
    text.push_str(&crop);
    if let Some([x, y, z]) = recipe.resize {
        write!(text, ", resized to {x} × {y} × {z}").expect("writing to a string does not fail");
    }
    if let Some(crops) = recipe.crops {
        write!(text, ", {} crops of {}", crops.count, sizes(crops.size))
            .expect("writing to a string does not fail");
    }
    let when = match recipe.clip {
        ClipStage::Source => "clipped before resampling",
        ClipStage::Output => "clipped after resampling",
    };
    let windows: Vec<String> =
        recipe.windows.iter().map(|[low, high]| format!("{low}..{high} HU")).collect();
    write!(text, ", {} {when}, {} (x, y, z order)", windows.join(" and "), recipe.dtype.name())
        .expect("writing to a string does not fail");
    text
}

fn sizes(size: [u32; 3]) -> String {
    size.map(|n| if n == 0 { "all".to_owned() } else { n.to_string() }).join(" × ")
}

fn yaml(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
