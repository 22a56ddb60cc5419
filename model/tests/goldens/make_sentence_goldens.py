"""Writes sentence_encoder/: a small BERT with random weights and the vectors sentence-transformers makes with it.

Run with sentence-transformers 5 or later: python make_sentence_goldens.py
"""
import json
import pathlib
import shutil

import torch
from sentence_transformers import SentenceTransformer, models
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import WordPiece
from transformers import BertConfig, BertModel, BertTokenizerFast

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "sentence_encoder"
TEXTS = [
    "pleural effusion was observed on the right",
    "pleural effusion was not observed on the right",
    "no pericardial effusion",
    "a nodule of 5 mm is seen in the left lung upper lobe",
    "normal",
    "sequelae changes, atelectasis; größe 4 x 7 mm",
]


def tokenizer():
    pieces = Tokenizer(WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=90, special_tokens=special, show_progress=False))
    ends = [(name, pieces.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
    pieces.post_processor = processors.BertProcessing(*ends)
    return BertTokenizerFast(tokenizer_object=pieces, model_max_length=48)


def encoder(folder, tokens):
    torch.manual_seed(20251122)
    config = BertConfig(
        vocab_size=len(tokens), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=48, initializer_range=0.4,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    plain = HERE / "plain"
    encoder(plain, tokenizer())
    vectors = {}
    for mode in ("mean", "cls"):
        transformer = models.Transformer(str(plain))
        pooling = models.Pooling(16, pooling_mode=mode)
        model = SentenceTransformer(modules=[transformer, pooling], device="cpu")
        # One text at a time, so that no padding has a part in what is expected.
        vectors[mode] = [[float(f"{value:.8g}") for value in model.encode(text).tolist()] for text in TEXTS]
        if mode == "mean":
            model.save_pretrained(str(FOLDER))
    shutil.rmtree(plain)
    keep = {"config.json", "tokenizer.json", "model.safetensors", "modules.json", "1_Pooling", "sentence_bert_config.json"}
    for path in sorted(FOLDER.iterdir()):
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    golden = {"texts": TEXTS, "vectors": vectors}
    (HERE / "sentences.json").write_text(json.dumps(golden, ensure_ascii=True) + "\n")


main()
