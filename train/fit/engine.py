"""Training runs on one or several processes, with a checkpoint and a log line per epoch."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, set_seed
from torch.nn import functional
from torch.utils.data import DataLoader
from tqdm import tqdm

from bonefx.schema import dump_record
from train.data import load_data
from train.data.augment import Sample
from train.data.cache import CachedFilms, load_cached
from train.data.loader import batch_checksums, shard_batches, training_loader
from train.files import lock_folder
from train.fit.checkpoints import (
    CHECKPOINT_FILE,
    load_checkpoint,
    save_checkpoint,
    set_aside_unusable,
)
from train.fit.device import build_accelerator, use_deterministic_kernels
from train.fit.distillation import load_teacher
from train.fit.initial_weights import LocalWeights, build_initial_network
from train.fit.objective import TrainingLosses, check_losses, check_validation_logits
from train.fit.outputs import compute_validation_logits
from train.fit.run_folder import (
    EpochLog,
    RunFacts,
    check_same_run,
    check_sources_teach,
    describe_training_data,
    is_best_epoch,
    labelled,
    mean_auroc,
    should_stop_early,
    write_facts,
    write_log,
)
from train.fit.run_weights import save_best
from train.fit.trainer import Trainer
from train.recipe import Recipe

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """Settings of a run that are not part of the recipe: paths, device and precision.

    Attributes:
        data: Folder of the data set.
        splits: CSV file with label, group and split, used instead of the data's layout.
        out: Folder of this run.
        cache: Folder of decoded films.
        init: Local initial weights; None downloads torchvision's.
        device: "cpu" uses no GPU; "auto" uses the device that Accelerate finds; None uses
            BONEFX_DEVICE.
        workers: Number of worker processes for augmentation.
        last_epoch: Stop after this epoch, counted from 1; None trains all epochs of the recipe.
        deterministic: Use deterministic GPU kernels where they exist.
        bf16: Compute training and validation in bfloat16 on a CPU too; a GPU always does in
            training. Weights stay float32, and exported weights are evaluated in float32.
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
    bf16: bool = False


def fit_recipe(recipe: Recipe, recipe_sha256: str, options: FitOptions) -> None:
    """Train a recipe in the folder of its run, which is locked meanwhile.

    Args:
        recipe: Training settings.
        recipe_sha256: SHA-256 of the recipe's file.
        options: Paths, device and precision.

    Raises:
        RecipeError: Another training runs in the folder, or recipe, data or checkpoints cannot be
            used.
        DivergedTrainingError: A loss is NaN or infinite.
    """
    if options.deterministic:
        use_deterministic_kernels()
    accelerator = build_accelerator(options.device, accumulate=recipe.accumulate, bf16=options.bf16)
    with lock_folder(options.out) if accelerator.is_main_process else nullcontext():
        run = TrainingRun(recipe, recipe_sha256, options, accelerator)
        if accelerator.is_main_process:
            run.describe()
        run.run()


class TrainingRun:
    """One training run: data, epochs, checkpoints and log."""

    def __init__(
        self, recipe: Recipe, recipe_sha256: str, options: FitOptions, accelerator: Accelerator
    ) -> None:
        set_seed(recipe.seed)
        self.recipe = recipe
        self.options = options
        self.accelerator = accelerator
        self.data_set = load_data(recipe.data, options.data, options.splits, sources=recipe.sources)
        teacher = load_teacher(recipe, self.data_set, self.accelerator.device)
        teacher_sha256 = None if teacher is None else teacher.manifest.sha256
        network, batch_norm, initial = build_initial_network(recipe.architecture, options.init)
        check_same_run(
            options.out, recipe=recipe_sha256, initial=initial.sha256,
            split=self.data_set.split_sha256, teacher=teacher_sha256,
        )  # fmt: skip
        self._loaded: dict[tuple[str, int], CachedFilms] = {}
        first_px = recipe.stage_at(0).size_px
        splits = {name: self._films(name, first_px) for name in ("train", "val")}
        mean_auroc(splits["val"], np.zeros(len(splits["val"].films)), recipe)  # raises if it cannot
        check_sources_teach(splits["train"], recipe)
        self.sharding = shard_batches(splits["train"], recipe, self.accelerator)
        self.trainer = Trainer(
            network, recipe, accelerator=self.accelerator, steps=self.sharding.steps,
            teacher=teacher,
        )  # fmt: skip
        self.history: list[EpochLog] = []
        self._facts = RunFacts(
            recipe=recipe, recipe_sha256=recipe_sha256, batch_norm=batch_norm, initial=initial,
            device=str(self.accelerator.device),
            data=describe_training_data(self.data_set, splits, recipe),
            teacher_sha256=teacher_sha256,
        )  # fmt: skip

    def describe(self) -> None:
        """Write data.json and samples.png; see train.data.statistics.write_data_statistics."""
        from train.data.statistics import write_data_statistics

        first_px = self.recipe.stage_at(0).size_px
        films = {name: self._films(name, first_px) for name in ("train", "val")}
        write_data_statistics(self.data_set, films, self.options.out)

    def run(self) -> None:
        """Train to the recipe's last epoch, from the last checkpoint if there is one."""
        self.accelerator.wait_for_everyone()  # all processes have checked the folder
        if self.accelerator.is_main_process:
            write_facts(self.options.out, self._facts)
        self._resume()
        last = min(self.options.last_epoch or self.recipe.epochs, self.recipe.epochs)
        while len(self.history) < last and not should_stop_early(self.history, self.recipe):
            started = time.perf_counter()
            epoch = len(self.history)
            losses = self._train_epoch(epoch)
            self.history.append(self._validate(epoch, losses, started))
            if self.accelerator.is_main_process:
                self._save_epoch()
        self.accelerator.end_training()

    def _train_epoch(self, epoch: int) -> TrainingLosses:
        """Train one epoch; return mean losses over the films of all processes."""
        set_seed(self.recipe.seed + 1000 * (epoch + 1), device_specific=True)
        self.trainer.train()
        loader = training_loader(
            self._films("train", self.recipe.stage_at(epoch).size_px), self.recipe,
            epoch=epoch, accelerator=self.accelerator, workers=self.options.workers,
        )  # fmt: skip
        sums = torch.zeros(len(TrainingLosses._fields) + 1, device=self.accelerator.device)
        for index, tensors in enumerate(self._with_progress(loader, epoch)):
            losses = self.trainer.train_micro_batch(
                Sample(*tensors), weight=self.sharding.loss_weight(index)
            )
            check_losses(
                losses, epoch=epoch, step=index // self.recipe.accumulate,
                films=partial(self._batch_checksums, epoch, index),
            )  # fmt: skip
            sums += self.sharding.local_films(index) * torch.stack([*losses, sums.new_ones(())])
        sums = self.accelerator.reduce(sums, reduction="sum")
        return TrainingLosses(*(sums[:-1] / sums[-1]))

    def _batch_checksums(self, epoch: int, index: int) -> list[str]:
        """Return the SHA-256 of the films of a micro-batch; index counts from 0 over the epoch."""
        films = self._films("train", self.recipe.stage_at(epoch).size_px)
        return batch_checksums(
            films, self.recipe, epoch=epoch, accelerator=self.accelerator, index=index
        )

    def _with_progress(self, loader: DataLoader[Sample], epoch: int) -> Iterable[Sample]:
        """Show a progress bar on the main process."""
        batches: Iterable[Sample] = tqdm(
            loader, desc=f"epoch {epoch + 1}/{self.recipe.epochs}", leave=False,
            disable=not self.accelerator.is_main_process,
        )  # fmt: skip
        return batches

    def _films(self, split: str, size_px: int) -> CachedFilms:
        key = split, size_px
        if key not in self._loaded:
            self._loaded[key] = load_cached(
                self.data_set.split(split), size_px=size_px, folder=self.options.cache,
                salvage=self.recipe.salvage, grey_levels=self.recipe.grey_levels,
            )  # fmt: skip
        return self._loaded[key]

    def _validate(self, epoch: int, losses: TrainingLosses, started: float) -> EpochLog:
        stage = self.recipe.stage_at(epoch)
        films = self._films("val", stage.size_px)
        logits = self._logits(films, stage.size_px)
        check_validation_logits(logits, epoch=epoch, films=films.sha256)
        fractured = torch.from_numpy(films.fractured)
        counted = torch.from_numpy(labelled(films, self.recipe))
        loss = float(
            functional.binary_cross_entropy_with_logits(logits[counted], fractured[counted].float())
        )
        line = EpochLog(
            epoch=epoch + 1,
            size_px=stage.size_px,
            learning_rate=self.trainer.learning_rate,
            image_loss=float(losses.image),
            evidence_loss=float(losses.evidence),
            distilled_loss=float(losses.distilled),
            accuracy=float(losses.accuracy),
            val_loss=loss,
            val_accuracy=float(((logits > 0) == fractured)[counted].float().mean()),
            val_auroc=mean_auroc(films, logits.double().numpy(), self.recipe),
            best=False,
            elapsed_s=time.perf_counter() - started,
        )
        self.trainer.after_epoch(loss)
        return replace(line, best=is_best_epoch(line, self.history, self.recipe))

    def _logits(self, films: CachedFilms, size_px: int) -> torch.Tensor:
        """Compute validation logits, (N,) on the CPU, identical in every process.

        Batch-norm statistics differ between processes, since each sees other films. The main
        process's logits are broadcast, so that all processes stop at the same epoch.
        """
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
            logits = compute_validation_logits(
                self.trainer.exported_network, films, self.recipe.spec(size_px)
            )
        shared: torch.Tensor = broadcast(logits.to(self.accelerator.device))
        return shared.cpu()

    def _save_epoch(self) -> None:
        """Write the checkpoint, then the best weights and the log.

        The checkpoint is written first: if the run is killed before the rest is written, a
        restart writes the rest from the checkpoint.
        """
        logger.info("%s", self.history[-1])
        state = self.trainer.state_dict() | {
            "history": [dump_record(line) for line in self.history]
        }
        save_checkpoint(self.options.out, state, self._facts)
        self._write_results()

    def _write_results(self) -> None:
        """Write the last epoch's weights if they are the best, and the log."""
        if self.history[-1].best:
            save_best(self.options.out, self.trainer.exported_network)
        write_log(self.options.out, self.history)

    def _resume(self) -> None:
        """Load the newest usable checkpoint.

        Weights and log are written again from the newest checkpoint, since the run may have been
        killed before it wrote them. If that one cannot be used, those in the folder belong to its
        epoch, and the next epoch writes the same again.
        """
        stored = load_checkpoint(self.options.out, self._facts)
        if stored is None:
            return
        self.trainer.load_state_dict(stored.state)
        self.history = [EpochLog(**line) for line in stored.state["history"]]
        self.accelerator.wait_for_everyone()  # all processes have read the checkpoint
        if self.accelerator.is_main_process:
            set_aside_unusable(self.options.out, stored, epochs=len(self.history))
            logger.info("resumed after epoch %d", len(self.history))
            if stored.file == CHECKPOINT_FILE:
                self._write_results()
