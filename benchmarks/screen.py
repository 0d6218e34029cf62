"""How long does a user wait for the verdict, the film and the second opinion in a browser?

    python -m benchmarks.screen [--rounds N] [--weights DIR]

Starts the app on this machine and opens it in Chromium, which must be installed. In every round
each film is given to the input of a page that was just loaded. The page notes when it paints, from
the start of the upload on: the end of the upload, the verdict, the film with its map where it has
one, and the second model's opinion. Each stage is the time since the stage before, and its share is
that of the whole wait.

Films are two examples, enlarged to JPEG files of 1 megapixel, one with a fracture and one without,
and the first of them as a DICOM file of 12 megapixels. App and browser share the machine. Prints a
table to stderr and one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from benchmarks.decoding import DEPTH, dicom_file
from benchmarks.medians import median_with_interval
from benchmarks.serve import running_app
from bonefx import data_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROUNDS = 8
LIMIT_MS = 120_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
FRACTURE, INTACT = "IMG0000801.jpg", "IMG0000410.jpg"  # the first one gets a map
MEGAPIXEL = 10**6
STAGES = ("uploaded", "verdict", "film", "second")

# Note the first paint in which each part of the screen is there, and when the upload was, in ms.
WATCH = """
() => {
    const parts = {
        verdict: () => document.querySelector("section.verdict .probability"),
        film: () => document.querySelector("figure.film[data-drawn]"),
        second: () => document.querySelector("section.verdict .second:not([aria-busy])"),
    };
    const seen = window.benchmark = {};
    const upload = () => performance.getEntriesByType("resource")
        .find((entry) => entry.name.includes("/upload") && entry.responseEnd);
    const look = (now) => {
        const sent = upload();
        if (sent) [seen.started, seen.uploaded] = [sent.startTime, sent.responseEnd];
        for (const [name, found] of Object.entries(parts)) {
            if (!(name in seen) && found()) seen[name] = now;
        }
        seen.map = Boolean(document.querySelector("image.map"));
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}
"""
DONE = f"() => {json.dumps(STAGES)}.every((name) => name in window.benchmark)"


def write_films(folder: Path) -> dict[str, Path]:
    """Write the films into a folder; return them by what they are."""
    fracture, intact = (_example(name) for name in (FRACTURE, INTACT))
    films = {
        "JPEG, 1 megapixel, fracture": (folder / "fracture.jpg", _jpeg(fracture)),
        "JPEG, 1 megapixel, no fracture": (folder / "intact.jpg", _jpeg(intact)),
        "DICOM, 12 megapixels, fracture": (
            folder / "fracture.dcm",
            dicom_file(_enlarged(fracture, 12).astype(np.uint16) * (DEPTH // 256)),
        ),
    }
    for path, content in films.values():
        path.write_bytes(content)
    return {name: path for name, (path, _) in films.items()}


def _example(name: str) -> NDArray[np.uint8]:
    with Image.open(data_folder("examples") / name) as image:
        return np.asarray(image.convert("L"))


def _enlarged(pixels: NDArray[np.uint8], megapixels: int) -> NDArray[np.uint8]:
    scale = math.sqrt(megapixels * MEGAPIXEL / pixels.size)
    enlarged = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(enlarged, np.uint8)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(_enlarged(pixels, 1)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser without a window."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise SystemExit(f"no browser on the PATH; install one of {', '.join(BROWSERS)}")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


def wait_for_screen(browser: Browser, url: str, film: Path) -> dict[str, float | bool]:
    """Give a film to a new page; return when each of STAGES was there, in ms, and "map"."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    try:
        page.goto(url)
        page.wait_for_selector("#film input[type=file][multiple]", state="attached")
        page.evaluate(WATCH)
        page.locator("#film input[type=file]").set_input_files(film)
        page.wait_for_function(DONE, timeout=LIMIT_MS)
        seen = page.evaluate("() => window.benchmark")
    finally:
        page.context.close()
    times = {name: seen[name] - seen["started"] for name in STAGES}
    return times | {"map": seen["map"]}


def summary(waits: Sequence[dict[str, float | bool]]) -> dict[str, Any]:
    """Return the waits from the end of the upload, and the stages of the whole wait, in ms."""
    times = np.array([[float(wait[name]) for name in STAGES] for wait in waits])
    stages = np.diff(times, axis=1, prepend=0.0)
    shares = stages / times[:, -1:]
    return {
        "rounds": len(waits),
        "map": all(wait["map"] for wait in waits),
        "from_upload_ms": {
            name: median_with_interval(times[:, index] - times[:, 0])
            for index, name in enumerate(STAGES)
            if index
        },
        "stages_ms": {name: float(np.median(stages[:, i])) for i, name in enumerate(STAGES)},
        "shares": {name: float(np.median(shares[:, i])) for i, name in enumerate(STAGES)},
    }


def print_table(films: dict[str, Any]) -> None:
    """Print the waits for people."""
    for name, row in films.items():
        waits = "  ".join(
            f"{stage} {one['value']:6.0f} ({one['low']:.0f} to {one['high']:.0f})"
            for stage, one in row["from_upload_ms"].items()
        )
        shares = ", ".join(f"{stage} {share:.0%}" for stage, share in row["shares"].items())
        print(f"{name:22} ms from the end of the upload: {waits}; {shares}", file=sys.stderr)


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screen", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--weights", type=Path, metavar="DIR")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        films = write_films(Path(folder))
        with running_app(options.weights) as app, chromium() as browser:
            waits: dict[str, list[dict[str, float | bool]]] = {name: [] for name in films}
            for number in tqdm(range(-1, options.rounds), leave=False):
                for name, film in films.items():
                    wait = wait_for_screen(browser, app.url, film)
                    if number >= 0:  # the first round warms up
                        waits[name].append(wait)
    rows = {name: summary(own) for name, own in waits.items()}
    print_table(rows)
    print(json.dumps({"films": rows, "cores": os.cpu_count(), "platform": sys.platform}))


if __name__ == "__main__":
    main()
