"""Decode many spoilt files, and print what becomes of them as one line of JSON.

    python -m tests.fuzz [--files N] [--seed S] [--keep DIR]

Exits with 1 if bonefx failed on a file, if a file ended its decoding process, or if an answer is no
film and no sentence; --keep writes these files into a folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from tests.fuzz.outcomes import GOOD, decode_files


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for result in decode_files(options.seed, options.files):
        counts[f"{result.family}: {result.kind}"] += 1
        if result.kind in GOOD:
            continue
        print(f"{result.number} {result.family}: {result.kind} {result.detail}", file=sys.stderr)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{options.seed}_{result.number}").write_bytes(result.content)
    bad = sum(count for name, count in counts.items() if name.split(": ")[1] not in GOOD)
    print(json.dumps({"seed": options.seed, "files": options.files, "bad": bad, **counts}))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
