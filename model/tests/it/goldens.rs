//! Values and gradients against `PyTorch`. `tests/goldens/make_goldens.py` wrote the files, in double precision.

use std::collections::BTreeMap;

use burn::backend::flex::FlexDevice;
use burn::backend::{Autodiff, Flex};
use burn::module::Param;
use burn::nn::{LayerNorm, Linear};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Int, Tensor, TensorData};
use radloom_model::block::{instance_norm, upsample_double};
use radloom_model::encoder::{TextEncoderConfig, WindowAttentionConfig, WindowPlan, Windows};
use radloom_model::objective::{
    SimilarityTarget, contrast, contrast_scaled, masked_image, masked_text, sentence_alignment,
    sentence_similarity,
};
use radloom_model::trainer::Optimizer;
use schemas::manifest::train::{OptimizerGroup, OptimizerKind, OptimizerSection};
use serde::Deserialize;

type B = Autodiff<Flex>;
type Gradients = <B as burn::tensor::backend::AutodiffBackend>::Gradients;

/// Largest allowed difference, relative to the largest value of the tensor.
const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Entry {
    shape: Vec<usize>,
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct Case {
    loss: f32,
    inputs: BTreeMap<String, Entry>,
    gradients: BTreeMap<String, Entry>,
    #[serde(default)]
    output: Option<Entry>,
    #[serde(default)]
    same: Vec<bool>,
    #[serde(default)]
    mask: Vec<f32>,
    #[serde(default)]
    pad: Vec<bool>,
    #[serde(default)]
    targets: Vec<i32>,
    #[serde(default)]
    similarity: Vec<Option<f32>>,
    #[serde(default)]
    patients: Vec<usize>,
}

fn case(file: &str, name: &str) -> Case {
    let path = format!("{}/tests/goldens/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("golden file");
    let mut cases: BTreeMap<String, Case> = serde_json::from_str(&text).expect("golden cases");
    cases.remove(name).expect("golden case")
}

impl Case {
    fn data(&self, name: &str) -> TensorData {
        let entry = &self.inputs[name];
        TensorData::new(entry.values.clone(), entry.shape.clone())
    }

    fn input<const D: usize>(&self, name: &str) -> Tensor<B, D> {
        Tensor::from_data(self.data(name), &FlexDevice).require_grad()
    }

    fn check_gradient<const D: usize>(
        &self,
        name: &str,
        tensor: &Tensor<B, D>,
        gradients: &Gradients,
    ) {
        let found = tensor.grad(gradients).expect("a gradient").into_data();
        close(name, &found.to_vec::<f32>().expect("floats"), &self.gradients[name].values);
    }

    fn check_linear(&self, weight: &str, bias: &str, linear: &Linear<B>, gradients: &Gradients) {
        // PyTorch stores [out, in].
        let found =
            linear.weight.val().grad(gradients).expect("a gradient").transpose().into_data();
        close(weight, &found.to_vec::<f32>().expect("floats"), &self.gradients[weight].values);
        let parameter = linear.bias.as_ref().expect("a bias").val();
        self.check_gradient(bias, &parameter, gradients);
    }

    fn check_loss(&self, loss: &Tensor<B, 1>) {
        close("loss", &loss.to_data().to_vec::<f32>().expect("floats"), &[self.loss]);
    }
}

fn close(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let scale = expected.iter().fold(0.0f32, |scale, value| scale.max(value.abs())).max(1e-8);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs() / scale;
        assert!(
            difference <= TOLERANCE,
            "{name}[{index}]: {found} instead of {expected}, off by {difference:e} of the largest value"
        );
    }
}

/// A parameter that starts a graph of its own.
fn leaf<const D: usize>(value: Tensor<B, D>) -> Param<Tensor<B, D>> {
    Param::from_tensor(Tensor::from_inner(value.inner()))
}

fn linear(weight: Tensor<B, 2>, bias: Tensor<B, 1>) -> Linear<B> {
    Linear { weight: leaf(weight.transpose()), bias: Some(leaf(bias)) }
}

#[test]
fn contrast_matches() {
    let case = case("objectives", "contrast");
    let (first, second) = (case.input::<2>("first"), case.input::<2>("second"));
    let same =
        Tensor::<B, 2, Bool>::from_data(TensorData::new(case.same.clone(), [6, 6]), &FlexDevice);
    let loss = contrast(first.clone(), second.clone(), same, 0.1);
    case.check_loss(&loss);
    let gradients = loss.backward();
    case.check_gradient("first", &first, &gradients);
    case.check_gradient("second", &second, &gradients);
}

/// The formula in double precision: `tests/goldens/make_clip_goldens.py`.
#[test]
fn contrast_with_a_learned_scale_matches() {
    let case = case("clip", "contrast_scaled");
    let (first, second) = (case.input::<2>("first"), case.input::<2>("second"));
    let logit_scale = case.input::<1>("logit_scale");
    let same =
        Tensor::<B, 2, Bool>::from_data(TensorData::new(case.same.clone(), [6, 6]), &FlexDevice);
    let loss = contrast_scaled(first.clone(), second.clone(), same, logit_scale.clone().exp());
    case.check_loss(&loss);
    let gradients = loss.backward();
    case.check_gradient("first", &first, &gradients);
    case.check_gradient("second", &second, &gradients);
    case.check_gradient("logit_scale", &logit_scale, &gradients);
}

#[test]
fn masked_image_matches() {
    let case = case("objectives", "masked_image");
    let reconstruction = case.input::<3>("reconstruction");
    let mask = Tensor::from_data(TensorData::new(case.mask.clone(), [2, 4]), &FlexDevice);
    let loss = masked_image(reconstruction.clone(), case.input("target"), mask);
    case.check_loss(&loss);
    case.check_gradient("reconstruction", &reconstruction, &loss.backward());
}

#[test]
fn masked_text_matches() {
    let case = case("objectives", "masked_text");
    let logits = case.input::<2>("logits");
    let targets =
        Tensor::<B, 1, Int>::from_data(TensorData::new(case.targets.clone(), [5]), &FlexDevice);
    let loss = masked_text(logits.clone(), targets);
    case.check_loss(&loss);
    case.check_gradient("logits", &logits, &loss.backward());
}

#[test]
fn sentence_alignment_matches_and_does_not_move_its_target() {
    let case = case("objectives", "sentence_alignment");
    let (reconstructed, target) = (case.input::<2>("reconstructed"), case.input::<2>("target"));
    let loss = sentence_alignment(reconstructed.clone(), target.clone());
    case.check_loss(&loss);
    let gradients = loss.backward();
    case.check_gradient("reconstructed", &reconstructed, &gradients);
    assert!(target.grad(&gradients).is_none());
    assert!(!case.gradients.contains_key("target"));
}

#[test]
fn sentence_similarity_matches() {
    let case = case("objectives", "sentence_similarity");
    let features = case.input::<2>("features");
    // What the golden leaves unknown can be anything.
    let similarity: Vec<[f32; 2]> =
        case.similarity.iter().map(|value| value.map_or([-1.0, 1.0], |value| [value; 2])).collect();
    let target = SimilarityTarget::new(&similarity, &case.patients, 0.9, 0.6);
    let loss = sentence_similarity(features.clone(), &target).expect("pairs are used");
    case.check_loss(&loss);
    case.check_gradient("features", &features, &loss.backward());
}

#[test]
fn window_attention_matches() {
    let case = case("layers", "window_attention");
    let tokens = case.input::<3>("tokens");
    let windows = Windows::new([2, 3, 2], [2, 3, 2], false);
    let plan = WindowPlan::new(windows, 4, 2, &FlexDevice);
    let mut attention =
        WindowAttentionConfig { dim: 8, heads: 2, window: [2, 3, 2] }.init::<B>(&FlexDevice);
    attention.relative_position_bias_table = leaf(case.input::<2>("table"));
    attention.qkv = linear(case.input("qkv"), case.input("qkv_bias"));
    attention.proj = linear(case.input("proj"), case.input("proj_bias"));
    let output = attention.forward(tokens.clone(), &plan);
    let expected = &case.output.as_ref().expect("an output").values;
    close("output", &output.to_data().to_vec::<f32>().expect("floats"), expected);
    let loss = (output.clone() * output).mean();
    case.check_loss(&loss);
    let gradients = loss.backward();
    case.check_gradient("tokens", &tokens, &gradients);
    case.check_gradient("table", &attention.relative_position_bias_table.val(), &gradients);
    case.check_linear("qkv", "qkv_bias", &attention.qkv, &gradients);
    case.check_linear("proj", "proj_bias", &attention.proj, &gradients);
}

#[test]
fn bert_layer_matches() {
    let case = case("layers", "bert_layer");
    let tokens = case.input::<3>("tokens");
    let encoder = TextEncoderConfig::new(4, 8, 1, 2, 32, 5).init::<B>(&FlexDevice);
    let mut layer = encoder.encoder.layer[0].clone();
    let in_weight = case.input::<2>("self_attn.in_proj_weight");
    let in_bias = case.input::<1>("self_attn.in_proj_bias");
    let part = |index: usize| {
        linear(in_weight.clone().narrow(0, 8 * index, 8), in_bias.clone().narrow(0, 8 * index, 8))
    };
    layer.attention.self_attention.query = part(0);
    layer.attention.self_attention.key = part(1);
    layer.attention.self_attention.value = part(2);
    layer.attention.output.dense =
        linear(case.input("self_attn.out_proj.weight"), case.input("self_attn.out_proj.bias"));
    layer.intermediate.dense = linear(case.input("linear1.weight"), case.input("linear1.bias"));
    layer.output.dense = linear(case.input("linear2.weight"), case.input("linear2.bias"));
    let set = |norm: &mut LayerNorm<B>, name: &str| {
        norm.gamma = leaf(case.input::<1>(&format!("{name}.weight")));
        norm.beta = Some(leaf(case.input::<1>(&format!("{name}.bias"))));
    };
    set(&mut layer.attention.output.layer_norm, "norm1");
    set(&mut layer.output.layer_norm, "norm2");

    let device = FlexDevice;
    let pad = Tensor::<B, 2, Bool>::from_data(TensorData::new(case.pad.clone(), [2, 5]), &device);
    let output = layer.forward(tokens.clone(), pad);
    let weight = |pad: bool| if pad { 0.0f32 } else { 1.0 };
    let real: Vec<f32> = case.pad.iter().map(|&pad| weight(pad)).collect();
    let count = real.iter().sum::<f32>() * 8.0;
    let real = Tensor::<B, 3>::from_data(TensorData::new(real, [2, 5, 1]), &device);
    let channel = Tensor::<B, 1, Int>::arange(0..8, &device).float().reshape([1, 1, 8]);
    let loss = (output.clone() * output * real * channel).sum() / count;
    case.check_loss(&loss);
    let gradients = loss.backward();
    case.check_gradient("tokens", &tokens, &gradients);
    case.check_linear("linear1.weight", "linear1.bias", &layer.intermediate.dense, &gradients);
    case.check_linear("linear2.weight", "linear2.bias", &layer.output.dense, &gradients);
    case.check_linear(
        "self_attn.out_proj.weight",
        "self_attn.out_proj.bias",
        &layer.attention.output.dense,
        &gradients,
    );
}

#[test]
fn upsampling_matches_trilinear_interpolation() {
    let case = case("layers", "upsample");
    let volume = case.input::<5>("volume");
    let output = upsample_double(volume.clone());
    assert_eq!(output.dims(), [1, 2, 4, 6, 8]);
    check_weighted(&case, &volume, output, 100.0);
}

#[test]
fn instance_norm_matches() {
    let case = case("layers", "instance_norm");
    let volume = case.input::<5>("volume");
    let output = burn::tensor::activation::leaky_relu(instance_norm(volume.clone()), 0.01);
    check_weighted(&case, &volume, output, 10.0);
}

/// The weights of a golden case after the steps of an optimizer.
fn updated(case: &Case, section: &OptimizerSection) -> Vec<f32> {
    let values = |name: &str| case.inputs[name].values.clone();
    let device = FlexDevice;
    let start = Tensor::<B, 2>::from_data(TensorData::new(values("start"), [2, 3]), &device);
    let mut layer: Linear<B> = Linear { weight: leaf(start), bias: None };
    let mut optimizer = Optimizer::<B>::new(section);
    for step in values("gradients").chunks(6) {
        let gradient = Tensor::<B, 2>::from_data(TensorData::new(step.to_vec(), [2, 3]), &device);
        let loss = (layer.weight.val() * gradient).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        layer = optimizer.step(layer, gradients, 0.01).0;
    }
    layer.weight.val().into_data().to_vec::<f32>().expect("floats")
}

#[test]
fn every_optimizer_matches() {
    for (name, kind) in [
        ("adamw", OptimizerKind::Adamw),
        ("adam", OptimizerKind::Adam),
        ("sgd", OptimizerKind::Sgd),
    ] {
        let case = case("layers", name);
        let section = OptimizerSection {
            kind,
            weight_decay: 0.1,
            betas: [0.9, 0.98],
            momentum: 0.8,
            epsilon: 1e-8,
            gradient_clip: 0.7,
            ..OptimizerSection::default()
        };
        let wanted = &case.output.as_ref().expect("an output").values;
        close(name, &updated(&case, &section), wanted);
        // The same rate and decay by way of a group, and a group that stays as it is.
        let group = |modules: &str, lr_factor, weight_decay| OptimizerGroup {
            modules: vec![modules.to_owned()],
            lr_factor,
            weight_decay,
        };
        let groups = vec![group("bias", 0.0, None), group("weight", 1.0, Some(0.1))];
        let by_group = OptimizerSection { weight_decay: 0.5, groups, ..section.clone() };
        close(name, &updated(&case, &by_group), wanted);
        let frozen = OptimizerSection { groups: vec![group("weight", 0.0, None)], ..section };
        assert_eq!(updated(&case, &frozen), case.inputs["start"].values);
    }
}

fn check_weighted(case: &Case, volume: &Tensor<B, 5>, output: Tensor<B, 5>, divisor: f32) {
    let expected = &case.output.as_ref().expect("an output").values;
    close("output", &output.to_data().to_vec::<f32>().expect("floats"), expected);
    let shape = output.dims();
    let count = expected.len() as i64;
    let weight =
        Tensor::<B, 1, Int>::arange(0..count, &FlexDevice).float().reshape(shape) / divisor;
    let loss = (output * weight).mean();
    case.check_loss(&loss);
    case.check_gradient("volume", volume, &loss.backward());
}
