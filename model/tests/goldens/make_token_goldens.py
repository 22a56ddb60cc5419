"""Writes tokens.json: which sentence and entity each token belongs to, from the offsets of the `tokenizers` library.

Run with tokenizers 0.20 or later: python make_token_goldens.py

A WordPiece and a byte-level tokenizer are trained on the sentences below. Offsets count characters in Python, and the
map is made character by character, where the crate counts bytes and searches borders.
"""
import json
import pathlib

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
# Sentences with entities in square brackets.
REPORTS = [
    ["No [pleural effusion] is seen.", "A [4.5 mm] [nodule] in the [right upper lobe], [stable]."],
    ["[Größe] of the [nodule]: 12 µm – [unchanged]!", "", "[Peribronchial thickening](mild)[,] [no]ted."],
    ["Impression:", "[Cardiomegaly]", "[ground-glass opacities] [bilateral]ly; [naïve] [cafés]\u00a0[×2]"],
]


def parse(marked):
    text, spans, start = "", [], None
    for character in marked:
        if character == "[":
            start = len(text)
        elif character == "]":
            spans.append((start, len(text)))
        else:
            text += character
    return text, spans


def trained():
    texts = [parse(sentence)[0] for report in REPORTS for sentence in report] * 3
    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=110, special_tokens=special))
    level = Tokenizer(models.BPE())
    level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    level.post_processor = processors.ByteLevel(trim_offsets=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    level.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=120, special_tokens=special))
    return {"wordpiece": pieces, "byte_level": level}


def case(tokenizer, report):
    parsed = [parse(sentence) for sentence in report]
    text, sentence_of, entity_of, count = "", [], [], 0
    for number, (sentence, spans) in enumerate(parsed):
        if text and sentence:
            # A token that starts with the blank in between is of the sentence that follows.
            text += " "
            sentence_of.append(number)
            entity_of.append(-1)
        text += sentence
        sentence_of += [number] * len(sentence)
        inside = [-1] * len(sentence)
        for start, end in spans:
            inside[start:end] = [count] * (end - start)
            count += 1
        entity_of += inside
    encoding = tokenizer.encode(text, add_special_tokens=False)
    entities = [[entity_of[at] for at in range(*span) if entity_of[at] >= 0] for span in encoding.offsets]
    bytes_of = lambda sentence, at: len(sentence[:at].encode())
    return {
        "sentences": [
            {"text": sentence, "entities": [[bytes_of(sentence, start), bytes_of(sentence, end)] for start, end in spans]}
            for sentence, spans in parsed
        ],
        "ids": encoding.ids,
        "sentence": [sentence_of[start] for start, _ in encoding.offsets],
        "entity": [found[0] if found else -1 for found in entities],
    }


def main():
    goldens = {
        name: {"tokenizer": json.loads(tokenizer.to_str()), "cases": [case(tokenizer, report) for report in REPORTS]}
        for name, tokenizer in trained().items()
    }
    (HERE / "tokens.json").write_text(json.dumps(goldens, ensure_ascii=True, separators=(",", ":")) + "\n")


main()
