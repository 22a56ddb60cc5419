//! Work that is done by all threads and taken in its order.

use std::collections::BTreeMap;

use crossbeam::channel::{Receiver, RecvTimeoutError, TryRecvError, unbounded};

/// Items that may be finished or being made beyond one per thread, so that a thread that is done with a small
/// volume need not wait for one that reads a large volume. Each may hold its tensors in memory.
const MAX_AHEAD: usize = 2;
/// How long a thread of the pool that found no work waits for a result before it looks for work again.
const IDLE: std::time::Duration = std::time::Duration::from_millis(1);

/// Whether everything was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completion {
    /// Everything was taken.
    Finished,
    /// `is_cancelled` became true before the last item was begun.
    Cancelled,
}

/// Makes a result of each of `0..items` on the pool's threads and hands the results to `take` in the order of the
/// items, on the calling thread.
///
/// At most one item per thread and [`MAX_AHEAD`] more are begun and not yet taken, so memory does not grow
/// with the list. There is no barrier: a slow item holds up what is taken, not what is made.
///
/// # Errors
///
/// The first error of `take`; no item is begun after it.
pub(super) fn for_each_in_order<R: Send, E>(
    items: usize,
    make: impl Fn(usize) -> R + Sync,
    is_cancelled: impl Fn() -> bool,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<Completion, E> {
    let most = rayon::current_num_threads().max(1) + MAX_AHEAD;
    let (sender, results) = unbounded();
    rayon::in_place_scope(|scope| {
        let (mut begun, mut taken) = (0, 0);
        let mut waiting = BTreeMap::new();
        loop {
            while begun < items && begun - taken < most {
                if is_cancelled() {
                    return Ok(Completion::Cancelled);
                }
                let (sender, make, at) = (sender.clone(), &make, begun);
                scope.spawn(move |_| {
                    // The receiver is gone only after an error or a cancellation, when no result is wanted.
                    sender.send((at, make(at))).ok();
                });
                begun += 1;
            }
            if taken == items {
                return Ok(Completion::Finished);
            }
            let (at, result) = receive(&results);
            waiting.insert(at, result);
            while let Some(result) = waiting.remove(&taken) {
                take(result)?;
                taken += 1;
            }
        }
    })
}

/// The next result. A thread of the pool does other work of the pool meanwhile: with one thread nobody else would.
fn receive<R>(results: &Receiver<R>) -> R {
    loop {
        match results.try_recv() {
            Ok(result) => return result,
            Err(TryRecvError::Disconnected) => unreachable!("the caller holds a sender"),
            Err(TryRecvError::Empty) => {}
        }
        let waited = match rayon::yield_now() {
            Some(rayon::Yield::Executed) => continue,
            Some(rayon::Yield::Idle) => results.recv_timeout(IDLE),
            None => results.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if let Ok(result) = waited {
            return result;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
    }

    #[test]
    fn results_come_in_order_from_any_number_of_threads_and_few_are_in_flight() {
        for threads in [1, 2, 7] {
            let in_flight = AtomicUsize::new(0);
            let most = AtomicUsize::new(0);
            let mut taken = Vec::new();
            let completion = pool(threads).install(|| {
                for_each_in_order(
                    60,
                    |item| {
                        let now = in_flight.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        // Every seventh item is slow, so that results overtake one another.
                        std::thread::sleep(Duration::from_micros(if item % 7 == 0 {
                            900
                        } else {
                            9
                        }));
                        item * item
                    },
                    || false,
                    |square| {
                        in_flight.fetch_sub(1, Ordering::SeqCst);
                        taken.push(square);
                        Ok::<(), ()>(())
                    },
                )
            });
            assert_eq!(completion, Ok(Completion::Finished));
            assert_eq!(taken, (0..60).map(|item| item * item).collect::<Vec<_>>());
            assert!(most.into_inner() <= threads + MAX_AHEAD);
        }
    }

    #[test]
    fn a_slow_item_does_not_keep_the_next_ones_from_being_begun() {
        // With two threads the first item waits until the last three have been begun by the other thread,
        // which a barrier after every second item would never let happen.
        let begun = AtomicUsize::new(0);
        let completion = pool(2).install(|| {
            for_each_in_order(
                4,
                |item| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let mut patience = 2000;
                    while item == 0 && begun.load(Ordering::SeqCst) < 4 && patience > 0 {
                        std::thread::sleep(Duration::from_millis(1));
                        patience -= 1;
                    }
                    patience > 0
                },
                || false,
                |in_time| if in_time { Ok(()) } else { Err("the others waited for a slow item") },
            )
        });
        assert_eq!(completion, Ok(Completion::Finished));
    }

    #[test]
    fn an_empty_list_is_done_and_errors_and_cancellation_end_the_work() {
        let make = |item: usize| item;
        assert_eq!(
            for_each_in_order(0, make, || true, |_| Err("nothing to take")),
            Ok(Completion::Finished)
        );
        let result = for_each_in_order(
            3,
            make,
            || false,
            |item| {
                if item == 2 { Err("second") } else { Ok(()) }
            },
        );
        assert_eq!(result, Err("second"));
        let cancelled = for_each_in_order(3, make, || true, |_| Ok::<(), ()>(()));
        assert_eq!(cancelled, Ok(Completion::Cancelled));
    }
}
