"""Checks what must hold for every report, on every text of every set below a folder.

Usage: python3 benches/report/properties.py FOLDER [RADLOOM] [--show N]

Texts are the cells, strings, passages and lines of the folder's csv, json, xml and txt files that look like prose.
Checked are: offsets and slices; that CRLF and threads change nothing; that what a report says present is denied after
`No evidence of`; that swapped sides swap only sides; and that similar sentences are related symmetrically and never to
their denial (pyarrow). Ends with 1 when a check that has no exceptions fails.
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from reports import parse

# Names that hold a side of their own, which a swap of words turns into something else.
SIDED = re.compile(
    r"middle lobe|lingula|retrocardiac|anterior descending|circumflex|atri(um|al)|ventric(le|ular)|heart|coronary|main bronch"
    r"|hepatic|lobe of the liver|scolio|facing|side[sd] (arch|aorta)|recurrent|gastric|brachiocephalic|innominate"
    r"|bundle|shunt|to[ -](left|right)|aort(a|ic)|pulmonary arter",
    re.IGNORECASE,
)
SWAP = re.compile(r"(?<!&)\b(left|right|lefts|rights|leftward|rightward|bilateral|[rl]t|[rl](?!/o))\b", re.IGNORECASE)
PROSE = re.compile(r"[A-Za-z]{3,}\W+[A-Za-z]{2,}")


def prose(text):
    return isinstance(text, str) and len(text) >= 20 and PROSE.search(text)


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def texts_of(path):
    kind = os.path.splitext(path)[1]
    if kind == ".xml":
        yield from (node.text for node in xml.parse(path).iter("text"))
        return
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        if kind == ".csv":
            for row in csv.reader(file):
                yield from row
        elif kind == ".json":
            yield from strings(json.load(file))
        elif kind == ".txt":
            for line in file.read().split("\n"):
                # The NegEx kit is a table with tabs.
                yield from line.split("\t")


def collect(folder):
    csv.field_size_limit(1 << 24)
    found = {}
    for place, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith((".csv", ".json", ".xml", ".txt")) and not name.startswith("LICENSE"):
                for text in texts_of(os.path.join(place, name)):
                    if prose(text):
                        text = text.replace("\r\n", "\n").replace("\r", "\n")
                        found.setdefault(text, os.path.relpath(place, folder))
    return found


def span_problems(text, graph):
    """What is wrong with the offsets of a graph."""
    raw = text.encode()

    def cut(item):
        start, end = item["start"], item["end"]
        if not 0 <= start < end <= len(raw):
            return None
        try:
            return raw[start:end].decode()
        except UnicodeDecodeError:
            return None

    floor = 0
    for sentence in graph["sentences"]:
        section = graph["sections"][sentence["section"]]
        if cut(sentence) is None or sentence["start"] < floor:
            yield f"sentence {sentence}"
        if sentence["start"] < section["start"] or sentence["end"] > section["end"]:
            yield f"sentence {sentence} outside its section"
        floor = sentence["end"]
    for node in graph["nodes"]:
        sentence = graph["sentences"][node["sentence"]]
        if cut(node) != node["text"] or node["start"] < sentence["start"] or node["end"] > sentence["end"]:
            yield f"node {node}"
        if node["cue"] and cut(node["cue"]) is None:
            yield f"cue of node {node}"
    for name in ("measurements", "references"):
        for item in graph[name]:
            if cut(item) is None:
                yield f"{name}: {item}"
    for edge in graph["edges"]:
        if max(edge["source"], edge["target"]) >= len(graph["nodes"]) or edge["source"] == edge["target"]:
            yield f"edge {edge}"


def facts(graph, mirror=False):
    """What a graph says, offsets aside; with `mirror` sides are swapped."""
    other = {"left": "right", "right": "left"} if mirror else {}
    side = lambda node: other.get(node["side"], node["side"])
    # The word for a side is a node of its own, named after the side.
    concept = lambda node: "side" if node["concept"].startswith("side_") else node["concept"]
    nodes = [(concept(n), n["kind"], n["assertion"], n["change"], side(n)) for n in graph["nodes"]]
    return nodes, sorted((e["source"], e["target"], e["relation"]) for e in graph["edges"]), graph["labels"]


def swap_sides(text):
    def other(match):
        word = match.group()
        if len(word) < 3:
            return word.translate(str.maketrans("lrLR", "rlRL"))
        swapped = {"left": "right", "right": "left"}.get(word.lower()[: 4 if word.lower().startswith("l") else 5])
        if swapped is None:
            return word
        swapped += word[len("left" if word.lower().startswith("l") else "right") :]
        return swapped.upper() if word.isupper() else swapped.capitalize() if word[0].isupper() else swapped

    return SWAP.sub(other, text)


def output(binary, path, threads):
    command = [binary, "report", path, "--json", "--threads", str(threads)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


class Tally:
    """Counts of what held, with the first of what did not."""

    def __init__(self, show):
        self.show, self.failed = show, False

    def say(self, name, good, bad, allowed=0.0):
        total = good + len(bad)
        share = len(bad) / total if total else 0.0
        verdict = "holds" if not bad else f"{len(bad)} exceptions ({share:.2%})"
        print(f"{name:58} {total:7}  {verdict}")
        for line in bad[: self.show]:
            print(f"    {line}")
        if share > allowed:
            self.failed = True


def denied(binary, surfaces, tally):
    """Denied wordings are absent, and no wording is similar to its denial."""
    graphs = parse(binary, [f"No evidence of {surface}." for surface in surfaces])
    bad, good = [], 0
    for surface, graph in zip(surfaces, graphs):
        wrong = [n for n in graph["nodes"] if n["kind"] == "observation" and n["assertion"] != "absent"]
        if wrong:
            bad.append(f"{surface!r}: {[(n['text'], n['assertion'], n['rule']) for n in wrong]}")
        else:
            good += 1
    tally.say("`No evidence of` denies every wording that was present", good, bad)


def similarity(binary, surfaces, tally):
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        print("similarity: not checked without pyarrow")
        return
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "pairs.jsonl")
        with open(source, "w", encoding="utf-8") as file:
            for number, surface in enumerate(surfaces):
                for name, text in (("a", f"{surface} is seen."), ("b", f"{surface} is not seen.")):
                    file.write(json.dumps({"id": f"{number}{name}", "text": text}) + "\n")
                # Case, blanks and list marks make no other sentence.
                file.write(json.dumps({"id": f"{number}c", "text": f"-  {surface.upper()}  is seen"}) + "\n")
        subprocess.run([binary, "report", source, "--out", folder], check=True, stdout=subprocess.DEVNULL)
        read = lambda name: parquet.read_table(os.path.join(folder, f"{name}.parquet")).to_pydict()
        rows = read("sentences")
        kinds = {}
        for study, kind in zip(rows["study_id"], rows["sentence_type"]):
            kinds.setdefault(study, []).append(kind)
        pairs = read("similarity")
    found = {}
    for a, b, text, value in zip(pairs["a"], pairs["b"], pairs["text"], pairs["similarity"]):
        found[a, b] = value
    odd = [f"{pair}: {value}" for pair, value in found.items() if pair[0] >= pair[1] or not 0 <= value <= 1]
    tally.say("similarity: one row a pair, in 0..1", len(found) - len(odd), odd)
    same, apart, bad_same, bad_apart = 0, 0, [], []
    for number, surface in enumerate(surfaces):
        a, b, c = (kinds.get(f"{number}{name}", []) for name in "abc")
        if len(a) != 1 or len(b) != 1 or len(c) != 1:
            continue
        if a == c:
            same += 1
        else:
            bad_same.append(surface)
        value = found.get((min(a[0], b[0]), max(a[0], b[0])), 0.0)
        if value <= 0.3:
            apart += 1
        else:
            bad_apart.append(f"{surface!r}: {value:.2f}")
    tally.say("similarity: a sentence is itself in any case and spacing", same, bad_same)
    tally.say("similarity: a sentence and its denial <= 0.3", apart, bad_apart)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--show", type=int, default=5)
    options = options.parse_args()
    found = collect(options.folder)
    texts = list(found)
    sets = sorted(set(found.values()))
    print(f"{len(texts)} texts of {len(sets)} sets: {', '.join(sets)}")
    tally = Tally(options.show)
    graphs = parse(options.binary, texts)

    bad = [f"{text[:60]!r}: {problem}" for text, graph in zip(texts, graphs) for problem in span_problems(text, graph)]
    tally.say("offsets are valid and slices equal surfaces", len(texts), bad)

    lined = [(text, graph) for text, graph in zip(texts, graphs) if "\n" in text]
    dos = parse(options.binary, [text.replace("\n", "\r\n") for text, _ in lined])
    bad = [repr(text[:200]) for (text, graph), other in zip(lined, dos) if facts(graph) != facts(other)]
    tally.say("CRLF changes nothing", len(lined) - len(bad), bad)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "all.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for number, text in enumerate(texts):
                file.write(json.dumps({"id": str(number), "text": text}) + "\n")
        one = output(options.binary, path, 1)
        bad = [f"{threads} threads" for threads in (2, 3, 8) if output(options.binary, path, threads) != one]
    tally.say("threads change no byte", 3 - len(bad), bad)

    sided = [text for text in texts if SWAP.search(text) and not SIDED.search(text)]
    known = dict(zip(texts, graphs))
    swapped = parse(options.binary, [swap_sides(text) for text in sided])
    bad = [repr(text[:200]) for text, other in zip(sided, swapped) if facts(known[text], True) != facts(other)]
    tally.say("swapped sides swap only sides", len(sided) - len(bad), bad)

    # What denies a change and not a finding: `no evidence of growth`.
    changes = {"enlargement", "difference"}
    surfaces = sorted(
        {
            " ".join(node["text"].lower().split())
            for graph in graphs
            for node in graph["nodes"]
            if node["kind"] == "observation" and node["assertion"] == "present" and node["concept"] not in changes
        }
    )
    denied(options.binary, surfaces, tally)
    similarity(options.binary, surfaces, tally)
    sys.exit(tally.failed)


if __name__ == "__main__":
    main()
