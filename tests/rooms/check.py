#!/usr/bin/env python3
"""Checks the imports between the modules of each crate: no circle, and no arrow from a room to one that is not below it.

    python3 tests/rooms/check.py [--root DIR] [--report] [--arrows ROOM]

A module is a file, or a folder with everything below it. In every folder the modules side by side must form a graph
without circles, and a crate's rooms (the modules at its top) must import only rooms of lower floors, as `FLOORS` says. A re-export in `mod.rs` or `lib.rs` is not an import; an import through it is one of the file that
defines the name. Code under `#[cfg(test)]`, `tests.rs` and `tests/` does not count.

Exit code 0: nothing is wrong. 1: a circle, an upward arrow or a stale entry of `KNOWN`. `--report` always ends with 0.
"""

import argparse
import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path

# The rooms of each crate, floor by floor, lowest first. This is the one place that states the order. A room imports
# rooms of lower floors only. `volume` stands below `ingest`, which reads into its types, and `shard`, which knows files
# and bytes but no corpus, below all that read or write tables. `ingest` reads reports into documents, which
# `report` takes; `report` itself reads no file.
FLOORS = {
    "schemas": [
        ["format", "named"],
        ["ids", "reason", "rescale", "split"],
        ["manifest"],
        ["voxel"],
        ["study", "tables"],
        ["lock"],
        ["outcome"],
    ],
    "gzip": [
        ["bits", "member", "splice"],
        ["huffman", "members"],
        ["deflate"],
        ["parts"],
        ["whole"],
    ],
    "pipeline": [
        ["files", "memory"],
        ["draws", "store", "volume"],
        ["quality", "shard"],
        ["ingest"],
        ["phantom", "report"],
        ["graph"],
        ["plan"],
        ["release"],
        ["execute", "loader"],
    ],
    "model": [
        ["device", "kernel", "random"],
        ["batch", "encoder", "objective"],
        ["block", "weights"],
        ["text"],
        ["handoff", "system"],
        ["trainer"],
        ["evaluate"],
    ],
    "radloom": [
        ["failure", "progress", "usage"],
        ["gallery", "sentence_encoder"],
        ["cli"],
        ["settings"],
        ["commands"],
    ],
}

# Only these modules of a crate may name another crate of the workspace; a crate that is not listed here may not be named.
CRATES = {
    "schemas": {},
    "gzip": {},
    "pipeline": {"schemas": None, "gzip": None},
    "model": {"schemas": None, "pipeline": ["handoff"]},
    "radloom": {"schemas": None, "pipeline": None, "model": None},
}

# A file above this number of lines is counted as long.
LONG = 300

# Circles and upward arrows that are still there, each with its reason. An entry that is not found any more is an
# error, so the list can only shrink.
KNOWN = {}

SOURCES = {"schemas": "schemas/src", "gzip": "pipeline/gzip/src", "pipeline": "pipeline/src", "model": "model/src", "radloom": "src"}

NOISE = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | b?r(?P<hashes>\#*)".*?"(?P=hashes)
    | b?"(?:\\.|[^"\\])*"
    | b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.)|[^'\\\n])'
    """,
    re.VERBOSE | re.DOTALL,
)
TEST_ONLY = re.compile(r"#\[cfg\((?:all\()?test\b[^\]]*\)\]")
USE = re.compile(r"(?P<public>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
MOD = re.compile(r"\bmod\s+([A-Za-z_]\w*)\s*;")
VISIBILITY = re.compile(r"\bpub\(in\s[^)]*\)")
# A list such as `systems! { mg3d::Mg3dSystem }` declares the module `mg3d`.
LIST = re.compile(r"\b\w+!\s*\{((?:\s*\w+::\w+\s*,?)+)\s*\}")
DEFINITION = re.compile(
    r"(?:^|\n|[;{}\]])\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|async\s+|unsafe\s+|extern\s+)*"
    r"(?:struct|enum|union|trait|type|fn|const|static|macro_rules!)\s+([A-Za-z_]\w*)"
)
PATH = re.compile(r"(?<![\w:.$])\$?([A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)+)")


def blank(text):
    """The same text with everything but line breaks replaced by spaces."""
    return re.sub(r"[^\n]", " ", text)


def without_noise(text):
    """The code without comments and literals, every byte at its place."""
    return NOISE.sub(lambda found: blank(found.group()), text)


def end_of_item(code, start):
    """Where the item that begins at `start` ends: behind its block, or behind its semicolon."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "{([":
            depth += 1
        elif code[at] in "})]":
            depth -= 1
            if depth == 0 and code[at] == "}":
                return at + 1
            if depth < 0:
                return at
        elif code[at] in ";," and depth == 0:
            return at + 1
    return len(code)


def without_tests(code):
    """The code without the items under `#[cfg(test)]`, and the names of the test modules in files of their own."""
    tests = set()
    while found := TEST_ONLY.search(code):
        end = end_of_item(code, found.end())
        tests.update(MOD.findall(code[found.start():end]))
        code = code[:found.start()] + blank(code[found.start():end]) + code[end:]
    return code, tests


def use_paths(tree, prefix=()):
    """Every path of a `use` tree as (segments, local name)."""
    tree = tree.strip()
    if tree.startswith("{"):
        for part in split_at_top(tree[1:tree.rindex("}")]):
            yield from use_paths(part, prefix)
        return
    brace = tree.find("{")
    head, rest = (tree, None) if brace < 0 else (tree[:brace].rstrip().removesuffix("::"), tree[brace:])
    alias = None
    if rest is None and re.search(r"\sas\s", head):
        head, alias = re.split(r"\sas\s", head)
    segments = prefix + tuple(part.strip() for part in head.split("::") if part.strip())
    if rest is not None:
        yield from use_paths(rest, segments)
        return
    if len(segments) > 1 and segments[-1] == "self":
        segments = segments[:-1]
    yield segments, (alias or segments[-1]).strip()


def split_at_top(text):
    """Parts of a list at its commas, not at those inside of braces."""
    depth, part = 0, ""
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if part.strip():
                yield part
            part = ""
        else:
            part += letter
    if part.strip():
        yield part


class Module:
    """One file: its place in the crate, what it defines, and the paths that it names."""

    def __init__(self, path, place, folder):
        self.path, self.place, self.folder = path, place, folder
        text = path.read_text(encoding="utf-8")
        self.lines = text.count("\n")
        self.code, self.tests = without_tests(without_noise(text))
        self.children = set(MOD.findall(self.code))
        for entries in LIST.findall(self.code):
            self.children.update(re.findall(r"(\w+)::", entries))
        body = USE.sub(lambda found: blank(found.group()), self.code)
        # A visibility such as `pub(in crate::plan)` names a folder above; it imports nothing.
        body = VISIBILITY.sub(lambda found: blank(found.group()), body)
        self.defined = set(DEFINITION.findall(body))
        self.uses, self.reexports, self.globs = [], {}, []
        for found in USE.finditer(self.code):
            line = self.code.count("\n", 0, found.start("tree")) + 1
            for segments, name in use_paths(found.group("tree")):
                public = found.group("public") is not None
                if public and name == "*":
                    self.globs.append(segments[:-1])
                elif public:
                    self.reexports[name] = segments
                if not (public and folder):
                    self.uses.append((segments, name, line))
        self.inline = []
        for found in PATH.finditer(body):
            segments = tuple(part.strip() for part in found.group(1).split("::"))
            self.inline.append((segments, body.count("\n", 0, found.start()) + 1))


class Crate:
    """The modules of one crate and the arrows between their files."""

    def __init__(self, name, source):
        self.name, self.modules = name, {}
        self.test_files = []
        self.read(source / ("main.rs" if name == "radloom" else "lib.rs"), source, ())
        self.arrows = {}
        self.foreign = defaultdict(list)
        for module in self.modules.values():
            self.follow(module)

    def read(self, path, folder, place):
        """Reads a file and, by its `mod` lines, the files below it."""
        named = {child.stem for child in folder.glob("*.rs")} | {child.name for child in folder.glob("*/")}
        is_folder = path.name in ("mod.rs", "lib.rs", "main.rs") or bool(named and path.stem not in named)
        module = Module(path, place, is_folder)
        self.modules[place] = module
        for test in module.tests:
            self.test_files.append(place + (test,))
        for child in sorted(module.children):
            if child == "tests":
                continue
            for candidate in (folder / f"{child}.rs", folder / child / "mod.rs"):
                if candidate.exists():
                    self.read(candidate, folder / child, place + (child,))

    def resolve(self, place, segments, depth=0):
        """The module that a path leads to, through re-exports, or None where it leads out of the crate."""
        if depth > 12 or not segments:
            return place if place in self.modules else None
        here = self.modules.get(place)
        if here is None:
            return None
        head, rest = segments[0], segments[1:]
        if place + (head,) in self.modules:
            return self.resolve(place + (head,), rest, depth + 1)
        if head in here.defined or head == "*":
            return place
        if head in here.reexports:
            target = self.absolute(place, here.reexports[head])
            if target is None:
                return place
            return self.resolve((), target + rest, depth + 1)
        for glob in here.globs:
            target = self.absolute(place, glob)
            found = target is not None and self.resolve((), target, depth + 1)
            if found and self.modules[found].defined & {head}:
                return found
        return place

    def absolute(self, place, segments, aliases=None):
        """The path from the root of the crate, or None where its first segment is none of this crate's."""
        head, rest = segments[0], tuple(segments[1:])
        if head == "crate":
            return rest
        if head == "self":
            return place + rest
        if head == "super":
            up = place
            rest = tuple(segments)
            while rest and rest[0] == "super":
                up, rest = up[:-1], rest[1:]
            return up + rest
        if aliases and head in aliases:
            return aliases[head] + rest
        if head in self.modules[place].children:
            return place + (head,) + rest
        return None

    def follow(self, module):
        """Notes the arrows of one file."""
        aliases = {}
        for segments, name, line in module.uses:
            target = self.absolute(module.place, segments)
            if target is None:
                self.foreign[segments[0]].append((module.place, line))
                continue
            if target in self.modules:
                aliases[name] = target
            self.arrow(module, target, line)
        for segments, line in module.inline:
            target = self.absolute(module.place, segments, aliases)
            if target is not None:
                self.arrow(module, target, line)
            else:
                self.foreign[segments[0]].append((module.place, line))

    def arrow(self, module, target, line):
        found = self.resolve((), target)
        if found is not None and found != module.place:
            self.arrows.setdefault((module.place, found), line)

    def levels(self):
        """For each folder the arrows between the modules in it: (from, to) -> evidence."""
        levels = defaultdict(dict)
        for (source, target), line in sorted(self.arrows.items()):
            shared = 0
            while shared < min(len(source), len(target)) and source[shared] == target[shared]:
                shared += 1
            folder = source[:shared]
            # The file of the folder itself (`mod.rs`) is a module beside those in it, called `.`.
            a = source[shared] if len(source) > shared else "."
            b = target[shared] if len(target) > shared else "."
            path = self.modules[source].path
            levels[folder].setdefault((a, b), (path, line, "::".join(("crate",) + target)))
        return levels

    def title(self, folder):
        return "/".join((self.name,) + folder)


def circles(arrows):
    """The strongly connected parts of a graph that have more than one module (Tarjan)."""
    graph = defaultdict(set)
    for a, b in arrows:
        graph[a].add(b)
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = []
            while True:
                part.append(stack.pop())
                if part[-1] == node:
                    break
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(set(graph)):
        if node not in index:
            visit(node)
    return sorted(found)


def walk_of(part, arrows):
    """A shortest walk round inside of a connected part, as a list that ends where it begins."""
    best = None
    for start in part:
        queue, came = [start], {start: None}
        while queue:
            node = queue.pop(0)
            for a, b in sorted(arrows):
                if a != node or b not in part:
                    continue
                if b == start:
                    walk = [start]
                    while node is not None:
                        walk.insert(0, node)
                        node = came[node]
                    if best is None or len(walk) < len(best):
                        best = walk
                    queue = []
                    break
                if b not in came:
                    came[b] = node
                    queue.append(b)
    return best


def percentile(values, share):
    """The value below which this share of the sorted values lies (nearest rank)."""
    values = sorted(values)
    return values[min(len(values) - 1, max(0, round(share * len(values) + 0.5) - 1))]


def check(root, report=False, arrows_of=None):
    """Prints what there is and returns the list of what is wrong."""
    problems, seen = [], set()
    lines = []
    total = 0
    for name, source in SOURCES.items():
        crate = Crate(name, root / source)
        lines += [(module.lines, str(module.path.relative_to(root))) for module in crate.modules.values()]
        levels = crate.levels()
        rooms = levels.get((), {})
        print(f"{name}: {len(crate.modules)} modules, {len(crate.arrows)} imports between them")
        if arrows_of:
            for (a, b), (path, line, target) in sorted(rooms.items()):
                if arrows_of in (a, b):
                    print(f"  {a} -> {b}: {path.relative_to(root)}:{line} names {target}")
        for folder, arrows in sorted(levels.items()):
            for part in circles(arrows):
                total += 1
                key = f"{crate.title(folder)}: {' '.join(part)}"
                seen.add(key)
                walk = walk_of(part, arrows)
                text = [f"circle in {crate.title(folder)}: {' -> '.join(walk)} (of {len(part)}: {', '.join(part)})"]
                for a, b in zip(walk, walk[1:]):
                    path, line, target = arrows[a, b]
                    text.append(f"    {a} -> {b}: {path.relative_to(root)}:{line} names {target}")
                if key not in KNOWN:
                    problems.append("\n".join(text))
                print("\n".join(text))
        floor = {room: at for at, floor in enumerate(FLOORS[name]) for room in floor}
        if floor:
            for (a, b), (path, line, target) in sorted(rooms.items()):
                if "." in (a, b):
                    continue
                missing = [room for room in (a, b) if room not in floor]
                if missing:
                    problems.append(f"room `{missing[0]}` of {name} stands on no floor: add it to FLOORS")
                elif floor[b] >= floor[a]:
                    key = f"{name}: {a} -> {b}"
                    seen.add(key)
                    text = f"upward arrow in {name}: {a} -> {b}: {path.relative_to(root)}:{line} names {target}"
                    print(text)
                    if key not in KNOWN:
                        problems.append(text)
        for other, allowed in [(other, CRATES[name].get(other, [])) for other in SOURCES]:
            if other == name or allowed is None:
                continue
            for place, line in crate.foreign.get(other, []):
                if not any(place[: len(part)] == part for part in [tuple(text.split("::")) for text in allowed]):
                    path = crate.modules[place].path.relative_to(root)
                    problems.append(f"crate {name} names {other} at {path}:{line}")
                    print(problems[-1])
    problems += [f"stale entry of KNOWN, remove it: {key}" for key in KNOWN if key not in seen]
    sizes = [size for size, _ in lines]
    print(f"source files: {len(sizes)}, lines: median {round(statistics.median(sizes))}, p90 {percentile(sizes, 0.9)}")
    print(f"over {LONG} lines: {sum(size > LONG for size in sizes)}")
    print("largest: " + ", ".join(f"{path} {size}" for size, path in sorted(lines, reverse=True)[:5]))
    print(f"circles: {total}")
    return sorted(set(problems))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--report", action="store_true", help="print only; the exit code is 0")
    parser.add_argument("--arrows", metavar="ROOM", help="list the imports of and from this room")
    args = parser.parse_args()
    problems = check(args.root, args.report, args.arrows)
    print(f"to mend: {len(problems)}")
    for problem in problems:
        if problem.startswith(("stale", "room")):
            print(problem)
    sys.exit(0 if args.report or not problems else 1)


if __name__ == "__main__":
    main()
