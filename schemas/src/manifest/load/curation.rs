//! What of a manifest belongs to a release.

use super::super::limits::LimitsSection;
use super::super::whole::Manifest;
use super::path::PATHS;

impl Manifest {
    /// The part of the manifest that decides the release's bytes: without `[train]`, `[evaluate]`,
    /// most of `[limits]`, the output folder and the places where the corpus, the user's lexicon and the sentence
    /// encoder happen to lie. What these files hold is in the lock.
    #[must_use]
    pub fn curation(&self) -> Self {
        let mut curation = self.clone();
        curation.train = None;
        curation.evaluate = None;
        let decompressed_mib = self.limits.decompressed_mib;
        curation.limits = LimitsSection { decompressed_mib, ..LimitsSection::default() };
        for field in PATHS {
            (field.visit)(&mut curation, &mut |path| {
                *path = field.recorded.path(path);
            });
        }
        curation
    }
}
