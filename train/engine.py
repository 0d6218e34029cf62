"""Fit one recipe, on one process, one GPU or many; a checkpoint and a log line each epoch."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
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
from train.augment import AugmentedFilms, Sample, balanced_sampler
from train.cache import CachedFilms, cached
from train.data import ADAPTERS
from train.files import write_atomically
from train.forward import validation_logits
from train.initial import LocalWeights, initial_network
from train.metrics import auroc
from train.objective import Objective
from train.recipe import Recipe
from train.run import (
    CHECKPOINT,
    EpochLog,
    RunFacts,
    append_log,
    check_same_run,
    save_best,
    training_data_of,
    write_facts,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """What the machine, not the recipe, decides.

    Attributes:
        data: Folder of the data set.
        out: Folder of this run.
        cache: Folder of decoded films.
        init: Local initial weights; None downloads torchvision's.
        device: "cpu" keeps off the GPU; "auto" takes what Accelerate finds; None asks
            BONEFX_DEVICE.
        workers: Processes that augment films beside the training process.
    """

    data: Path
    out: Path
    cache: Path
    init: LocalWeights | None
    device: str | None = None
    workers: int = 1


class Fit:
    """The moving parts of one training run."""

    def __init__(self, recipe: Recipe, recipe_sha256: str, options: FitOptions) -> None:
        set_seed(recipe.seed)
        self.recipe = recipe
        self.options = options
        self.accelerator = accelerator_for(options.device)
        if recipe.batch_size % self.accelerator.num_processes:
            raise RecipeError(
                f"batch_size {recipe.batch_size} cannot be shared by "
                f"{self.accelerator.num_processes} processes; use a multiple"
            )
        self.data_set = ADAPTERS[recipe.data](options.data)
        network, batch_norm, initial = initial_network(recipe.architecture, options.init)
        self.objective = Objective(network, recipe).to(memory_format=torch.channels_last)
        network.frozen_part(recipe.frozen_layers).requires_grad_(False)
        self.steps_per_epoch = -(-len(self.data_set.split("train")) // recipe.batch_size)
        optimiser, schedule = _optimiser(self.objective, recipe, self.steps_per_epoch)
        self.prepared, self.optimiser = self.accelerator.prepare(self.objective, optimiser)
        self.schedule = schedule
        self.average = AveragedModel(
            self.objective.network,
            multi_avg_fn=get_ema_multi_avg_fn(recipe.average_decay),  # type: ignore[no-untyped-call]
            use_buffers=True,
        )
        self.first_epoch = 0
        self.best_auroc = 0.0
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
        for epoch in range(self.first_epoch, self.recipe.epochs):
            started = time.perf_counter()
            image_loss, evidence_loss = self._train_epoch(epoch)
            line = self._validate(epoch, image_loss, evidence_loss, started)
            if self.accelerator.is_main_process:
                self._keep(line)
        self.accelerator.end_training()

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        set_seed(self.recipe.seed + 1000 * (epoch + 1), device_specific=True)
        self.prepared.train()
        loader = self._loader(epoch)
        sums = torch.zeros(3, device=self.accelerator.device)
        for tensors in tqdm(
            loader, desc=f"epoch {epoch + 1}/{self.recipe.epochs}", leave=False,
            disable=not self.accelerator.is_main_process,
        ):  # fmt: skip
            sample = Sample(*tensors)
            with self.accelerator.autocast():
                image_loss, evidence_loss = self.prepared(sample)
            self._step(image_loss + self.recipe.evidence.weight * evidence_loss)
            films = len(sample.fractured)
            sums += films * torch.stack(
                [image_loss.detach(), evidence_loss.detach(), sums.new_ones(())]
            )
        sums = self.accelerator.reduce(sums, reduction="sum")
        return float(sums[0] / sums[2]), float(sums[1] / sums[2])

    def _step(self, loss: torch.Tensor) -> None:
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.prepared.parameters(), 5.0)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        if self.recipe.average_decay:
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
            batch_size=self.recipe.batch_size // self.accelerator.num_processes,
            sampler=sampler,
            generator=changed,
            num_workers=self.options.workers,
        )
        prepared: DataLoader[Sample] = self.accelerator.prepare_data_loader(loader)
        return prepared

    def _films(self, split: str, size_px: int) -> CachedFilms:
        with self.accelerator.main_process_first():
            return cached(self.data_set.split(split), size_px=size_px, folder=self.options.cache)

    def _shipped(self) -> SplitNetwork:
        """The network that is validated and exported: the average, or the last weights."""
        if not self.recipe.average_decay:
            return self.objective.network
        network: SplitNetwork = self.average.module  # type: ignore[assignment]
        return network

    def _validate(
        self, epoch: int, image_loss: float, evidence_loss: float, started: float
    ) -> EpochLog:
        stage = self.recipe.stage_at(epoch)
        films = self._films("val", stage.size_px)
        logits = validation_logits(self._shipped(), films, self.recipe.spec(stage.size_px))
        fractured = torch.tensor([film.fractured for film in films.films])
        area = auroc(fractured.numpy(), logits.double().numpy())
        loss = functional.binary_cross_entropy_with_logits(logits, fractured.float())
        counts = stage == self.recipe.stages[-1]
        return EpochLog(
            epoch=epoch + 1,
            size_px=stage.size_px,
            learning_rate=float(self.schedule.get_last_lr()[0]),
            image_loss=image_loss,
            evidence_loss=evidence_loss,
            val_loss=float(loss),
            val_auroc=area,
            best=counts and area > self.best_auroc,
            elapsed_s=time.perf_counter() - started,
        )

    def _keep(self, line: EpochLog) -> None:
        """Write the epoch's log line, its weights if they are the best, and a checkpoint."""
        out = self.options.out
        if line.best:
            self.best_auroc = line.val_auroc
            save_best(out, self._shipped())
        log.info("%s", line)
        state_now = {
            "epoch": line.epoch,
            "best_auroc": self.best_auroc,
            "objective": self.objective.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        write_atomically(out / CHECKPOINT, lambda part: torch.save(state_now, part))
        append_log(out, line)

    def _resume(self) -> None:
        path = self.options.out / CHECKPOINT
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.objective.load_state_dict(state["objective"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.first_epoch, self.best_auroc = state["epoch"], state["best_auroc"]
        log.info("resumed after epoch %d", self.first_epoch)


def accelerator_for(device: str | None) -> Accelerator:
    """Make the Accelerator: bf16 on a GPU, float32 on a CPU.

    Args:
        device: As registry.pick_device takes it; Accelerate itself numbers the GPUs.

    Raises:
        SettingsError: There is no such device here.
    """
    on_cpu = pick_device(device).type == "cpu"
    return Accelerator(cpu=on_cpu, mixed_precision="no" if on_cpu else "bf16")


def _optimiser(
    objective: Objective, recipe: Recipe, steps_per_epoch: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    trained = [value for value in objective.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(
        trained,
        lr=recipe.optimiser.learning_rate,
        weight_decay=recipe.optimiser.weight_decay,
    )
    total_steps = recipe.epochs * steps_per_epoch + 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=recipe.optimiser.learning_rate,
        total_steps=total_steps,
        pct_start=max(recipe.optimiser.warm_up, 2 / total_steps),  # a rise of one step at least
    )
    return optimiser, schedule
