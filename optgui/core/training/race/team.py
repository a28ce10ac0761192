"""A team: the entrants of one batch size, trained and tested together."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import NamedTuple

import torch
from torch import nn

from optgui.core.training.data import TrainingData
from optgui.core.training.evaluation import evaluation_slice, is_due
from optgui.core.training.models import with_dropout
from optgui.core.training.race.entrant import Entrant
from optgui.core.training.race.stacked import stack_of

_nan = float("nan")


class RaceRecord(NamedTuple):
    """Small numbers of one step of the entrants `ids`; each tuple has one number for each of them.

    Of an evaluation's slices only the last carries the test results.
    """

    ids: tuple[int, ...]
    step: int  # mini-batches each of them has done
    samples: int  # images each of them has seen
    epoch: int  # epochs completed before this step
    losses: tuple[float, ...]  # mean cross-entropy of the mini-batch
    accuracies: tuple[float, ...]  # of the mini-batch, before its update
    lrs: tuple[float, ...]  # effective: base lr x schedule factor
    phase: str  # "prepare" | "train" | "test"
    test_accuracies: tuple[float, ...] = ()
    test_losses: tuple[float, ...] = ()


class Results(NamedTuple):
    """Share of right answers and mean cross-entropy of each network."""

    accuracies: tuple[float, ...]
    losses: tuple[float, ...]


class Team:
    """Entrants that take one mini-batch each at the same time.

    Entrants of one seed see the same batch, which is gathered once. An optimizer that evaluates the loss
    itself, as LBFGS does, is in a team of its own.
    """

    def __init__(self, entrants: Sequence[Entrant], data: TrainingData, epochs: int, dropout: float) -> None:
        self.entrants = tuple(entrants)
        self.ids = tuple(entrant.config.id for entrant in entrants)
        self._data, self._epochs = data, epochs
        self._batch_size = entrants[0].config.batch_size
        self.batches = math.ceil(len(data) / self._batch_size)
        for entrant in entrants:
            entrant.start(self.batches, epochs)
        self._use_dropout(dropout)
        self._shared = len({entrant.generator.initial_seed() for entrant in entrants}) == 1
        self.step = self.samples = self.epoch = self._position = 0
        self._tested = (0, 0)  # step and epoch of the last test
        self.is_updating = False  # whether some networks have moved in this step and some have not
        self._evaluation: Generator[int, None, Results] | None = None
        self._shuffle()

    def _shuffle(self) -> None:
        count = len(self._data)
        orders = [torch.randperm(count, generator=entrant.generator) for entrant in self.entrants]
        order = orders[0] if self._shared else torch.stack(orders)
        self._order, self._position = order.to(self._data.train_images.device), 0

    @property
    def total_steps(self) -> int:
        """Mini-batches of the whole race of one of them."""
        return self._epochs * self.batches

    @property
    def testing(self) -> bool:
        """Whether an evaluation is going on."""
        return self._evaluation is not None

    @property
    def failed(self) -> bool:
        """Whether no network of them has a finite loss."""
        return all(entrant.failure for entrant in self.entrants)

    @property
    def done(self) -> bool:
        """Whether every epoch is trained and evaluated."""
        return self._evaluation is None and self.epoch >= self._epochs

    def advance(self) -> RaceRecord:
        """Train on one mini-batch each, or advance an evaluation by one slice."""
        return self._train() if self._evaluation is None else self._evaluate_slice(self._evaluation)

    def _train(self) -> RaceRecord:
        batch = self._order[..., self._position : self._position + self._batch_size]
        size = batch.shape[-1]
        images = self._data.train_images.index_select(0, batch.flatten())
        labels = self._data.train_labels.index_select(0, batch.flatten())
        if not self._shared:
            images, labels = images.view(*batch.shape, *images.shape[1:]), labels.view(batch.shape)
        rates = tuple(entrant.lr for entrant in self.entrants)
        losses, right = self._update(images, labels)
        self.step += 1
        self.samples += size
        self._position += size
        for entrant, loss, rate in zip(self.entrants, losses, rates, strict=True):
            entrant.end_step()
            if not math.isfinite(loss) and not entrant.failure:
                entrant.failure = (
                    f"The loss became {loss} at step {self.step} with learning rate {rate:g}. "
                    "Start again with a smaller learning rate."
                )
        accuracies = tuple(count / size for count in right)
        record = RaceRecord(
            self.ids, self.step, self.samples, self.epoch, tuple(losses), accuracies, rates, "train"
        )
        if self._position == self._order.shape[-1]:
            self._end_epoch()
        return record

    def _update(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[list[float], list[int]]:
        """Move every network; the losses before it and how many answers were right."""
        if not self.entrants[0].wants_closure:
            losses, right = self._stack.gradient(images, labels)
            self.is_updating = True
            for entrant in self.entrants:
                entrant.update()
            self.is_updating = False
            return losses.tolist(), right.tolist()
        first: list[tuple[list[float], list[int]]] = []

        def closure() -> torch.Tensor:
            losses, right = self._stack.gradient(images, labels)
            first.append((losses.tolist(), right.tolist()))
            return losses[0]

        self.is_updating = True
        self.entrants[0].optimizer.step(closure)  # type: ignore[arg-type]
        self.is_updating = False
        return first[0]

    def _end_epoch(self) -> None:
        self.epoch += 1
        for entrant in self.entrants:
            entrant.end_epoch()
        if self._test_is_due:
            self._begin_test()
        self._shuffle()

    @property
    def _test_is_due(self) -> bool:
        """Whether the epoch that has just ended is tested; of short ones only some are."""
        step, epoch = self._tested
        images = (self.epoch - epoch) * len(self._data)
        return (
            self.epoch >= self._epochs
            or any(entrant.schedule.wants_metric for entrant in self.entrants)
            or is_due(self.step - step, images, len(self._data.test_labels))
        )

    def _begin_test(self) -> None:
        self._evaluation, self._tested = self._evaluate(), (self.step, self.epoch)

    def _evaluate(self) -> Generator[int, None, Results]:
        """Test all networks in slices; yields how many images are done after each."""
        images, labels = self._data.test_images, self._data.test_labels
        losses = torch.empty(len(self.ids), len(images), device=images.device)
        right = torch.zeros(len(self.ids), dtype=torch.int64, device=images.device)
        length = evaluation_slice(self.entrants[0].network[1:], images, len(self.ids))
        for start in range(0, len(images), length):
            part = slice(start, start + length)
            logits = self._stack.logits(images[part])
            truth = labels[part].expand(len(self.ids), -1)
            losses[:, part] = nn.functional.cross_entropy(logits, truth, reduction="none")
            right += logits.max(1).indices.eq(truth).sum(1)
            yield min(start + length, len(images))
        shares, means = (right / len(images)).tolist(), losses.cpu().double().mean(1).tolist()
        return Results(tuple(shares), tuple(means))

    def _evaluate_slice(self, evaluation: Generator[int, None, Results]) -> RaceRecord:
        rates, none = tuple(entrant.lr for entrant in self.entrants), (_nan,) * len(self.ids)
        record = RaceRecord(self.ids, self.step, self.samples, self.epoch, none, none, rates, "test")
        try:
            next(evaluation)
        except StopIteration as end:
            self._evaluation = None
            results: Results = end.value
            for entrant, accuracy, loss in zip(self.entrants, *results, strict=True):
                if not entrant.failure:
                    entrant.tested(self.step, accuracy, loss)
            return record._replace(test_accuracies=results.accuracies, test_losses=results.losses)
        return record

    def move(self, data: TrainingData) -> None:
        """Go on where other data lie, the entrants being there; a test going on begins again."""
        self._data, self._order = data, self._order.to(data.train_images.device)
        self._use_dropout(self._dropout)
        if self._evaluation is not None:
            self._evaluation = self._evaluate()

    def edit(self, epochs: int, dropout: float) -> None:
        """Take another length of the race and another rate of dropout."""
        self._epochs = epochs
        if self.done and self._tested[1] < self.epoch:
            self._begin_test()  # what is now the last epoch was not tested
        if dropout != self._dropout:
            self._use_dropout(dropout)

    def _use_dropout(self, rate: float) -> None:
        self._dropout = rate
        self._stack = stack_of(
            [with_dropout(entrant.network, rate, entrant.generator) for entrant in self.entrants]
        )

    def refuses(self, epochs: int) -> bool:
        """Whether the race cannot end after so few epochs."""
        return epochs < self.epoch or (epochs == self.epoch and not self.done and self._position > 0)
