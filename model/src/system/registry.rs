//! The list of systems.

use burn::module::AutodiffModule;
use burn::tensor::backend::AutodiffBackend;
use schemars::{Schema, SchemaGenerator};
use schemas::manifest::train::TrainSection;
use schemas::manifest::{ManifestError, ManifestOrigin};

use super::error::StartError;
use super::input_shape::InputShape;
use super::tables::SystemTables;
use super::traits::System;

/// A system as data.
#[derive(Debug, Clone, Copy)]
pub struct SystemInfo {
    /// Name in manifests.
    pub name: &'static str,
    /// What it is, in one line.
    pub doc: &'static str,
    check: fn(&TrainSection, &ManifestOrigin, Option<InputShape>) -> Result<(), StartError>,
    /// The schemas of `[train.model]` and `[train.objectives]`.
    pub(super) tables: fn(&mut SchemaGenerator) -> [Schema; 2],
}

impl SystemInfo {
    pub(super) const fn of<S: System>() -> Self {
        Self {
            name: S::NAME,
            doc: S::DOC,
            check: |section, origin, input| {
                let tables = read::<S>(section, origin)?;
                match input {
                    Some(input) => check::<S>(&tables, input, origin),
                    None => Ok(()),
                }
            },
            tables: |generator| {
                [
                    generator.subschema_for::<S::ModelTable>(),
                    generator.subschema_for::<S::ObjectiveTable>(),
                ]
            },
        }
    }

    /// Checks the tables of a system: its keys, and whether the numbers fit together and fit the `input`, where
    /// that is known.
    ///
    /// # Errors
    /// [`StartError`] that names file, line and key.
    pub fn check(
        &self,
        section: &TrainSection,
        origin: &ManifestOrigin,
        input: Option<InputShape>,
    ) -> Result<(), StartError> {
        (self.check)(section, origin, input)
    }
}

/// Reads the tables of a system, with its paths resolved.
pub(crate) fn read<S: System>(
    section: &TrainSection,
    origin: &ManifestOrigin,
) -> Result<SystemTables<S::ModelTable, S::ObjectiveTable>, StartError> {
    let mut tables = SystemTables::read(section, origin)?;
    S::locate(&mut tables, origin)?;
    Ok(tables)
}

/// Refuses tables that do not fit the input.
pub(crate) fn check<S: System>(
    tables: &SystemTables<S::ModelTable, S::ObjectiveTable>,
    input: InputShape,
    origin: &ManifestOrigin,
) -> Result<(), StartError> {
    S::check(tables, input).map_err(|problem| {
        let key =
            if problem.starts_with("`image_mask") { "train.objectives" } else { "train.model" };
        StartError::Manifest(origin.error(key, format!("is refused: {problem}")))
    })
}

/// Work that is done with a system that a manifest names, on a backend.
pub trait SystemJob {
    /// What the work returns.
    type Output;

    /// Does the work with system `S`.
    fn run<S: System, B: AutodiffBackend>(self, device: &B::Device) -> Self::Output
    where
        S::Model<B>: AutodiffModule<B>;
}

/// The system of this name among `all`.
pub(super) fn named(
    all: &'static [SystemInfo],
    name: &str,
    origin: &ManifestOrigin,
) -> Result<&'static SystemInfo, ManifestError> {
    all.iter().find(|system| system.name == name).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|system| format!("`{}`", system.name)).collect();
        let problem = format!("`{name}` is not a system: available are {}", names.join(", "));
        origin.error("train.system", problem)
    })
}

/// Declares the modules of the systems, the list of them, and the step from a name to a type.
macro_rules! systems {
    ($($module:ident::$system:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// Every system, in the order of the list.
        pub fn all() -> &'static [SystemInfo] {
            const { &[$(SystemInfo::of::<$module::$system>()),+] }
        }

        /// The system of this name.
        ///
        /// # Errors
        /// [`ManifestError`](schemas::manifest::ManifestError) that names those there are.
        pub fn info(
            name: &str,
            origin: &schemas::manifest::ManifestOrigin,
        ) -> Result<&'static SystemInfo, schemas::manifest::ManifestError> {
            registry::named(all(), name, origin)
        }

        /// Runs `job` with the system of this name.
        ///
        /// # Errors
        /// [`ManifestError`](schemas::manifest::ManifestError) that names the systems there are.
        pub fn with_system<B: burn::tensor::backend::AutodiffBackend, J: SystemJob>(
            name: &str,
            origin: &schemas::manifest::ManifestOrigin,
            device: &B::Device,
            job: J,
        ) -> Result<J::Output, schemas::manifest::ManifestError> {
            let name = info(name, origin)?.name;
            $(if name == <$module::$system as System>::NAME {
                return Ok(job.run::<$module::$system, B>(device));
            })+
            unreachable!("every name of the list is that of a system of the list")
        }
    };
}
pub(super) use systems;
