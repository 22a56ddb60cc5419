//! Slices of one tensor side by side, with letters that say where the patient's right is.

use std::io;
use std::path::Path;

use pipeline::shard::VoxelReader;
use pipeline::volume::{Affine, Volume, make_view};
use schemas::manifest::{Manifest, Preset, Recipe};

use super::collect::Card;
use crate::failure::Failure;

/// Windows shown, low and high in Hounsfield units: lung above, soft tissue below.
const WINDOWS: [[f32; 2]; 2] = [[-1350.0, 150.0], [-160.0, 240.0]];
/// Longest axis a picture needs.
const LARGEST: usize = 320;
/// Height of a tile in pixels.
const TILE: usize = 160;
/// Axial slices shown, as shares of the depth.
const SHARES: [f64; 3] = [0.3, 0.5, 0.7];

/// A tensor in Hounsfield units, axes x, y, z.
struct Cube {
    values: Vec<f32>,
    size: [usize; 3],
    spacing: [f64; 3],
    codes: Vec<char>,
}

/// A plane of the cube as the reader of CT expects it: patient's right on the left, front on top,
/// head on top.
struct Plane {
    across: usize,
    down: usize,
    fixed: usize,
    at: usize,
}

/// The montage of a card as a PNG.
pub(super) fn render(release: &Path, card: &Card) -> Result<Vec<u8>, Failure> {
    let cube = load(release, card)?;
    picture(&cube, &WINDOWS).map_err(|error| Failure::io(&card.picture)(error))
}

/// The montage of a volume as a PNG; with `is_hounsfield` in the windows of CT, otherwise from the
/// first to the last percentile.
pub(crate) fn of_volume(volume: &Volume, is_hounsfield: bool) -> io::Result<Vec<u8>> {
    let mut size = [1; 3];
    for (array, (world, _)) in volume.affine.nearest_axes().into_iter().enumerate() {
        size[world] = volume.dims[array].min(LARGEST) as u32;
    }
    let view = make_view(volume, &Recipe { resize: Some(size), ..Preset::Native.recipe() });
    let words = view.bytes.as_chunks::<2>().0.iter();
    let values: Vec<f32> = words.map(|&word| f32::from(i16::from_le_bytes(word))).collect();
    let [depth, height, width] = view.shape;
    let windows = if is_hounsfield { WINDOWS.to_vec() } else { vec![percentiles(&values)] };
    let cube = Cube {
        values,
        size: [width, height, depth],
        spacing: view.affine.spacing(),
        codes: view.affine.axis_codes().chars().collect(),
    };
    picture(&cube, &windows)
}

/// First and last percentile, at least one apart.
fn percentiles(values: &[f32]) -> [f32; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    [at(0.01), at(0.99).max(at(0.01) + 1.0)]
}

fn picture(cube: &Cube, windows: &[[f32; 2]]) -> io::Result<Vec<u8>> {
    let middle = |axis: usize| cube.size[axis] / 2;
    let mut planes: Vec<Plane> = SHARES
        .iter()
        .map(|share| Plane {
            across: 0,
            down: 1,
            fixed: 2,
            at: (share * cube.size[2] as f64) as usize,
        })
        .collect();
    planes.push(Plane { across: 0, down: 2, fixed: 1, at: middle(1) });
    planes.push(Plane { across: 1, down: 2, fixed: 0, at: middle(0) });
    let widths: Vec<usize> = planes.iter().map(|plane| tile_width(cube, plane)).collect();
    let width = widths.iter().sum::<usize>() + planes.len() - 1;
    let height = (TILE + 1) * windows.len() - 1;
    let mut pixels = vec![24_u8; width * height];
    for (row, window) in windows.iter().enumerate() {
        let mut left = 0;
        for (plane, &tile) in planes.iter().zip(&widths) {
            draw(cube, plane, *window, tile, |x, y, value| {
                pixels[(row * (TILE + 1) + y) * width + left + x] = value;
            });
            left += tile + 1;
        }
    }
    encode(&pixels, width, height)
}

fn load(release: &Path, card: &Card) -> Result<Cube, Failure> {
    let path = release.join(&card.shard);
    let reader = VoxelReader::open(&path).map_err(pipeline::loader::DatasetError::from)?;
    let bytes = reader
        .tensor(card.offset, card.length, card.xxh3)
        .map_err(pipeline::loader::DatasetError::from)?;
    let window = window(release, &card.view)?;
    // Of several crops or channels, the first.
    let voxels = card.shape.iter().product::<u32>() as usize;
    let bytes = &bytes[..bytes.len().min(voxels * if card.dtype == "u8" { 1 } else { 2 })];
    let words = || bytes.as_chunks::<2>().0.iter();
    let span = window[1] - window[0];
    let values = match card.dtype.as_str() {
        "u8" => bytes.iter().map(|&v| f32::from(v) / 255.0 * span + window[0]).collect(),
        "f16" => words().map(|&v| half(v) * span + window[0]).collect(),
        _ => words().map(|&v| f32::from(i16::from_le_bytes(v))).collect(),
    };
    let matrix: [[f64; 4]; 4] =
        std::array::from_fn(|row| std::array::from_fn(|column| card.affine[4 * row + column]));
    let [depth, height, width] = card.shape.map(|size| size as usize);
    Ok(Cube {
        values,
        size: [width, height, depth],
        spacing: card.spacing,
        codes: Affine(matrix).axis_codes().chars().collect(),
    })
}

/// IEEE 754 half to single; voxels are normalised, so no infinities occur.
fn half(bytes: [u8; 2]) -> f32 {
    let bits = u16::from_le_bytes(bytes);
    let (exponent, fraction) = ((bits >> 10) & 31, bits & 1023);
    let magnitude = if exponent == 0 {
        f32::from(fraction) * 2.0_f32.powi(-24)
    } else {
        (1.0 + f32::from(fraction) / 1024.0) * 2.0_f32.powi(i32::from(exponent) - 15)
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

fn window(release: &Path, view: &str) -> Result<[f32; 2], Failure> {
    let path = release.join("manifest.resolved.json");
    let text = std::fs::read(&path).map_err(Failure::io(&path))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Failure::io(&path)(io::Error::other(error)))?;
    let recipe = manifest
        .view
        .iter()
        .find(|section| section.name == view)
        .and_then(|section| section.resolve().ok());
    Ok(recipe.map_or([-1000.0, 1000.0], |recipe| recipe.first_window().map(|edge| edge as f32)))
}

fn tile_width(cube: &Cube, plane: &Plane) -> usize {
    let extent = |axis: usize| cube.size[axis] as f64 * cube.spacing[axis];
    ((TILE as f64 * extent(plane.across) / extent(plane.down)).round() as usize).clamp(40, 400)
}

fn draw(
    cube: &Cube,
    plane: &Plane,
    [low, high]: [f32; 2],
    width: usize,
    mut put: impl FnMut(usize, usize, u8),
) {
    // Left edge shows the patient's right (or front), the top shows front (or head).
    let flip_across = matches!(cube.codes[plane.across], 'R' | 'A');
    let flip_down = matches!(cube.codes[plane.down], 'A' | 'S');
    let sample = |share: f64, size: usize, flip: bool| {
        let at = ((share * size as f64) as usize).min(size - 1);
        if flip { size - 1 - at } else { at }
    };
    for y in 0..TILE {
        let down = sample((y as f64 + 0.5) / TILE as f64, cube.size[plane.down], flip_down);
        for x in 0..width {
            let across =
                sample((x as f64 + 0.5) / width as f64, cube.size[plane.across], flip_across);
            let mut index = [0; 3];
            index[plane.across] = across;
            index[plane.down] = down;
            index[plane.fixed] = plane.at.min(cube.size[plane.fixed] - 1);
            let value = cube.values[(index[2] * cube.size[1] + index[1]) * cube.size[0] + index[0]];
            put(x, y, ((value - low) / (high - low) * 255.0).clamp(0.0, 255.0) as u8);
        }
    }
    let left = if plane.across == 1 { 'A' } else { 'R' };
    let top = if plane.down == 1 { 'A' } else { 'S' };
    letter(left, 2, TILE / 2 - 4, &mut put);
    letter(opposite(left), width - 8, TILE / 2 - 4, &mut put);
    letter(top, width / 2 - 3, 2, &mut put);
    letter(opposite(top), width / 2 - 3, TILE - 10, &mut put);
}

const fn opposite(code: char) -> char {
    match code {
        'R' => 'L',
        'A' => 'P',
        _ => 'I',
    }
}

/// A letter of 5 × 7 dots, one byte a row, on a dark ground.
fn letter(code: char, left: usize, top: usize, put: &mut impl FnMut(usize, usize, u8)) {
    let rows: [u8; 7] = match code {
        'R' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
        'L' => [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'A' => [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        'P' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000],
        'S' => [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
        _ => [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    };
    for (y, row) in rows.into_iter().enumerate() {
        for x in 0..5 {
            let on = (row >> (4 - x)) & 1 == 1;
            put(left + x, top + y, if on { 255 } else { 0 });
        }
    }
}

fn encode(pixels: &[u8], width: usize, height: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(pixels).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patient_s_right_front_and_head_are_where_the_letters_say() {
        // One bright voxel at the patient's right, front and head, stored in two orientations.
        for codes in ["LPS", "RAS"] {
            let size = [8, 8, 8];
            let toward = |axis: usize, bright: char| {
                if codes.chars().nth(axis) == Some(bright) { 7 } else { 0 }
            };
            let index = [toward(0, 'R'), toward(1, 'A'), toward(2, 'S')];
            let mut values = vec![0.0; 512];
            values[(index[2] * 8 + index[1]) * 8 + index[0]] = 1.0;
            let cube = Cube { values, size, spacing: [1.0; 3], codes: codes.chars().collect() };
            for (across, down, fixed) in [(0, 1, 2), (0, 2, 1), (1, 2, 0)] {
                let plane = Plane { across, down, fixed, at: index[fixed] };
                let mut brightest = (0, 0);
                draw(&cube, &plane, [0.0, 1.0], TILE, |x, y, value| {
                    // Away from the letters.
                    if value == 255 && x > 10 && y > 10 && brightest == (0, 0) {
                        brightest = (x, y);
                    }
                });
                assert!(brightest.0 < TILE / 4 && brightest.1 < TILE / 4, "{codes} {brightest:?}");
            }
        }
    }
}
