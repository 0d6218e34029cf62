"""`train fit` without dropout, leaving each process's own weights beside the run.

Only what chance decides in each process for itself is taken out; how films are shared, and how
gradients, losses and files are brought together, is the engine's own. Run it as a module, with
the arguments of `python -m train`.
"""

from __future__ import annotations

import os
import sys

import torch
from safetensors.torch import save_file

from train.cli import main
from train.engine import Fit


def weights_of(fit: Fit) -> dict[str, torch.Tensor]:
    """The weights that a process ends with, as copies."""
    state = fit.trainer.state_dict()["objective"]
    return {name: value.detach().clone().contiguous() for name, value in state.items()}


def run(fit: Fit) -> None:
    """Train, then write this process's weights."""
    whole_run(fit)
    process = os.environ.get("RANK", "0")
    save_file(weights_of(fit), fit.options.out.parent / f"{fit.options.out.name}.{process}")


if __name__ == "__main__":
    torch.nn.Dropout.forward = lambda self, batch: batch  # type: ignore[method-assign]
    whole_run = Fit.run
    Fit.run = run  # type: ignore[method-assign]
    sys.exit(main())
