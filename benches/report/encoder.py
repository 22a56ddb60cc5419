"""Times sentence similarity by an encoder against sentence-transformers on the same sentences, and compares cosines.

Usage: python3 benches/report/encoder.py REPORTS.csv [RADLOOM] [--layers N] [--hidden N] [--reports-kept N] [--threads N]

Needs sentence-transformers and pyarrow. The encoder is a BERT with random weights and a WordPiece vocabulary of the
reports, 6 layers of 384 channels when nothing else is asked for (the size of MiniLM-L6); 12 and 768 make BERT-base. The
longest column of the csv is the text. radloom's time is the whole command, sentence-transformers' the encoding alone.
Ends with 1 where a stored cosine differs by more than 0.001 or a thread changes a byte.
"""

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time

from reports import long_texts


def make_encoder(folder, texts, layers, hidden):
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, BertTokenizerFast

    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=30522, special_tokens=special, show_progress=False))
    pieces.post_processor = processors.BertProcessing(*((name, pieces.token_to_id(name)) for name in ("[SEP]", "[CLS]")))
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=30522, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=12, intermediate_size=4 * hidden,
        initializer_range=0.06,
    )
    BertModel(config, add_pooling_layer=False).eval().save_pretrained(folder)
    BertTokenizerFast(tokenizer_object=pieces, model_max_length=512).save_pretrained(folder)


def radloom(binary, reports, out, encoder, threads):
    command = [binary, "report", reports, "--out", out, "--json", "--threads", str(threads)]
    start = time.monotonic()
    subprocess.run(command + (["--encoder", encoder] if encoder else []), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def peer(encoder, sentences, threads):
    """Unit vectors and seconds; in this process, model loading aside."""
    import torch
    from sentence_transformers import SentenceTransformer, models

    torch.set_num_threads(threads)
    transformer = models.Transformer(encoder)
    pooling = models.Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling], device="cpu")
    start = time.monotonic()
    vectors = model.encode(sentences, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    return vectors, time.monotonic() - start


def largest_difference(out, types, vectors):
    """Between the stored cosines and those of the peer's vectors, their mean taken away as radloom does."""
    import numpy
    import pyarrow.parquet as parquet

    rows = {kind: at for at, kind in enumerate(types)}
    vectors = vectors - vectors.astype(numpy.float64).mean(axis=0)
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    table = parquet.read_table(os.path.join(out, "similarity.parquet")).to_pydict()
    left, right = ([rows[kind] for kind in table[side]] for side in ("a", "b"))
    cosines = numpy.maximum((vectors[left] * vectors[right]).sum(axis=1), 0.0)
    return len(left), float(numpy.abs(cosines - numpy.array(table["text"])).max())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reports")
    parser.add_argument("binary", nargs="?", default="target/release/radloom")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--reports-kept", type=int, default=0, help="0 for all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    import pyarrow.parquet as parquet

    texts = long_texts(arguments.reports)
    texts = texts[: arguments.reports_kept] if arguments.reports_kept else texts
    with tempfile.TemporaryDirectory() as folder:
        place = lambda name: os.path.join(folder, name)
        make_encoder(place("encoder"), texts, arguments.layers, arguments.hidden)
        with open(place("reports.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"id": str(at), "text": text}) + "\n" for at, text in enumerate(texts))
        words = radloom(arguments.binary, place("reports.jsonl"), place("words"), None, arguments.threads)
        ours = radloom(arguments.binary, place("reports.jsonl"), place("out"), place("encoder"), arguments.threads)
        table = parquet.read_table(os.path.join(place("out"), "sentence_types.parquet")).to_pydict()
        kept = [at for at, flag in enumerate(table["boilerplate"]) if not flag]
        types = [table["sentence_type"][at] for at in kept]
        vectors, theirs = peer(place("encoder"), [table["text"][at] for at in kept], arguments.threads)
        pairs, difference = largest_difference(place("out"), types, vectors)
        print(f"{len(texts)} reports, {len(types)} sentences, {arguments.layers} layers of {arguments.hidden}, {arguments.threads} threads")
        print(f"radloom without an encoder {words:.1f} s, with {ours:.1f} s (+{ours - words:.1f} s)")
        print(f"sentence-transformers {theirs:.1f} s, ratio {(ours - words) / theirs:.2f}")
        print(f"{pairs} pairs stored, largest difference of a cosine {difference:.6f}")
        failed = difference > 1e-3
        if arguments.threads > 1:
            radloom(arguments.binary, place("reports.jsonl"), place("one"), place("encoder"), 1)
            names = os.listdir(place("out"))
            _, other, missing = filecmp.cmpfiles(place("out"), place("one"), names, shallow=False)
            print(f"one thread: {'the same bytes' if not other + missing else 'differs in ' + ', '.join(other + missing)}")
            failed |= bool(other + missing)
        sys.exit(failed)


main()
