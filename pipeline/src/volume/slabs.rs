//! A view of a volume too large to hold: its slices come in stored order and go as soon as no output
//! slice needs them.

use arrow::buffer::MutableBuffer;
use schemas::manifest::{Crop, Recipe};

use super::affine::Affine;
use super::image::Voxels;
use super::resample::resample;
use super::stored::{Sample, Stored};
use super::view::{ViewPlan, ViewTensor};
use crate::memory::zeroed_buffer;
use schemas::rescale::Rescale;

/// Why a view needs the whole volume at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlabError {
    /// The body is found in the whole volume.
    #[error("crops to body or foreground need the whole volume in memory")]
    Body,
    /// Slices of the view are not runs of stored slices.
    #[error(
        "the volume is stored in another axis order than the view's, which needs all of it in memory"
    )]
    Order,
}

/// Makes a view from slabs of slices; the result is that of [`super::make_view`], byte for byte.
pub struct SlabView {
    plan: ViewPlan,
    dims: [usize; 3],
    /// Slices still needed, from `first` on.
    window: Voxels,
    first: usize,
    /// For each block and output slice, the stored slices it needs; none once it is made.
    needs: Vec<Vec<Option<std::ops::Range<usize>>>>,
    bytes: MutableBuffer,
}

impl SlabView {
    /// Prepares the view of a volume of this geometry.
    ///
    /// # Errors
    ///
    /// [`SlabError`] where the view needs the whole volume.
    pub fn new(
        dims: [usize; 3],
        affine: Affine,
        rescale: Rescale,
        recipe: &Recipe,
    ) -> Result<Self, SlabError> {
        if matches!(recipe.crop, Crop::Body(_) | Crop::BodySize(_) | Crop::Foreground(_)) {
            return Err(SlabError::Body);
        }
        let plan = ViewPlan::new(dims, affine, rescale, recipe, None);
        if plan.order.source[0] != 0 || plan.order.source[2] != 2 {
            return Err(SlabError::Order);
        }
        let flipped = plan.order.flipped[2];
        let needs = plan
            .blocks
            .iter()
            .map(|[_, _, taps]| {
                let valid = taps.valid();
                let need = |z: usize| {
                    let start = taps.at(z).0;
                    let end = start + taps.width();
                    if flipped { dims[2] - end..dims[2] - start } else { start..end }
                };
                (0..taps.len())
                    .map(|z| Some(if valid.contains(&z) { need(z) } else { 0..0 }))
                    .collect()
            })
            .collect();
        let bytes = zeroed_buffer(plan.bytes());
        Ok(Self { plan, dims, window: Voxels::I16(Vec::new()), first: 0, needs, bytes })
    }

    /// Takes the next slices as stored. All slabs of a volume have one type.
    pub fn push(&mut self, slab: Voxels) {
        match (&mut self.window, slab) {
            (Voxels::I16(window), Voxels::I16(slab)) => window.extend(slab),
            (Voxels::F32(window), Voxels::F32(slab)) => window.extend(slab),
            (window, slab) => *window = slab,
        }
        let plane = self.dims[0] * self.dims[1];
        let end = self.first + self.window.len() / plane;
        let window = std::mem::replace(&mut self.window, Voxels::I16(Vec::new()));
        match &window {
            Voxels::I16(values) => self.make(values, end),
            Voxels::F32(values) => self.make(values, end),
        }
        self.window = window;
        let next = self.needs.iter().flatten().flatten().map(|need| need.start).min();
        let keep = next.unwrap_or(end).clamp(self.first, end);
        let gone = (keep - self.first) * plane;
        match &mut self.window {
            Voxels::I16(values) => drop(values.drain(..gone)),
            Voxels::F32(values) => drop(values.drain(..gone)),
        }
        self.first = keep;
    }

    /// Makes every output slice whose source slices lie before `end`.
    fn make<T: Sample>(&mut self, values: &[T], end: usize) {
        let source = Stored::new(values, self.first, self.dims, self.plan.order);
        let block = self.plan.block_bytes().max(1);
        let outputs = self.bytes.chunks_mut(block);
        for ((taps, needs), output) in self.plan.blocks.iter().zip(&mut self.needs).zip(outputs) {
            let ready = |need: &Option<std::ops::Range<usize>>| {
                need.as_ref().is_some_and(|need| need.end <= end)
            };
            resample(
                &source,
                taps,
                self.plan.intensity,
                &self.plan.encoder,
                |z| ready(&needs[z]),
                output,
            );
            for need in needs {
                if ready(need) {
                    *need = None;
                }
            }
        }
    }

    /// The view, once every slice was pushed.
    pub fn finish(self) -> ViewTensor {
        self.plan.finish(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::manifest::{Crops, Kernel, Preset};

    use super::*;
    use crate::volume::{Volume, make_view};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn slabs_of_any_thickness_give_the_bytes_of_the_whole(
            dims in prop::array::uniform3(3_usize..20),
            thickness in 1_usize..9,
            signs in prop::array::uniform3(prop::bool::ANY),
            spacing in prop::option::of(prop::array::uniform3(0.5_f64..3.0)),
            cubic in prop::bool::ANY,
            crops in prop::bool::ANY,
        ) {
            let mut columns = [[0.0; 3]; 3];
            for axis in 0..3 {
                columns[axis][axis] = if signs[axis] { 1.1 } else { -1.1 };
            }
            let count = dims.iter().product::<usize>();
            let values: Vec<i16> = (0..count).map(|at| ((at * 7919) % 3001) as i16 - 1400).collect();
            let volume = Volume {
                voxels: Voxels::I16(values.clone()),
                dims,
                affine: Affine::from_columns(columns, [1.0, 2.0, 3.0]),
                rescale: Rescale { slope: 1.0, intercept: -24.0 },
            };
            let recipe = Recipe {
                spacing,
                kernel: if cubic { Kernel::Cubic } else { Kernel::Linear },
                crops: crops.then_some(Crops { count: 3, size: [5, 4, 6], seed: 1 }),
                ..Preset::Native.recipe()
            };
            let mut slabs = SlabView::new(dims, volume.affine, volume.rescale, &recipe)
                .expect("stored in order");
            for slab in values.chunks(dims[0] * dims[1] * thickness) {
                slabs.push(Voxels::I16(slab.to_vec()));
            }
            prop_assert_eq!(slabs.finish(), make_view(&volume, &recipe));
        }
    }
}
