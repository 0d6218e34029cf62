"""Fit one recipe, on one process, one GPU or many; a checkpoint and a log line each epoch."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, RandomSampler
from tqdm import tqdm

from bonefx.architectures import BatchNormSpec, SplitNetwork
from bonefx.errors import RecipeError
from bonefx.registry import InitialWeights, pick_device
from bonefx.schema import table_of
from train.augment import AugmentedFilms, Sample, balanced_sampler
from train.cache import CachedFilms, cached
from train.data import load_data
from train.files import write_atomically
from train.forward import validation_logits
from train.initial import LocalWeights, initial_network
from train.metrics import auroc
from train.objective import Losses, Objective
from train.optimiser import Schedule, optimiser_of
from train.recipe import Recipe
from train.run import (
    CHECKPOINT,
    EpochLog,
    RunFacts,
    check_same_run,
    is_best,
    save_best,
    stopped_early,
    training_data_of,
    write_facts,
    write_log,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """What the machine, not the recipe, decides.

    Attributes:
        data: Folder of the data set.
        splits: A CSV file that says label, group and split instead of the data's layout.
        out: Folder of this run.
        cache: Folder of decoded films.
        init: Local initial weights; None downloads torchvision's.
        device: "cpu" keeps off the GPU; "auto" takes what Accelerate finds; None asks
            BONEFX_DEVICE.
        workers: Processes that augment films beside the training process.
        last_epoch: Stop after this epoch, counted from 1; None goes on to the recipe's end.
        deterministic: Take GPU kernels that give the same bits each time, where there are any.
    """

    data: Path
    out: Path
    cache: Path
    init: LocalWeights | None
    splits: Path | None = None
    device: str | None = None
    workers: int = 1
    last_epoch: int | None = None
    deterministic: bool = False


class Fit:
    """The moving parts of one training run."""

    def __init__(self, recipe: Recipe, recipe_sha256: str, options: FitOptions) -> None:
        if options.deterministic:
            make_deterministic()
        set_seed(recipe.seed)
        self.recipe = recipe
        self.options = options
        self.accelerator = accelerator_for(options.device, accumulate=recipe.accumulate)
        self.data_set = load_data(recipe.data, options.data, options.splits)
        network, batch_norm, initial = initial_network(recipe.architecture, options.init)
        self.objective = Objective(network, recipe).to(memory_format=torch.channels_last)
        network.frozen_part(recipe.frozen_layers).requires_grad_(False)
        steps_per_epoch = -(-len(self.data_set.split("train")) // recipe.batch_size)
        optimiser = optimiser_of(self.objective, recipe)
        self.schedule = Schedule(optimiser, recipe, recipe.epochs * steps_per_epoch)
        self.prepared, self.optimiser = self.accelerator.prepare(self.objective, optimiser)
        self.average = _average_of(self.objective.network, recipe.average_decay)
        self.history: list[EpochLog] = []
        facts = self._facts(recipe_sha256, batch_norm, initial)
        check_same_run(options.out, facts)
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            write_facts(options.out, facts)

    def _facts(
        self, recipe_sha256: str, batch_norm: BatchNormSpec, initial: InitialWeights
    ) -> RunFacts:
        splits = {name: self.data_set.split(name) for name in ("train", "val")}
        return RunFacts(
            recipe=self.recipe,
            recipe_sha256=recipe_sha256,
            batch_norm=batch_norm,
            initial=initial,
            device=str(self.accelerator.device),
            data=training_data_of(self.data_set, splits),
        )

    def run(self) -> None:
        """Train from the last checkpoint, or from the start, to the recipe's last epoch."""
        self._resume()
        last = min(self.options.last_epoch or self.recipe.epochs, self.recipe.epochs)
        while len(self.history) < last and not stopped_early(self.history, self.recipe):
            started = time.perf_counter()
            epoch = len(self.history)
            losses = self._train_epoch(epoch)
            line = self._validate(epoch, losses, started)
            self.history.append(line)
            if self.accelerator.is_main_process:
                self._keep(line)
        self.accelerator.end_training()

    def _train_epoch(self, epoch: int) -> Losses:
        set_seed(self.recipe.seed + 1000 * (epoch + 1), device_specific=True)
        self.prepared.train()
        loader = self._loader(epoch)
        sums = torch.zeros(4, device=self.accelerator.device)
        for tensors in tqdm(
            loader, desc=f"epoch {epoch + 1}/{self.recipe.epochs}", leave=False,
            disable=not self.accelerator.is_main_process,
        ):  # fmt: skip
            sample = Sample(*tensors)
            with self.accelerator.accumulate(self.prepared):
                with self.accelerator.autocast():
                    losses = Losses(*self.prepared(sample))
                self._step(losses.image + self.recipe.evidence.weight * losses.evidence)
            films = len(sample.fractured)
            sums += films * torch.stack([*(loss.detach() for loss in losses), sums.new_ones(())])
        sums = self.accelerator.reduce(sums, reduction="sum")
        return Losses(*(sums[:3] / sums[3]))

    def _step(self, loss: torch.Tensor) -> None:
        """Add a part's gradient, and let the optimiser step after the last part."""
        self.accelerator.backward(loss)
        if self.accelerator.sync_gradients and self.recipe.clip_norm:
            self.accelerator.clip_grad_norm_(self.prepared.parameters(), self.recipe.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        if self.accelerator.sync_gradients:
            self.schedule.after_step()
            if self.average is not None:
                self.average.update_parameters(self.objective.network)

    def _loader(self, epoch: int) -> DataLoader[Sample]:
        films = self._films("train", self.recipe.stage_at(epoch).size_px)
        drawn = torch.Generator().manual_seed(self.recipe.seed + epoch)  # the same in each process
        sampler = (
            balanced_sampler(films, drawn)
            if self.recipe.class_balanced
            else RandomSampler(films.films, generator=drawn)
        )
        changed = torch.Generator().manual_seed(torch.initial_seed())  # its own in each process
        loader = DataLoader(
            AugmentedFilms(films, self.recipe.augmentation),
            batch_size=self._part_films(),
            sampler=sampler,
            generator=changed,
            num_workers=self.options.workers,
        )
        prepared: DataLoader[Sample] = self.accelerator.prepare_data_loader(loader)
        return prepared

    def _part_films(self) -> int:
        """Films that one process passes at once."""
        parts: int = self.accelerator.num_processes * self.recipe.accumulate
        if self.recipe.batch_size % parts:
            raise RecipeError(
                f"batch_size {self.recipe.batch_size} cannot be shared by "
                f"{self.accelerator.num_processes} processes in {self.recipe.accumulate} parts; "
                "use a multiple"
            )
        return self.recipe.batch_size // parts

    def _films(self, split: str, size_px: int) -> CachedFilms:
        with self.accelerator.main_process_first():
            return cached(
                self.data_set.split(split), size_px=size_px, folder=self.options.cache,
                salvage=self.recipe.salvage,
            )  # fmt: skip

    def _shipped(self) -> SplitNetwork:
        """The network that is validated and exported: the average, or the last weights."""
        if self.average is None:
            return self.objective.network
        network: SplitNetwork = self.average.module  # type: ignore[assignment]
        return network

    def _validate(self, epoch: int, losses: Losses, started: float) -> EpochLog:
        stage = self.recipe.stage_at(epoch)
        films = self._films("val", stage.size_px)
        logits = validation_logits(self._shipped(), films, self.recipe.spec(stage.size_px))
        fractured = torch.from_numpy(films.fractured)
        loss = float(functional.binary_cross_entropy_with_logits(logits, fractured.float()))
        line = EpochLog(
            epoch=epoch + 1,
            size_px=stage.size_px,
            learning_rate=self.schedule.learning_rate,
            image_loss=float(losses.image),
            evidence_loss=float(losses.evidence),
            accuracy=float(losses.accuracy),
            val_loss=loss,
            val_accuracy=float(((logits > 0) == fractured).float().mean()),
            val_auroc=auroc(films.fractured, logits.double().numpy()),
            best=False,
            elapsed_s=time.perf_counter() - started,
        )
        self.schedule.after_epoch(loss)
        return replace(line, best=is_best(line, self.history, self.recipe))

    def _keep(self, line: EpochLog) -> None:
        """Write the epoch's weights if they are the best, a checkpoint, and the log.

        The log is written last, from what the checkpoint holds: a run that is killed in between
        loses nothing and writes no line twice.
        """
        out = self.options.out
        if line.best:
            save_best(out, self._shipped())
        log.info("%s", line)
        state_now = {
            "history": [table_of(line) for line in self.history],
            "objective": self.objective.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        write_atomically(out / CHECKPOINT, lambda part: torch.save(state_now, part))
        write_log(out, self.history)

    def _resume(self) -> None:
        path = self.options.out / CHECKPOINT
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.objective.load_state_dict(state["objective"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = [EpochLog(**line) for line in state["history"]]
        log.info("resumed after epoch %d", len(self.history))


def _average_of(network: SplitNetwork, decay: float) -> AveragedModel | None:
    """Start a moving average of the weights and statistics; None where the recipe wants none."""
    if not decay:
        return None
    return AveragedModel(
        network,
        multi_avg_fn=get_ema_multi_avg_fn(decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )


def accelerator_for(device: str | None, *, accumulate: int = 1) -> Accelerator:
    """Make the Accelerator: bf16 on a GPU, float32 on a CPU.

    Args:
        device: As registry.pick_device takes it; Accelerate itself numbers the GPUs.
        accumulate: Parts that a step's films are passed in.

    Raises:
        SettingsError: There is no such device here.
    """
    on_cpu = pick_device(device).type == "cpu"
    return Accelerator(
        cpu=on_cpu,
        mixed_precision="no" if on_cpu else "bf16",
        gradient_accumulation_steps=accumulate,
        step_scheduler_with_optimizer=False,
    )


def make_deterministic() -> None:
    """Take deterministic kernels; PyTorch warns of an operation that has none."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
