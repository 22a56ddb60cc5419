"""Measures that time grows with the length of a text and no faster, whatever the text.

Usage: python3 benches/report/linear_time.py [RADLOOM] [--only NAME]

Each text is one pattern repeated, or bytes from a fixed seed, as plain text with JSON out. Its length is doubled until it
takes a quarter of a second or is 4 MB long; then it is measured at twice and four times that length too. Time is processor time of one thread, the best of two runs, less the start of the program. Ends with 1 when
doubling the length makes it more than 2.3 times as long.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile

LIMIT = 2.3
WORDS = (
    "no not without nodule effusion lung lobe right left bilateral in the of and or but except which was seen 5 mm x 3 cm "
    "stable new resolved may represent ( ) , ; : . ? - \" 1. FINDINGS: IMPRESSION: Dr. vs. ___ XXXX 2018-01-02 image 7"
).split()
PATTERNS = {
    "no no no": "no ",
    "brackets": "(",
    "bracket pairs": "()",
    "closing brackets": ")",
    "digits": "7",
    "digits and points": "7.",
    "commas": ",",
    "comma lists": "nodule, ",
    "stops": ".",
    "question marks": "cyst? ",
    "line feeds": "\n",
    "blanks": " ",
    "quotation marks": '" ',
    "dashes": "- ",
    "semicolons": "no nodule; ",
    "sizes": "5 x 3 x 2 mm ",
    "by by by": "3 x ",
    "one word": "a",
    "one endless sentence": "there is a nodule in the right lung and ",
    "relative clauses": "nodule which was seen and which ",
    "exceptions": "no nodule except for ",
    "hedges": "may represent nodule or ",
    "headings": "FINDINGS: ",
    "half headings": "IMPRESSIO ",
    "placeholders": "___ [**2118-6-2**] ",
    "items": "1. nodule 2. ",
    "dates": "01.02.2018 ",
    "two-byte letters": "\u00e9",
    "dotted capital I": "\u0130",
    "line ends": "\r\n",
    "headings in a line": "clear findings: ",
    "headings in capitals": "clear FINDINGS clear ",
    "misspelt words": "pnemothorax and efusion ",
    "answers": "nodule -, mass absent, ",
    "letters": "R L ",
    "denied exclusions": "neither nodule nor mass can be ruled out ",
    "question marks apart": "cyst ? node ",
    "arrows of sizes": "8 mm -> 9 mm, previously 7 mm on 01.02.2020, ",
    "tags": "<b>nodule</b>&nbsp;",
    "open tags": "<a &amp ",
    "open styles": "<style> ",
    "open comments": "<!-- ",
}


def texts():
    """By name, a function from a length in bytes to the text."""
    for name, pattern in PATTERNS.items():
        raw = pattern.encode()
        yield name, lambda size, raw=raw: (raw * (size // len(raw) + 1))[:size]
    # Of a text: with more control bytes it is refused.
    yield "arbitrary bytes", lambda size: bytes(random.Random(1).choices(range(32, 256), k=size))

    def words(size):
        draw = random.Random(2)
        return " ".join(draw.choice(WORDS) for _ in range(size // 5)).encode()

    yield "words of the rules", words


def seconds(binary, path, runs):
    best = float("inf")
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [binary, "report", path, "--json", "--threads", "1"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--only")
    options = options.parse_args()
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "text.txt")

        def measure(content, runs=1):
            with open(path, "wb") as file:
                file.write(content)
            return seconds(options.binary, path, runs)

        start = measure(b"No nodule.", 3)
        for name, make in texts():
            if options.only not in (None, name):
                continue
            size = 125_000
            while (one := measure(make(size)) - start) < 0.25 and size < 4_000_000:
                size *= 2
            runs = [max(measure(make(size * times), 2) - start, 1e-3) for times in (1, 2, 4)]
            # Over two doublings a stray tick counts half.
            growth = (runs[2] / runs[0]) ** 0.5 if one > 0.02 else 1.0
            mark = "" if growth <= LIMIT else "  SLOW"
            times = " ".join(f"{run * 1e3:6.0f}" for run in runs)
            print(f"{name:22} {size / 1e3:5.0f} kB {times} ms  x{growth:.2f} a doubling{mark}", flush=True)
            if mark:
                slow.append(name)
    print(f"slower than linear: {', '.join(slow) or 'none'}")
    sys.exit(bool(slow))


if __name__ == "__main__":
    main()
