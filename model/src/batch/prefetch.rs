//! Batches and what a system makes of them on the host, one ahead of the training.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use super::source::{BatchSource, SourceError};
use super::study::StudyBatch;

/// Batches that are ready and wait for the training. With the one in the hands of the thread, this many slots of
/// the loader and one more are taken.
const READY_BATCHES: usize = 1;

/// A batch, what was prepared of it, and the position of the source after it.
type Item<P, E> = Result<(StudyBatch, P, serde_json::Value), E>;

/// Batches with what was prepared of them, in order; see [`prefetched`].
#[derive(Debug)]
pub struct Prefetched<P, E> {
    ready: Receiver<Item<P, E>>,
    token: serde_json::Value,
}

impl<P, E> Prefetched<P, E> {
    /// The next batch and what was prepared of it; none when the source is exhausted. Its `data_wait_s` is the
    /// time that this call took.
    ///
    /// # Errors
    /// What the source or the preparation says.
    pub fn next_batch(&mut self) -> Result<Option<(StudyBatch, P)>, E> {
        let start = Instant::now();
        let Ok(item) = self.ready.recv() else { return Ok(None) };
        let (mut batch, prepared, token) = item?;
        batch.data_wait_s = start.elapsed().as_secs_f64();
        self.token = token;
        Ok(Some((batch, prepared)))
    }

    /// The position after the last batch that [`Self::next_batch`] gave, from which a later run goes on. What is
    /// ready and was not asked for does not count.
    pub fn token(&self) -> &serde_json::Value {
        &self.token
    }
}

/// Runs `consume` on the batches of `source`, while a thread beside it draws the next batch and runs `prepare`
/// on it. The order of the batches is that of the source, and the first error ends them.
pub fn prefetched<P: Send, E: Send + From<SourceError>, R>(
    source: &mut dyn BatchSource,
    prepare: impl Fn(&StudyBatch) -> Result<P, E> + Send,
    consume: impl FnOnce(&mut Prefetched<P, E>) -> R,
) -> R {
    std::thread::scope(|scope| {
        let (sender, ready) = sync_channel(READY_BATCHES);
        let mut batches = Prefetched { ready, token: source.token() };
        scope.spawn(move || {
            let mut draw = || -> Result<Option<_>, E> {
                let Some(batch) = source.next_batch()? else { return Ok(None) };
                source.commit();
                let prepared = prepare(&batch)?;
                Ok(Some((batch, prepared, source.token())))
            };
            while let Some(item) = draw().transpose() {
                let last = item.is_err();
                // The training has ended when nobody takes it.
                if sender.send(item).is_err() || last {
                    return;
                }
            }
        });
        let result = consume(&mut batches);
        // The thread may wait to send; it ends as soon as nobody receives.
        drop(batches);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ListSource;
    use crate::testing::synthetic_batch;

    fn source(count: u64) -> ListSource {
        ListSource::new((0..count).map(|step| synthetic_batch(step, 2)).collect())
    }

    #[test]
    fn batches_come_in_order_with_what_was_prepared_and_the_token_of_what_was_taken() {
        let mut list = source(5);
        let doubled = |batch: &StudyBatch| Ok::<_, SourceError>(2 * batch.step);
        prefetched(&mut list, doubled, |batches| {
            assert_eq!(batches.token()["position"], 0);
            for step in 0..5 {
                let (batch, prepared) = batches.next_batch().expect("draws").expect("one of five");
                assert_eq!((batch.step, prepared), (step, 2 * step));
                assert_eq!(batches.token()["position"], step + 1, "not what is ready");
            }
            assert!(batches.next_batch().expect("ends").is_none());
        });
    }

    #[test]
    fn leaving_early_ends_the_thread_and_an_error_ends_the_batches() {
        let first = prefetched(
            &mut source(100),
            |batch| Ok::<_, SourceError>(batch.step),
            |batches| batches.next_batch().expect("draws").map(|(batch, _)| batch.step),
        );
        assert_eq!(first, Some(0));
        let fails = |batch: &StudyBatch| match batch.step {
            2 => Err(SourceError("no".into())),
            step => Ok(step),
        };
        prefetched(&mut source(9), fails, |batches| {
            assert!(batches.next_batch().is_ok_and(|batch| batch.is_some()));
            assert!(batches.next_batch().is_ok_and(|batch| batch.is_some()));
            assert!(batches.next_batch().is_err());
            assert!(batches.next_batch().is_ok_and(|batch| batch.is_none()));
        });
    }
}
