"""Writes objectives.json and layers.json: inputs, values and gradients from PyTorch (float64 inside).

Run with any PyTorch 2: python make_goldens.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20240601)
HERE = pathlib.Path(__file__).parent
SCALE = 1e4


def draw(*shape):
    """Random values that survive float32 and JSON unchanged."""
    values = (torch.randn(*shape, dtype=torch.float64) * SCALE).round() / SCALE
    return values.float().double().requires_grad_()


def entry(tensor):
    return {"shape": list(tensor.shape), "values": [float(f"{v:.9g}") for v in tensor.detach().flatten().tolist()]}


def case(loss, inputs, **rest):
    loss.backward()
    result = {"loss": float(f"{loss.item():.9g}"), "inputs": {}, "gradients": {}}
    for name, tensor in inputs.items():
        result["inputs"][name] = entry(tensor)
        if tensor.grad is not None:
            result["gradients"][name] = entry(tensor.grad)
    result.update(rest)
    return result


def contrast():
    first, second, t = draw(6, 5), draw(6, 5), 0.1
    study = torch.tensor([0, 1, 1, 2, 3, 0])
    same = study[:, None] == study[None, :]
    ignored = same & ~torch.eye(6, dtype=torch.bool)
    logits = F.normalize(first, dim=1) @ F.normalize(second, dim=1).T / t
    logits = logits.masked_fill(ignored, float("-inf"))
    labels = torch.arange(6)
    loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    return case(loss, {"first": first, "second": second}, same=same.flatten().tolist(), temperature=t)


def masked_image():
    reconstruction, target = draw(2, 4, 6), draw(2, 4, 6).detach()
    mask = torch.tensor([[1, 0, 1, 1], [0, 0, 1, 0]], dtype=torch.bool)
    loss = F.mse_loss(reconstruction[mask], target[mask])
    return case(loss, {"reconstruction": reconstruction, "target": target}, mask=mask.float().flatten().tolist())


def masked_text():
    logits, targets = draw(5, 9), torch.tensor([3, 0, 8, 3, 5])
    return case(F.cross_entropy(logits, targets), {"logits": logits}, targets=targets.tolist())


def sentence_alignment():
    reconstructed, target = draw(4, 6), draw(4, 6)
    loss = (1 - F.cosine_similarity(reconstructed, target.detach(), dim=1)).mean()
    return case(loss, {"reconstructed": reconstructed, "target": target})


def sentence_similarity():
    features = draw(5, 4)
    patients = torch.tensor([0, 0, 1, 2, 2])
    g = torch.tensor([0.95, 0.3, -0.7, 0.75, 1.0, 0.92, 0.6, 0.1, 0.9, -1.0] * 3)[:25].reshape(5, 5)
    known = torch.rand(5, 5, generator=torch.Generator().manual_seed(3)) > 0.2
    across = patients[:, None] != patients[None, :]
    a = (g >= 0.9) & known & across
    n = (g <= 0.6) & known & across
    p = F.normalize(features, dim=1) @ F.normalize(features, dim=1).T
    used = (a | n).double()
    loss = ((p * used - g.double() * a.double()).abs().sum()) / used.sum()
    similarity = [float(f"{v:.9g}") if k else None for v, k in zip(g.flatten().tolist(), known.flatten().tolist())]
    return case(loss, {"features": features}, similarity=similarity, patients=patients.tolist())


def window_attention():
    """Swin attention with relative position bias, from the formula; table rows as in MONAI."""
    window, heads, dim, rows = (2, 3, 2), 2, 8, 4
    count = window[0] * window[1] * window[2]
    table = draw((2 * window[0] - 1) * (2 * window[1] - 1) * (2 * window[2] - 1), heads)
    qkv, qkv_bias, proj, proj_bias = draw(3 * dim, dim), draw(3 * dim), draw(dim, dim), draw(dim)
    x = draw(rows, count, dim)
    coords = torch.stack(torch.meshgrid(*[torch.arange(w) for w in window], indexing="ij")).flatten(1)
    relative = (coords[:, :, None] - coords[:, None, :]).permute(1, 2, 0)
    relative = relative + torch.tensor([w - 1 for w in window])
    index = (relative[..., 0] * (2 * window[1] - 1) + relative[..., 1]) * (2 * window[2] - 1) + relative[..., 2]
    bias = table[index.reshape(-1)].reshape(count, count, heads).permute(2, 0, 1)
    q, k, v = F.linear(x, qkv, qkv_bias).reshape(rows, count, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.unsqueeze(0))
    y = F.linear(y.transpose(1, 2).reshape(rows, count, dim), proj, proj_bias)
    loss = (y * y).mean()
    inputs = {"table": table, "qkv": qkv, "qkv_bias": qkv_bias, "proj": proj, "proj_bias": proj_bias, "tokens": x}
    return case(loss, inputs, output=entry(y), window=list(window), heads=heads)


def upsample():
    """Trilinear doubling as the decoder uses it."""
    x = draw(1, 2, 2, 3, 4)
    y = F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
    weight = torch.arange(y.numel(), dtype=torch.float64).reshape(y.shape) / 100
    return case((y * weight).mean(), {"volume": x}, output=entry(y))


def instance_norm():
    x = draw(2, 3, 2, 3, 2)
    y = F.leaky_relu(F.instance_norm(x), 0.01)
    weight = torch.arange(y.numel(), dtype=torch.float64).reshape(y.shape) / 10
    return case((y * weight).mean(), {"volume": x}, output=entry(y))


def bert_layer():
    """One post-norm BERT layer: torch.nn.TransformerEncoderLayer with GELU and padding."""
    hidden, heads, batch, length = 8, 2, 2, 5
    layer = torch.nn.TransformerEncoderLayer(hidden, heads, 4 * hidden, dropout=0.0, activation="gelu",
                                             batch_first=True, layer_norm_eps=1e-12, dtype=torch.float64)
    weights = {}
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            parameter.copy_(draw(*parameter.shape).detach() * 0.5)
            parameter.copy_(parameter.float().double())
            weights[name] = parameter
    x = draw(batch, length, hidden)
    pad = torch.zeros(batch, length, dtype=torch.bool)
    pad[1, 3:] = True
    layer.train()
    y = layer(x, src_key_padding_mask=pad)
    loss = (y[~pad] ** 2 * torch.arange(hidden)).mean()
    return case(loss, {"tokens": x, **weights}, output=entry(y), pad=pad.flatten().tolist(), heads=heads)


def updates(make):
    """Thirty clipped steps of the optimizer that `make` gives, on given gradients."""
    start, gradients = draw(6).detach(), draw(30, 6).detach()
    weights = start.clone().requires_grad_()
    optimizer = make([weights])
    for gradient in gradients:
        weights.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_([weights], 0.7)
        optimizer.step()
    return {"loss": 0.0, "inputs": {"start": entry(start), "gradients": entry(gradients)}, "gradients": {},
            "output": entry(weights)}


def adamw():
    return updates(lambda weights: torch.optim.AdamW(weights, lr=0.01, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.1))


def adam():
    return updates(lambda weights: torch.optim.Adam(weights, lr=0.01, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.1))


def sgd():
    return updates(lambda weights: torch.optim.SGD(weights, lr=0.01, momentum=0.8, weight_decay=0.1))


def write(name, functions):
    text = json.dumps({f.__name__: f() for f in functions}, separators=(",", ":"))
    (HERE / name).write_text(text + "\n")


write("objectives.json", [contrast, masked_image, masked_text, sentence_alignment, sentence_similarity])
write("layers.json", [window_attention, upsample, instance_norm, bert_layer, adamw, adam, sgd])
