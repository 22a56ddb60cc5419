//! Arguments, as plain data.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use schemas::manifest::train::{CropPlace, Damaged, Distinct, SeriesPerEpoch, Tail, Verify};
use schemas::manifest::{Kernel, Remedy, VoxelType};

/// Turns 3D volumes and radiology reports into reproducible training releases, and trains from them.
#[derive(Debug, Parser)]
#[command(name = "radloom", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Options of every verb.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Print the result as JSON on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Worker threads; 0 means one for each processor.
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<u32>,
    /// Say nothing but errors.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

/// A manifest and what the command line changes of it.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManifestArgs {
    /// The manifest.
    pub(crate) manifest: PathBuf,
    /// Output folder instead of the manifest's `[release] out`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Change one key, as in `--set view.0.spacing=[1,1,1]`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Exit with 3 when inputs were left out.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Where models run: `cpu` or `cuda:N`.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

/// A manifest whose release is made.
#[derive(Debug, Clone, Args)]
pub(crate) struct CurateArgs {
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
    /// A release, or the output folder that holds one, whose shards are used again where sources and recipe are the
    /// same; several with several options. The release that `--out` holds is always one of them.
    #[arg(long, value_name = "DIR")]
    pub(crate) reuse: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Do everything the manifest asks for: curate, seal, train, evaluate. Resumes what is unfinished.
    Run(CurateArgs),
    /// Make the release of a manifest.
    Curate(CurateArgs),
    /// Train from the release of a manifest.
    Train(ManifestArgs),
    /// Evaluate the last checkpoint of a manifest.
    Evaluate(ManifestArgs),
    /// Say what a file, series, folder or release is and what is wrong with it.
    Inspect(InspectArgs),
    /// Take one volume through a view and write it as NIfTI.
    Volume(VolumeArgs),
    /// Read reports into graphs, one JSON object per line.
    Report(Box<ReportArgs>),
    /// Check a release.
    #[command(subcommand)]
    Release(ReleaseVerb),
    /// Measure the loader on a release.
    #[command(subcommand)]
    Loader(LoaderVerb),
    /// Make a synthetic corpus of chest CT with reports, whose findings are known.
    Phantom(PhantomArgs),
    /// Write an HTML page of a release.
    Show(ShowArgs),
    /// List what manifests and options may name.
    List(ListArgs),
    /// Print the JSON Schema of manifests.
    Schema,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Say what this machine can do.
    Doctor,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ListArgs {
    /// The list to print; every list when left out.
    #[arg(value_parser = listed)]
    pub(crate) kind: Option<ListKind>,
}

schemas::named_enum! {
    /// A list of `radloom list`.
    pub(crate) enum ListKind {
        /// Training systems, by their names in `[train] system`.
        Systems = "systems",
        /// Image encoders, by their names in `[train.model] encoder`.
        Encoders = "encoders",
        /// Layouts of corpora, by their names in `[corpus] layout`.
        Layouts = "layouts",
        /// Published preprocessings, by their names in `[[view]] preset`.
        Presets = "presets",
        /// Label policies, by their names in `[report] policies`.
        Policies = "policies",
        /// Rules of the report parser, by the ids in the tables of nodes and edges.
        Rules = "rules",
        /// Why an input is left out, by the codes in the table `excluded`.
        Reasons = "reasons",
        /// Forms that a parsed report is written in.
        Exports = "exports",
        /// Tables of a release, by the names of their files.
        Tables = "tables",
    }
}

/// A list by its name.
fn listed(text: &str) -> Result<ListKind, String> {
    ListKind::from_name(text).ok_or_else(|| {
        format!(
            "`{text}` is not a list: available are {}",
            ListKind::ALL.map(ListKind::name).join(", ")
        )
    })
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PhantomArgs {
    /// The folder to make it in: a corpus in the layout of CT-RATE, with the truth in `truth/`.
    pub(crate) folder: PathBuf,
    /// Studies.
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub(crate) studies: usize,
    /// What everything is drawn from: the same seed gives the same bytes.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Voxels along each axis of a volume.
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub(crate) size: usize,
    /// Share of the studies that get a fault, as files and reports of corpora have them, 0 to 1.
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    pub(crate) faults: f64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct InspectArgs {
    /// A file, a folder of DICOM files, a tree of both, or a release.
    pub(crate) path: PathBuf,
    /// Write slices of the one series there is as a PNG, with letters for right, left, front and back.
    #[arg(long, value_name = "PNG")]
    pub(crate) montage: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct VolumeArgs {
    /// A NIfTI file or the folder of a DICOM series.
    pub(crate) input: PathBuf,
    /// The `.nii.gz` or `.nii` to write; crops and channels become images of one file.
    pub(crate) output: PathBuf,
    /// A preset (`native`, `mg3d`, `ct-clip`, `merlin`, `nnunet-ct`, `t3d`, `ms-vlm`) or the table of
    /// a view, as in `{ preset = "native", crop = { body = 10.0 } }`.
    #[arg(long, default_value = "native", value_name = "NAME|TABLE")]
    pub(crate) view: String,
    /// Voxel size in mm, as in `1.5,1.5,3`.
    #[arg(long, value_name = "X,Y,Z", value_parser = numbers::<3>)]
    pub(crate) spacing: Option<[f64; 3]>,
    /// Interpolation: `linear`, `cubic` or `nearest`.
    #[arg(long, value_parser = named::<Kernel>)]
    pub(crate) kernel: Option<Kernel>,
    /// Whether a low-pass filter precedes downsampling.
    #[arg(long)]
    pub(crate) antialias: Option<Switch>,
    /// Window in Hounsfield units, as in `-1000,1000`.
    #[arg(long, value_name = "LOW,HIGH", value_parser = numbers::<2>, allow_hyphen_values = true)]
    pub(crate) window: Option<[f64; 2]>,
    /// Voxel type: `i16` or `u8`.
    #[arg(long, value_parser = named::<VoxelType>)]
    pub(crate) dtype: Option<VoxelType>,
    /// What is done with slices sheared against their normal: `reject`, `repair` or `accept`.
    #[arg(long, value_name = "REMEDY", value_parser = named::<Remedy>, default_value = "reject")]
    pub(crate) tilt: Remedy,
    /// What is done with slices missing or unevenly spaced: `reject`, `repair` or `accept`.
    #[arg(long, value_name = "REMEDY", value_parser = named::<Remedy>, default_value = "reject")]
    pub(crate) gaps: Remedy,
    /// What is done with several slices at one position: `reject`, `repair` or `accept`.
    #[arg(long, value_name = "REMEDY", value_parser = named::<Remedy>, default_value = "reject")]
    pub(crate) duplicates: Remedy,
    /// Decoded size in MiB above which a NIfTI volume is read slab by slab and never held whole.
    #[arg(long, value_name = "MIB")]
    pub(crate) slab_above_mib: Option<u32>,
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Numbers with commas between them.
fn numbers<const N: usize>(text: &str) -> Result<[f64; N], String> {
    let parsed: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let values = parsed.map_err(|error| error.to_string())?;
    let count = values.len();
    values.try_into().map_err(|_| format!("{N} numbers are needed, {count} were given"))
}

/// A value of a manifest's enumeration by its name there.
fn named<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) verb: Option<ReportVerb>,
    /// A text, csv, JSONL or Parquet file, or `-` for text on stdin. A file named as a verb is: `./explain`.
    #[arg(required_unless_present = "rules")]
    pub(crate) file: Option<PathBuf>,
    /// List the rules of the parser, each with an example; with a file, how often each one decided.
    #[arg(long, group = "form")]
    pub(crate) rules: bool,
    /// Label policy to show, by name or as a TOML file of your own; every policy when left out.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) policy: Option<String>,
    #[command(flatten)]
    pub(crate) source: ReportSource,
    /// Print one JSON object per report in the shape of `RadGraph`.
    #[arg(long, group = "form")]
    pub(crate) radgraph: bool,
    /// Print an HTML page of one report with what was found marked.
    #[arg(long, group = "form")]
    pub(crate) html: bool,
    /// List the content words that the lexicon does not know.
    #[arg(long, group = "form")]
    pub(crate) coverage: bool,
    /// Look for what could give a patient away: identifiers of the report's own row, names, numbers.
    #[arg(long, group = "form")]
    pub(crate) identifiers: bool,
    /// Replace what could give a patient away by typed placeholders (`[NAME]`): print the text, with `--json` also what
    /// stood where; with another form or `--out`, parse the redacted text.
    #[arg(long)]
    pub(crate) redact: bool,
    /// Write the tables of a release's reports as Parquet into this folder: reports, sentences, nodes,
    /// edges, labels, measurements, sentence types and their similarity.
    #[arg(long, value_name = "DIR", group = "form")]
    pub(crate) out: Option<PathBuf>,
    /// Sentence encoder whose vectors take the place of TF-IDF in the table of similarity: the folder of a BERT
    /// with `config.json`, `tokenizer.json` and `model.safetensors`.
    #[arg(long, value_name = "DIR", requires = "out")]
    pub(crate) encoder: Option<PathBuf>,
    /// Where the encoder runs: `cpu` or `cuda:N`.
    #[arg(long, value_name = "DEVICE", default_value = "cpu", requires = "encoder")]
    pub(crate) device: String,
    /// Print the sentences of each report by organ.
    #[arg(long, group = "form")]
    pub(crate) organs: bool,
}

/// How reports are read out of a file.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReportSource {
    /// Column (csv, Parquet) or field (JSONL) that holds the text.
    #[arg(long, default_value = "text")]
    pub(crate) column: String,
    /// Column or field that holds the ids; `id`, `VolumeName`, `study_id` or `report_id` when left out.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) id: Option<String>,
    /// A lexicon of your own that layers over the built-in one: rows of any of its tables, each under its header.
    #[arg(long, value_name = "FILE")]
    pub(crate) lexicon: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ReportVerb {
    /// Show step by step why a text is read as it is: clauses, phrases of the lexicon, reach of cues, deciding rules.
    Explain {
        /// The text.
        text: String,
        /// A lexicon of your own that layers over the built-in one.
        #[arg(long, value_name = "FILE")]
        lexicon: Option<PathBuf>,
    },
    /// List rows of a lexicon that can never be read, that another row shadows, that say what others say.
    Lint {
        /// A lexicon of your own; the built-in one when left out.
        lexicon: Option<PathBuf>,
    },
    /// Compare a corpus's own labels with the parser's, and list where they disagree, the worst first, with the sentences.
    Audit(AuditArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArgs {
    /// The reports: a csv, JSONL or Parquet file.
    pub(crate) file: PathBuf,
    /// A csv file with a column for each label, named as in the policy (case and marks do not matter) and holding 1, 0 or
    /// -1; the file of the reports itself when left out.
    #[arg(long, value_name = "CSV")]
    pub(crate) labels: Option<PathBuf>,
    /// The column of the labels' file that holds the ids of the reports, where it is called otherwise than in theirs.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key: Option<String>,
    /// Label policy to compare with, by name or as a TOML file of your own.
    #[arg(long, value_name = "NAME|FILE", default_value = "ct_rate_18")]
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) source: ReportSource,
    /// Write `disagreements.csv`, `labels.csv` and `audit.html` into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ReleaseVerb {
    /// Check every file and tensor of a release against its sums.
    Verify {
        /// The release.
        dir: PathBuf,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum LoaderVerb {
    /// Load epochs of a release as fast as it goes.
    Bench(BenchArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// The release.
    pub(crate) dir: PathBuf,
    /// View to load; the first one when left out.
    #[arg(long)]
    pub(crate) view: Option<String>,
    /// Split to load.
    #[arg(long, default_value = "train")]
    pub(crate) split: String,
    /// Samples of a global batch.
    #[arg(long, default_value_t = 4)]
    pub(crate) batch: usize,
    /// Passes over the split.
    #[arg(long, default_value_t = 4)]
    pub(crate) epochs: u64,
    /// Ranks that share each batch; this process loads for all of them in turn.
    #[arg(long, default_value_t = 1)]
    pub(crate) ranks: usize,
    /// Seed of the order.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// What no two samples of a batch share: `none`, `study` or `patient`.
    #[arg(long, value_parser = named::<Distinct>, default_value_t)]
    pub(crate) distinct: Distinct,
    /// What becomes of the samples at the end of an epoch that fill no batch: `carry`, `drop` or `pad`; `carry` when
    /// left out, and `drop` with `--distinct`.
    #[arg(long, value_parser = named::<Tail>)]
    pub(crate) tail: Option<Tail>,
    /// Which series of a study an epoch holds: `one`, `all` or `together`.
    #[arg(long, value_parser = named::<SeriesPerEpoch>, default_value_t)]
    pub(crate) series: SeriesPerEpoch,
    /// Batches of samples with about as many slices.
    #[arg(long)]
    pub(crate) bucket: bool,
    /// Boxes to draw out of each series.
    #[arg(long, requires = "crop_size")]
    pub(crate) crops: Option<u32>,
    /// Their size in voxels, x, y, z.
    #[arg(long, value_name = "X,Y,Z", value_delimiter = ',', requires = "crops")]
    pub(crate) crop_size: Vec<u32>,
    /// Where they may lie: `anywhere` or `body`.
    #[arg(long, value_parser = named::<CropPlace>, default_value_t)]
    pub(crate) crop_place: CropPlace,
    /// When a stored tensor is compared with its hash: `every-epoch`, `once` or `never`; `every-epoch` when left out,
    /// and `once` with `--crops`.
    #[arg(long, value_parser = named::<Verify>)]
    pub(crate) verify: Option<Verify>,
    /// What becomes of a damaged sample: `stop` or `skip`.
    #[arg(long, value_parser = named::<Damaged>, default_value_t)]
    pub(crate) damaged: Damaged,
    /// Memory of the ring in MiB.
    #[arg(long, default_value_t = 512)]
    pub(crate) ring_mib: usize,
    /// Time that a step of training would take, in milliseconds: each batch is held so long.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) step_ms: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ShowArgs {
    /// The release, or the output folder that holds it.
    pub(crate) dir: PathBuf,
    /// Folder to write the page into; when left out, `gallery` beside the release, or here for an address.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
