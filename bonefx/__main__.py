"""`python -m bonefx`: the command line."""

import sys

from bonefx.search_path import stop_shadowing


def run() -> int:
    """Run the command line; the working directory cannot shadow the libraries that it loads."""
    stop_shadowing()
    from bonefx.cli.parser import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
