#!/usr/bin/env python3
"""Scores the assertions of hand-written cases, and with `--peers` those of others beside them.

Usage: python3 benches/report/case_assertions.py CASES.jsonl [RADLOOM] [--peers]

A line of CASES.jsonl is {"text", "expect": {"mentions": [{"span", "nth", "assertion"}]}}. `historical` and `family` count
as any value but present. radloom must find the mention itself; peers are given the span and asked for the assertion alone
(pip install spacy negspacy, and medspacy without its dependencies). edsnlp has no English terms and is left out.
"""
import argparse
import json

from trap_score import parse, peer_answers, span_node


def read(path):
    """Per case: its kind, text and assertions as (first byte, byte after, span, "assertion", expected)."""
    cases = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            case = json.loads(line)
            text, checks = case["text"], []
            for mention in case["expect"].get("mentions", []):
                if "assertion" not in mention:
                    continue
                at = -1
                for _ in range(mention.get("nth", 0) + 1):
                    at = text.index(mention["span"], at + 1)
                start = len(text[:at].encode())
                end = start + len(mention["span"].encode())
                checks.append((start, end, mention["span"], "assertion", mention["assertion"]))
            if checks:
                cases[case.get("id", number)] = (case.get("kind", ""), text, checks)
    return cases


def holds(found, expected):
    if expected in ("historical", "family", "!present"):
        return found is not None and found != "present"
    return found == expected


def main():
    options = argparse.ArgumentParser()
    options.add_argument("cases")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--peers", action="store_true")
    options = options.parse_args()
    cases = read(options.cases)
    count = sum(len(checks) for _, _, checks in cases.values())
    graphs = parse(options.binary, [text for _, text, _ in cases.values()])
    held = 0
    for (_, _, checks), graph in zip(cases.values(), graphs):
        nodes = [span_node(graph, check[0], check[1]) for check in checks]
        held += sum(holds(node and node["assertion"], check[4]) for node, check in zip(nodes, checks))
    print(f"radloom {held / count:.4f} of {count} assertions in {len(cases)} texts")
    for name in ("negspacy", "medspacy") if options.peers else ():
        try:
            answers = dict(peer_answers(cases, name))
        except ImportError as error:
            print(f"{name}: not installed ({error})")
            continue
        held = sum(
            holds(answers[key].get((check[0], check[1])), check[4])
            for key, (_, _, checks) in cases.items()
            for check in checks
        )
        print(f"{name} {held / count:.4f} of {count}")


if __name__ == "__main__":
    main()
