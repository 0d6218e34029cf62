"""Run the layers before the heat map with ONNX Runtime, which is faster than PyTorch on a CPU.

The layers are exported once to a file in a cache folder and compared with the network that they
came from. The head stays in PyTorch, which computes its gradients. Where the export or the runtime
fails, the network is used as it is, and the log says so.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import tempfile
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from bonefx.environment import variable
from bonefx.errors import WeightsError
from bonefx.models.cell_grid import CellGrid
from bonefx.models.networks import SplitNetwork, StageOutputs

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CACHE_FOLDER_VARIABLE = "BONEFX_CACHE"
FORMAT_VERSION = 1  # increase when the export gives other outputs
OPSET = 17
MAX_DIFFERENCE = 1e-3  # from PyTorch's logit, as a share of it from 1 on; it is 1e-5 as a rule
RAMP_END = 2.0  # standard deviations of the network's input, to either side of its mean
INPUT, OUTPUTS = "films", ("activations", "signature")
logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder of exported networks: BONEFX_CACHE, else one in the user's cache.

    For a user without a home folder it is one that cannot be written to.
    """
    given = variable(CACHE_FOLDER_VARIABLE)
    if given:
        return Path(given)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bonefx"
    except RuntimeError:
        return Path(os.devnull) / "bonefx"


class OnnxNetwork(SplitNetwork):
    """A network whose layers before the heat map run in ONNX Runtime, on the CPU.

    The layers are exported or loaded from the cache at the first film. Threads may share it.
    """

    def __init__(
        self, network: SplitNetwork, *, name: str, key: str, size_px: int, cache: Path
    ) -> None:
        """Prepare a network.

        Args:
            network: Frozen, in evaluation mode, on the CPU.
            name: Name of the model, for the log.
            key: Checksum of the weights; names the file in the cache.
            size_px: Side of the network's input.
            cache: Folder of exported networks.
        """
        super().__init__(network.backbone)
        self.linear_head = network.linear_head
        self.network = network
        self._name, self._size_px = name, size_px
        self._file = _CachedFile(cache, f"{key[:32]}-{size_px}-v{FORMAT_VERSION}")
        self._session: InferenceSession | None = None
        self._failed = False
        self._lock = threading.Lock()

    @property
    def uses_onnx(self) -> bool:
        """Whether films are read by ONNX Runtime; prepares it if it is not ready."""
        return self._ready() is not None

    def staged(self, batch: torch.Tensor) -> StageOutputs:
        """See SplitNetwork."""
        session = self._ready()
        if session is None:
            return self.network.staged(batch)
        return _run(session, batch)

    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """See SplitNetwork."""
        return self.network.logit(activations)

    def grid(self) -> CellGrid:
        """See SplitNetwork."""
        return self.network.grid()

    def _layers_before_cells(self) -> nn.Module:
        """See SplitNetwork."""
        return self.network._layers_before_cells()

    def _ready(self) -> InferenceSession | None:
        """Return the runtime's session; None if the network runs in PyTorch."""
        if self._session is None and not self._failed:
            with self._lock:
                if self._session is None and not self._failed:
                    self._prepare()
        return self._session

    def _prepare(self) -> None:
        try:
            content = self._file.read()
            if content is None:
                logger.info("preparing %s for this machine, once", self._name)
                content = export_layers(self.network, size_px=self._size_px)
                _check_equal(self.network, _open_session(content), size_px=self._size_px)
                self._file.write(content)
            self._session = _open_session(content)
        except Exception:  # any fault of exporter or runtime
            self._failed = True
            logger.exception("%s runs in PyTorch, which is slower", self._name)


class _CachedFile:
    """A file of the cache whose name holds its checksum, so that a damaged one is not used."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem = folder, stem

    def read(self) -> bytes | None:
        """Return the content; None if there is no whole file."""
        for path in sorted(self._folder.glob(f"{self._stem}-*.onnx")):
            content = path.read_bytes()
            if path.name == self._name(content):
                return content
        return None

    def write(self, content: bytes) -> None:
        """Write the file for the next start; a folder that cannot be written to is left alone."""
        part = self._folder / f"{secrets.token_hex(8)}.part"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(self._folder / self._name(content))
        except OSError as error:
            logger.warning("the cache %s cannot be written: %s", self._folder, error.strerror)
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _name(self, content: bytes) -> str:
        return f"{self._stem}-{hashlib.sha256(content).hexdigest()[:32]}.onnx"


class _StagedLayers(nn.Module):
    """The layers as a module with a tuple as its result, which the exporter needs."""

    def __init__(self, network: SplitNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run (N, 3, S, S)."""
        staged = self.network.staged(batch)
        return staged.activations, staged.signature


def export_layers(network: SplitNetwork, *, size_px: int) -> bytes:
    """Export the layers of `staged` as an ONNX model for batches of any number of films.

    Args:
        network: Frozen, in evaluation mode, on the CPU.
        size_px: Side of the network's input.
    """
    example = torch.zeros(1, 3, size_px, size_px)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about its own future
        path = Path(folder) / "layers.onnx"
        torch.onnx.export(
            _StagedLayers(network).eval(), (example,), path,
            input_names=[INPUT], output_names=list(OUTPUTS), opset_version=OPSET, dynamo=False,
            dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
        )  # fmt: skip
        return path.read_bytes()


def _silent_runtime() -> Any:
    """Import ONNX Runtime without its telemetry.

    Its official builds send events to Microsoft, and keep an identifier of the machine in the
    user's cache, unless the variable is set before the import. Where a program imported it before
    bonefx, only the later events can be turned off.

    Source:
        Privacy.md of the package onnxruntime.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _open_session(content: bytes) -> InferenceSession:
    onnxruntime = _silent_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors alone
    # Threads that wait by spinning take the cores from other readings, decoders and the browser.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _run(session: InferenceSession, batch: torch.Tensor) -> StageOutputs:
    films = batch.detach().contiguous().numpy()
    return StageOutputs(*(torch.from_numpy(one) for one in session.run(OUTPUTS, {INPUT: films})))


def _check_equal(network: SplitNetwork, session: InferenceSession, *, size_px: int) -> None:
    """Compare both on a ramp from black to white.

    Raises:
        WeightsError: The logits differ.
    """
    ramp = torch.linspace(-RAMP_END, RAMP_END, size_px)
    film = (ramp[:, None] * ramp / RAMP_END).expand(1, 3, -1, -1).contiguous()
    with torch.no_grad():
        expected, found = (
            network.logit(staged.activations)
            for staged in (network.staged(film), _run(session, film))
        )
    difference = float((expected - found).abs().max())
    if not difference <= MAX_DIFFERENCE * max(1.0, float(expected.abs().max())):
        raise WeightsError(f"the exported network differs by {difference:.2g} logits")
