//! Learning rate as a function of the step.

use schemas::manifest::train::{ScheduleKind, ScheduleSection};

/// Rate of `step` (from 0) of a run of `steps`: a linear rise over the warm-up to `peak`, then the schedule's
/// course, which would reach its floor on the step after the last.
pub fn learning_rate(schedule: &ScheduleSection, peak: f64, step: u64, steps: u64) -> f64 {
    if step < schedule.warmup_steps {
        return peak * (step + 1) as f64 / schedule.warmup_steps as f64;
    }
    let length = steps.saturating_sub(schedule.warmup_steps).max(1) as f64;
    let progress = ((step - schedule.warmup_steps) as f64 / length).min(1.0);
    let share = match schedule.kind {
        ScheduleKind::Constant => return peak,
        ScheduleKind::Linear => 1.0 - progress,
        ScheduleKind::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
        ScheduleKind::Polynomial => (1.0 - progress).powf(schedule.power),
    };
    peak * (schedule.floor + (1.0 - schedule.floor) * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ScheduleKind::{Constant, Cosine, Linear, Polynomial};

    fn rates(kind: ScheduleKind) -> Vec<f64> {
        let schedule = ScheduleSection { warmup_steps: 4, kind, ..ScheduleSection::default() };
        (0..12).map(|step| learning_rate(&schedule, 2.0, step, 12)).collect()
    }

    #[test]
    fn the_rate_rises_to_its_peak_and_follows_its_course() {
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        };
        for kind in [Constant, Linear, Cosine, Polynomial] {
            for (found, expected) in rates(kind).into_iter().zip([0.5, 1.0, 1.5, 2.0, 2.0]) {
                close(found, expected);
            }
        }
        close(rates(Linear)[8], 1.0);
        close(rates(Cosine)[8], 1.0);
        close(rates(Constant)[11], 2.0);
        close(rates(Linear)[11], 0.25);
        close(rates(Polynomial)[8], 2.0 * 0.5_f64.powf(0.9));
        let floor = ScheduleSection { warmup_steps: 4, kind: Linear, floor: 0.5, power: 1.0 };
        close(learning_rate(&floor, 2.0, 8, 12), 1.5);
        close(learning_rate(&floor, 2.0, 12, 12), 1.0);
    }
}
