"""Start the app: `python app.py`, and the entry of a Hugging Face Space. Same as `bonefx serve`."""

import sys
from collections.abc import Sequence

from bonefx.search_path import stop_shadowing


def main(argv: Sequence[str] | None = None) -> int:
    """Run `bonefx serve` with the given arguments; None takes those of the process."""
    from bonefx.cli.parser import main as run_command

    return run_command(["serve", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    stop_shadowing()
    sys.exit(main())
