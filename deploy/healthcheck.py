"""Ask a running app whether it serves: for the container, a supervisor, and `make fresh`.

    python deploy/healthcheck.py [--url URL] [--wait S]

Exits with 0 if /healthz answers that the app serves, else with 1 and the reason on stderr. It needs
the standard library alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

OWN_ADDRESS = f"http://127.0.0.1:{os.environ.get('BONEFX_PORT', '7860')}"
TIMEOUT_S = 4.0
PAUSE_S = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Ask once, or until the app serves or the time is over; returns 0 if it serves, else 1."""
    parser = argparse.ArgumentParser(description="Ask a running app whether it serves.")
    parser.add_argument(
        "--url", default=OWN_ADDRESS, help="address of the app (default: that of BONEFX_PORT here)"
    )
    parser.add_argument(
        "--wait", type=float, default=0, metavar="S", help="seconds to wait for it (default: 0)"
    )
    options = parser.parse_args(argv)
    deadline = time.monotonic() + options.wait
    while (fault := find_fault(options.url)) and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    if fault:
        sys.stderr.write(f"{options.url}: {fault}\n")
    return 1 if fault else 0


def find_fault(url: str) -> str | None:
    """Return why an app does not serve; None if it does.

    Args:
        url: Its address, http or https, without a slash at the end.
    """
    try:
        with urlopen(f"{url}/healthz", timeout=TIMEOUT_S) as answer:  # noqa: S310 (an own address)
            status = json.load(answer)["status"]
    except HTTPError as error:  # 503 while the app starts or stops
        return f"answers with status {error.code}"
    except (URLError, OSError) as error:
        return f"cannot be reached ({error})"
    except (ValueError, KeyError, TypeError):
        return "answers, but is not bonefx"
    return None if status == "ok" else f"is {status}"


if __name__ == "__main__":
    sys.exit(main())
