"""Scores the trap sentences of the report room, and with `--peers` negation rules of others beside it.

Usage: python3 benches/report/trap_score.py pipeline/src/report/tests/traps.tsv [RADLOOM] [--peers] [--errors]

A sentence is exact when all of its checks hold. Peers get the spans of the assertion checks as entities, so that
only their rules are measured; negspacy knows negated and affirmed, medspaCy's ConText also hedges (pip install
spacy negspacy medspacy).
"""

import argparse
import collections

from reports import parse, span_node


def read(path):
    """Sentence id to (category, text, checks); a check is (start, end, surface, what, expected)."""
    sentences = {}
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    for line in lines[1:]:
        key, category, start, end, surface, check, expected, text = line.split("\t")
        text = text.replace("\\n", "\n")
        entry = sentences.setdefault(key, (category, text, []))
        assert text.encode()[int(start) : int(end)].decode() == surface.replace("\\n", "\n"), key
        entry[2].append((int(start), int(end), surface, check, expected))
    return sentences


def asserted(value, expected):
    if expected.startswith("not_"):
        return value is not None and value != expected[4:] or value is None and expected == "not_present"
    return value == expected


def sizes(graph, start, end):
    return [m for m in graph["measurements"] if m["start"] < end and m["end"] > start]


def holds(graph, check):
    start, end, _, what, expected = check
    node = span_node(graph, start, end)
    if what == "assertion":
        return asserted(node and node["assertion"], expected)
    if what in ("side", "change"):
        if node is None and what == "side":
            node = span_node(graph, start, end, ("anatomy",))
        return node is not None and (node[what] or "none") == expected
    if what in ("size", "prior_size"):
        values = [float(value) for value in expected.split(",")]
        return any(m["values_mm"] == values and m["prior"] == (what == "prior_size") for m in sizes(graph, start, end))
    if what == "size_of":
        targets = [graph["nodes"][m["node"]] for m in sizes(graph, start, end) if m["node"] is not None]
        return any(expected in target["text"].lower() for target in targets)
    if what == "no_size":
        return not sizes(graph, start, end)
    if what == "no_node":
        return span_node(graph, start, end, ("observation", "device", "procedure", "anatomy", "modifier")) is None
    if what == "no_finding":
        return node is None or node["concept"] == "normal"
    if what == "at":
        if node is None:
            return False
        edges = [e for e in graph["edges"] if e["relation"] == "located_at" and e["source"] == node["id"]]
        return any(expected in graph["nodes"][e["target"]]["text"].lower() for e in edges)
    if what == "sentences":
        return len(graph["sentences"]) == int(expected)
    if what.startswith("label:"):
        policy, name = what[6:].split("/")
        return graph["labels"][policy][name] == int(expected)
    raise SystemExit(f"unknown check {what}")


def peer_answers(sentences, name):
    """Per sentence and assertion check: present, absent or uncertain."""
    import spacy

    model = spacy.blank("en")
    model.add_pipe("sentencizer")
    if name == "negspacy":
        from negspacy.negation import Negex  # noqa: F401  (registers the pipe)
        from negspacy.termsets import termset

        pipe = model.create_pipe("negex", config={"neg_termset": termset("en").get_patterns()})
    else:
        import medspacy.context  # noqa: F401  (registers the pipe)

        pipe = model.create_pipe("medspacy_context")
    for key, (_, text, checks) in sentences.items():
        doc = model(text)
        raw = text.encode()
        targets = {}
        for start, end, _, what, _ in checks:
            if what == "assertion":
                limits = len(raw[:start].decode()), len(raw[:end].decode())
                targets[start, end] = doc.char_span(*limits, label="FINDING", alignment_mode="expand")
        doc.ents = spacy.util.filter_spans([span for span in targets.values() if span is not None])
        pipe(doc)
        answers = {}
        for span, target in targets.items():
            found = next((ent for ent in doc.ents if target is not None and ent.start == target.start), None)
            if found is None:
                answers[span] = None
            elif name == "negspacy":
                answers[span] = "absent" if found._.negex else "present"
            elif found._.is_negated:
                answers[span] = "absent"
            elif found._.is_uncertain or found._.is_hypothetical or found._.is_historical or found._.is_family:
                answers[span] = "uncertain"
            else:
                answers[span] = "present"
        yield key, answers


def main():
    options = argparse.ArgumentParser()
    options.add_argument("traps")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--peers", action="store_true")
    options.add_argument("--errors", action="store_true")
    options = options.parse_args()
    sentences = read(options.traps)
    graphs = parse(options.binary, [text for _, text, _ in sentences.values()])
    exact, total = collections.Counter(), collections.Counter()
    checks_held = checks = held_assertions = assertions = 0
    for (key, (category, text, own)), graph in zip(sentences.items(), graphs):
        results = [holds(graph, check) for check in own]
        total[category] += 1
        exact[category] += all(results)
        checks += len(own)
        checks_held += sum(results)
        assertions += sum(check[3] == "assertion" for check in own)
        held_assertions += sum(held for check, held in zip(own, results) if check[3] == "assertion")
        if options.errors and not all(results):
            print(f"{key}: {text!r}")
            for check, held in zip(own, results):
                node = span_node(graph, check[0], check[1])
                got = node and (node["text"], node["assertion"], node["side"], node["change"], node["rule"])
                if not held:
                    print(f"    {check[2]!r} {check[3]} {check[4]}: {got}")
    for category in total:
        print(f"{category:20} {exact[category]:3} of {total[category]:3}")
    count = sum(total.values())
    print(f"exact sentences {sum(exact.values())} of {count} ({sum(exact.values()) / count:.4f}); "
          f"checks {checks_held} of {checks} ({checks_held / checks:.4f})")
    print(f"assertion checks: radloom {held_assertions / assertions:.4f} of {assertions}")
    if options.peers:
        for name in ("negspacy", "medspacy"):
            try:
                answers = dict(peer_answers(sentences, name))
            except ImportError as error:
                print(f"{name}: not installed ({error})")
                continue
            held = sum(
                asserted(answers[key].get((check[0], check[1])), check[4])
                for key, (_, _, own) in sentences.items()
                for check in own
                if check[3] == "assertion"
            )
            print(f"assertion checks: {name} {held / assertions:.4f} of {assertions}")


if __name__ == "__main__":
    main()
