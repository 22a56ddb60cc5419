//! Times forward and backward passes of the image encoder `cnn3d` on the CPU and prints the least seconds of one.
//!
//! `cargo run --release --example cnn3d_time -- [batch] [rounds]`, with `16 8` unless told otherwise;
//! `benches/model/cnn3d.py` sets it beside the same network in `PyTorch`.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use burn::backend::flex::FlexDevice;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};
use radloom_model::encoder::{Cnn3d, Cnn3dKeys, EncodesImages, ImageEncoderKeys};

type B = Autodiff<Flex>;

/// Channels, depth, height, width.
const VOLUME: [usize; 4] = [4, 64, 48, 64];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let batch: usize = arguments.next().map_or(Ok(16), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(8), |text| text.parse())?;
    let model: Cnn3d<B> = Cnn3dKeys::default().init(VOLUME, &FlexDevice);
    let [channels, depth, height, width] = VOLUME;
    let count = batch * VOLUME.iter().product::<usize>();
    let voxels: Vec<f32> = (0..count).map(|at| ((at * 37) % 101) as f32 / 101.0).collect();
    let data = TensorData::new(voxels, [batch, channels, depth, height, width]);
    let volume = Tensor::<B, 5>::from_data(data, &FlexDevice);
    let mut least = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        let code = model.encode(volume.clone());
        let loss = (code.pooled.clone() * code.pooled).mean() + code.tokens.mean();
        drop(loss.backward());
        least = least.min(start.elapsed().as_secs_f64());
    }
    writeln!(std::io::stdout(), "{least:.4}")?;
    Ok(())
}
