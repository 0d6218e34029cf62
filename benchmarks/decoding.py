"""What does it cost to decode films outside of the process that asks?

    python -m benchmarks.decoding [--rounds N]

Each film is read in turn, in every round in another order, in this process and by a decoding
process. The difference of the two, film by film and round by round, is what the other process
costs: starting a fork, and moving the pixels. Films are those of examples/, and a drawn DICOM film
of 12 megapixels and 12 bit, of which all values are moved as well as those of its window.
Prints a table to stderr and one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
from tqdm import tqdm

from benchmarks.medians import median_with_interval
from bonefx import data_folder
from bonefx.films import formats
from bonefx.films.decoding.pool import DecodingPool
from bonefx.films.decoding.requests import Request, Task
from bonefx.records import Radiograph

ROWS, COLUMNS = 4000, 3000
DEPTH = 2**12  # values of the film
Read = Callable[[Path], object]


def draw_film() -> bytes:
    """Return a DICOM film of 12 megapixels: smooth shapes with noise, without a window."""
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    shapes = 2000 + 1200 * np.sin(columns / 800) * np.cos(rows / 900)
    noise = np.random.default_rng(0).normal(0, 30, shapes.shape)
    return dicom_file(np.clip(shapes + noise, 0, DEPTH - 1).astype(np.uint16))


def dicom_file(values: NDArray[np.uint16]) -> bytes:
    """Return a DICOM film of 12 bit with these values, (H, W)."""
    film = pydicom.Dataset()
    film.file_meta = pydicom.dataset.FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID, film.SOPInstanceUID = ComputedRadiographyImageStorage, generate_uid()
    film.Modality, film.PhotometricInterpretation = "DX", "MONOCHROME2"
    (film.Rows, film.Columns), film.SamplesPerPixel = values.shape, 1
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
    film.PixelData = values.tobytes()
    film["PixelData"].VR = "OW"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, film, enforce_file_format=True)
    return buffer.getvalue()


def measure(paths: list[Path], ways: dict[str, Read], *, rounds: int) -> dict[str, Any]:
    """Time ways to read films, and return them with the paired difference of the second, in ms."""
    random = np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in tqdm(range(-1, rounds), leave=False):
        for path in paths:
            for name in random.permutation(list(ways)).tolist():
                elapsed_ms = time_call(ways[name], path)
                if turn >= 0:  # the first round warms up
                    times[name].append(elapsed_ms)
    first, second = (np.array(own) for own in times.values())
    return {
        **{name: float(np.median(own)) for name, own in times.items()},
        "difference": median_with_interval(second - first),
        "files": len(paths),
        "rounds": rounds,
    }


def time_call(read: Read, path: Path) -> float:
    """Return the time to read a film, in ms."""
    started = time.perf_counter()
    film = read(path)
    elapsed_ms = (time.perf_counter() - started) * 1000
    if not isinstance(film, Radiograph):
        raise TypeError(f"a film was not read: {film}")
    return elapsed_ms


def print_table(rows: dict[str, Any]) -> None:
    """Print the times for people."""
    print("ms: median, difference with its 95 % interval", file=sys.stderr)
    for name, row in rows.items():
        own = row["difference"]
        print(
            f"  {name:18} here {row['here']:7.1f}, outside {row['outside']:7.1f}, difference "
            f"{own['value']:6.1f} ({own['low']:.1f} to {own['high']:.1f})",
            file=sys.stderr,
        )


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    options = parser.parse_args(argv)
    pool, request = DecodingPool(), Request(task=Task.FILM)
    ways: dict[str, Read] = {
        "here": formats.read,
        "outside": lambda path: pool.ask(request, path),
    }
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder, "film.dcm")
        large.write_bytes(draw_film())
        films = {
            "examples": sorted(data_folder("examples").glob("*.jpg")),
            "DICOM, 12 megapixels": [large],
        }
        rows = {name: measure(paths, ways, rounds=options.rounds) for name, paths in films.items()}
    pool.close()
    print_table(rows)
    print(json.dumps({"films": rows, "cpus": os.cpu_count(), "platform": sys.platform}))


if __name__ == "__main__":
    main()
