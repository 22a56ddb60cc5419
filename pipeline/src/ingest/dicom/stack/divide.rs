//! A series into stacks: frames that can lie in one volume.
//!
//! Frames of another size, orientation, pixel spacing or kind never share a stack. Beyond that, a
//! stack is divided only where it must be: where positions repeat, or where two even stacks lie
//! interleaved between each other's slices. What divides it is the first tag, in the order of
//! [`KEYS`], whose values part the frames that collide.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::reason::{GeometryVerdict, Reason};

use super::frame::{Frame, same_direction, same_spacing};
use super::geometry::Stack;
use super::steps::steps;
use crate::ingest::IngestError;
use crate::ingest::dicom::header::{KEYS, SliceHeader};

/// Divides the images of one series into stacks, the largest first; ties by the first file.
pub(crate) fn stacks(headers: &[Arc<SliceHeader>]) -> Vec<Stack> {
    let mut kinds: Vec<Vec<Frame>> = Vec::new();
    for header in headers {
        for number in 0..header.frames() {
            let frame = Frame { header: Arc::clone(header), number };
            match kinds.iter_mut().rev().find(|kind| same_kind(&kind[0], &frame)) {
                Some(kind) => kind.push(frame),
                None => kinds.push(vec![frame]),
            }
        }
    }
    let placeless = without_place(&kinds);
    let mut stacks: Vec<Stack> = kinds.into_iter().flat_map(divide).collect();
    for stack in &mut stacks {
        if let Some(detail) = placeless.as_ref().filter(|_| stack.basis.is_some()) {
            stack.is_incomplete(detail);
        }
    }
    stacks.sort_by(|a, b| {
        let first = |stack: &Stack| {
            stack.frames.iter().map(|frame| (frame.header.path.clone(), frame.number)).min()
        };
        b.frames.len().cmp(&a.frames.len()).then_with(|| first(a).cmp(&first(b)))
    });
    if stacks.len() > 1 {
        let sizes: Vec<String> =
            stacks.iter().map(|stack| stack.frames.len().to_string()).collect();
        let sizes = sizes.join(", ");
        for stack in &mut stacks {
            if stack.verdict == GeometryVerdict::NotAVolume
                && stack.frames.len() < 3
                && is_image(stack)
            {
                stack.verdict = GeometryVerdict::MultiStack;
                stack.refusal = Some(IngestError::new(
                    Reason::MultiStack,
                    format!(
                        "the series falls into stacks of {sizes} slices; this one is no volume"
                    ),
                ));
            }
        }
    }
    stacks
}

/// That images have no position whose likes have one, in words: they are slices that a volume of the others lacks.
fn without_place(kinds: &[Vec<Frame>]) -> Option<String> {
    let has_place = |frame: &Frame| {
        let plane = frame.plane();
        plane.position.is_some() && plane.orientation.is_some() && plane.pixel_spacing.is_some()
    };
    let placed = kinds.iter().map(|kind| &kind[0]).filter(|frame| has_place(frame));
    let lost: Vec<&Frame> = kinds
        .iter()
        .filter(|kind| {
            let first = &kind[0];
            let (header, size) = (&first.header, [first.header.rows, first.header.columns]);
            header.pixels.is_some()
                && !header.is_localizer()
                && !has_place(first)
                && placed.clone().any(|other| [other.header.rows, other.header.columns] == size)
        })
        .flatten()
        .collect();
    let first = lost.first()?;
    let plane = first.plane();
    let field = match (plane.position, plane.orientation) {
        (None, _) => "ImagePositionPatient",
        (_, None) => "ImageOrientationPatient",
        _ => "PixelSpacing",
    };
    let names: Vec<String> = lost.iter().take(4).map(|frame| frame.name()).collect();
    Some(format!(
        "{} images of the series have no readable {field}: {}",
        lost.len(),
        names.join(", ")
    ))
}

fn is_image(stack: &Stack) -> bool {
    stack.frames.iter().all(|frame| frame.header.rows > 0 && frame.header.samples == 1)
}

fn same_kind(a: &Frame, b: &Frame) -> bool {
    let (left, right) = (&a.header, &b.header);
    let (first, second) = (a.plane(), b.plane());
    left.rows == right.rows
        && left.columns == right.columns
        && left.samples == right.samples
        && left.pixels.is_some() == right.pixels.is_some()
        && left.is_localizer() == right.is_localizer()
        && first.position.is_some() == second.position.is_some()
        && match (first.orientation, second.orientation) {
            (Some(a), Some(b)) => same_direction(a, b),
            (None, None) => true,
            _ => false,
        }
        && match (first.pixel_spacing, second.pixel_spacing) {
            (Some(a), Some(b)) => same_spacing(a, b),
            (None, None) => true,
            _ => false,
        }
}

/// Largest number of frames at one position.
fn collisions(stack: &Stack) -> usize {
    let (mut most, mut run) = (1, 1);
    for pair in stack.positions.windows(2) {
        run = if steps(pair).is_empty() { run + 1 } else { 1 };
        most = most.max(run);
    }
    most
}

/// Whether some part begins before another ends. Parts one after the other are one scan whose step
/// changes, not two scans.
fn interleaved(parts: &[Stack]) -> bool {
    let mut ranges: Vec<(f64, f64)> = parts
        .iter()
        .filter_map(|part| Some((*part.positions.first()?, *part.positions.last()?)))
        .collect();
    ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranges.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

fn divide(frames: Vec<Frame>) -> Vec<Stack> {
    let stack = Stack::new(frames);
    let colliding = stack.facts.duplicate_slices > 0;
    let uneven = stack.basis.is_some() && !stack.facts.uniform_slice_spacing;
    if stack.frames.len() < 3 {
        return vec![stack];
    }
    if !(colliding || uneven) {
        return part_scans(stack);
    }
    for key in 0..KEYS.len() {
        let parts = by_key(&stack, key);
        if parts.len() < 2 {
            continue;
        }
        let in_volumes: usize = parts
            .iter()
            .filter(|part| part.frames.len() - part.facts.duplicate_slices as usize >= 3)
            .map(|part| part.frames.len())
            .sum();
        let better = if colliding {
            let before = collisions(&stack);
            parts.iter().all(|part| collisions(part) < before)
                && 2 * in_volumes >= stack.frames.len()
        } else {
            parts.iter().all(|part| part.frames.len() >= 3 && part.facts.uniform_slice_spacing)
                && interleaved(&parts)
        };
        if better {
            return parts.into_iter().flat_map(|part| divide(part.frames)).collect();
        }
    }
    by_number(&stack).unwrap_or_else(|| vec![stack])
}

/// Parts a stack whose positions all hold as many frames where their numbers run through one scan after the other: scans that
/// no tag tells apart. Frames of one `SOPInstanceUID` are one image, written twice.
fn by_number(stack: &Stack) -> Option<Vec<Stack>> {
    let scans = collisions(stack);
    let slices = stack.frames.len() / scans;
    let mut uids: Vec<&str> =
        stack.frames.iter().map(|frame| frame.header.sop_uid.as_str()).collect();
    uids.sort_unstable();
    uids.dedup();
    let mut frames: Vec<(i64, Frame)> = stack
        .frames
        .iter()
        .map(|frame| Some((frame.header.instance?, frame.clone())))
        .collect::<Option<_>>()?;
    frames.sort_by_key(|(number, _)| *number);
    let distinct = frames.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if slices < 3 || slices * scans != stack.frames.len() || uids.len() != frames.len() || !distinct
    {
        return None;
    }
    let parts: Vec<Stack> = frames
        .chunks(slices)
        .map(|part| Stack::new(part.iter().map(|(_, frame)| frame.clone()).collect()))
        .collect();
    let whole = |part: &Stack| {
        part.facts.duplicate_slices == 0
            && part.facts.uniform_slice_spacing
            && part.positions.len() == slices
    };
    if !parts.iter().all(whole) {
        return None;
    }
    let note =
        format!("{scans} scans of {slices} slices that nothing but InstanceNumber tells apart");
    Some(
        parts
            .into_iter()
            .map(|mut part| {
                part.notes.push(note.clone());
                part
            })
            .collect(),
    )
}

/// The frames of a stack by the values of one of [`KEYS`].
fn by_key(stack: &Stack, key: usize) -> Vec<Stack> {
    let mut parts: BTreeMap<&str, Vec<Frame>> = BTreeMap::new();
    for frame in &stack.frames {
        parts.entry(frame.plane().keys.get(key)).or_default().push(frame.clone());
    }
    if parts.len() < 2 {
        return Vec::new();
    }
    parts.into_values().map(Stack::new).collect()
}

/// Tags by which slices of one scan may differ in turn: a scanner of magnetic resonance takes every second slice first.
const IN_TURN: [&str; 10] = [
    "TemporalPosition",
    "TriggerTime",
    "AcquisitionTime",
    "ContentTime",
    "FrameReferenceTime",
    "ImageComments",
    "Exposure",
    "ExposureTime",
    "AcquisitionDate",
    "ContentDate",
];
/// Most scans that one series is taken for.
const MAX_SCANS: usize = 8;

/// Parts an even stack where a tag shows that it is several scans whose slices lie between each other's.
fn part_scans(stack: Stack) -> Vec<Stack> {
    let is_ct = matches!(stack.modality(), "" | "CT" | "PT");
    let mut doubt = None;
    for (key, name) in KEYS.iter().enumerate() {
        let mut parts = by_key(&stack, key);
        let even = |part: &Stack| part.frames.len() >= 3 && part.facts.uniform_slice_spacing;
        if !(2..=MAX_SCANS).contains(&parts.len())
            || !parts.iter().all(even)
            || !interleaved(&parts)
        {
            continue;
        }
        // Scans lie between each other's slices all along, not where the end of one meets the beginning of the next.
        let middle =
            |part: &Stack| part.positions[0].midpoint(part.positions[part.positions.len() - 1]);
        let apart = (middle(&parts[0]) - middle(&parts[1])).abs();
        if apart > parts[0].extent() / 4.0 {
            continue;
        }
        let in_turn = IN_TURN.contains(name) || (*name == "AcquisitionNumber" && !is_ct);
        if in_turn {
            let text = format!(
                "slices differ in {name} in turn: they may be {} scans merged",
                parts.len()
            );
            doubt = doubt.or(is_ct.then_some(text));
            continue;
        }
        let note = format!(
            "slices of {} scans lie between each other's; {name} tells them apart",
            parts.len()
        );
        for part in &mut parts {
            part.notes.push(note.clone());
        }
        return parts;
    }
    let mut stack = stack;
    stack.notes.extend(doubt);
    vec![stack]
}
