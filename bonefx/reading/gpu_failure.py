"""Read films on the CPU where a GPU fails: it is lost, or its memory is full."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

import torch

from bonefx.models.registry import LoadedModel, load_model, on_engine, pick_engine

CPU = torch.device("cpu")
logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class CpuSpares:
    """Copies of models on the CPU, each loaded when its GPU fails for the first time."""

    def __init__(self) -> None:
        self._models: dict[str, LoadedModel] = {}
        self._lock = threading.Lock()

    def answer(
        self, model: LoadedModel, ask: Callable[[LoadedModel], Answer]
    ) -> tuple[Answer, bool]:
        """Ask a model; if it is on a GPU and that fails, ask its copy on the CPU.

        PyTorch names a lost GPU in several ways, so every RuntimeError of a model on a GPU counts:
        if the GPU is not its cause, it is raised on the CPU too.

        Args:
            model: The model.
            ask: Runs a model; it is called again with the copy.

        Returns:
            The answer, and whether the GPU failed.
        """
        try:
            return ask(model), False
        except RuntimeError:  # torch.OutOfMemoryError is one
            if model.device.type == CPU.type:
                raise
            logger.exception("the GPU failed; %s reads on the CPU", model.name)
        return ask(self._spare(model)), True

    def _spare(self, model: LoadedModel) -> LoadedModel:
        with self._lock:
            if model.name not in self._models:
                loaded = load_model(model.folder, device=CPU, origin=model.origin)
                self._models[model.name] = on_engine(loaded, pick_engine())
            return self._models[model.name]
