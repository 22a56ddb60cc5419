#!/usr/bin/env python3
"""Makes the fragments a section of CHANGELOG.md and removes them: gather.py VERSION [DATE]"""

import datetime
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHANGELOG = HERE.parent / "CHANGELOG.md"
KINDS = ["added", "changed", "fixed"]


def item(text):
    """A list item; further lines are indented under the first."""
    return "- " + "\n  ".join(text.strip().splitlines())


def main(version, date):
    section, used = [f"## {version} ({date})"], []
    for kind in KINDS:
        files = sorted(HERE.glob(f"*.{kind}.md"))
        if files:
            section += [f"### {kind.capitalize()}", "\n".join(item(file.read_text()) for file in files)]
            used += files
    if not used:
        sys.exit("there are no fragments")
    text = CHANGELOG.read_text()
    at = text.find("\n## ")
    if at < 0:
        sys.exit("CHANGELOG.md has no section")
    CHANGELOG.write_text(text[:at] + "\n" + "\n\n".join(section) + "\n" + text[at:])
    for file in used:
        file.unlink()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else datetime.date.today().isoformat())
