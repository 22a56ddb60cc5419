"""Shared by the scripts of this folder: runs `radloom report` on texts and reads the graphs back."""

import csv
import json
import os
import subprocess
import tempfile


def parse(binary, texts, policy=None, lexicon=None, sections=False):
    """The graphs of `texts`, in order, as Python objects. `lexicon` is the text of a user lexicon.

    With `sections`, the texts are pairs of findings and impression and become the csv columns of CT-RATE.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "texts.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for number, text in enumerate(texts):
                file.write(json.dumps({"id": str(number), "text": text}) + "\n")
        command = [binary, "report", path, "--json"]
        if policy:
            command += ["--policy", policy]
        if lexicon:
            rows = os.path.join(folder, "lexicon.tsv")
            with open(rows, "w", encoding="utf-8") as file:
                file.write(lexicon)
            command += ["--lexicon", rows]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode("utf-8")
    graphs = [json.loads(line) for line in output.split("\n") if line]
    if len(graphs) != len(texts):
        raise SystemExit(f"{len(texts)} texts went in and {len(graphs)} graphs came out")
    return graphs


def long_texts(path):
    """What the longest column of a csv holds, without empty cells."""
    csv.field_size_limit(1 << 24)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = max(rows[0], key=lambda name: len(rows[0][name] or ""))
    return [row[column] for row in rows if row[column]]


def concept_rows(path):
    """The rows of a `concepts.tsv` as dictionaries."""
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def score(pairs):
    """Precision, recall and F1 of (gold, found) pairs of truth values."""
    hit = sum(1 for gold, found in pairs if gold and found)
    gold = sum(1 for gold, _ in pairs if gold)
    found = sum(1 for _, found in pairs if found)
    return hit / found if found else 0.0, hit / gold if gold else 0.0, 2 * hit / (gold + found) if gold + found else 0.0


def span_node(graph, start, end, kinds=("observation", "device", "procedure")):
    """The node of these kinds that shares most bytes with the span, the longer of two; else None."""

    def shared(node):
        return min(node["end"], end) - max(node["start"], start)

    nodes = [node for node in graph["nodes"] if node["kind"] in kinds and shared(node) > 0]
    return max(nodes, key=lambda node: (shared(node), node["end"] - node["start"], -node["start"]), default=None)
