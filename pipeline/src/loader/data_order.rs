//! The order of a data set.

use std::collections::BTreeMap;

use schemas::manifest::train::Distinct;

use super::config::LoaderError;
use super::dataset::{Dataset, StoredSeries};
use super::order::{Order, OrderPlan, OrderedStudy};

/// The order of `dataset` by `plan`.
///
/// # Errors
///
/// [`LoaderError::Rules`] where the rules contradict each other, [`LoaderError::NoBatch`] where the data fill no batch.
pub fn data_order(dataset: &Dataset, plan: OrderPlan) -> Result<Order, LoaderError> {
    if let Some((field, problem)) = plan.rules.problem() {
        return Err(LoaderError::Rules { field, problem });
    }
    let mut patients = BTreeMap::new();
    let studies = dataset.studies.iter().map(|study| {
        let next = patients.len() as u32;
        let patient = *patients.entry(&study.record.patient_key).or_insert(next);
        OrderedStudy { series: study.series.len() as u32, patient }
    });
    let studies = studies.collect();
    let slices = |series: &StoredSeries| {
        series.record.blocks.iter().map(|block| block.shape[1] as u32).sum::<u32>()
    };
    let slices = if plan.rules.bucket {
        dataset.studies.iter().flat_map(|study| &study.series).map(slices).collect()
    } else {
        Vec::new()
    };
    let order = Order::new(plan, studies, slices);
    if order.epoch_positions() == 0 {
        let why = match plan.rules.distinct {
            Distinct::None => "",
            Distinct::Study => " of different studies",
            Distinct::Patient => " of different patients",
        };
        return Err(LoaderError::NoBatch { batch: plan.batch, why });
    }
    Ok(order)
}
