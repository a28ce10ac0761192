"""A run as a script of plain PyTorch that repeats it bit for bit."""

from __future__ import annotations

import torch

from optgui.core.optimizers import OPTIMIZERS
from optgui.core.training import script_parts as parts
from optgui.core.training.datasets import DATASETS
from optgui.core.training.models import MODELS, blank_network, with_dropout
from optgui.core.training.proposal import PROBES
from optgui.core.training.records import RunLog
from optgui.core.training.script_edits import Edits
from optgui.core.training.script_words import (
    INDENT,
    indented,
    is_whole_cycle,
    layer_code,
    move_code,
    order_code,
    scheduler_name,
)

_INITIAL = {
    "He": ('nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")', "nn.init.zeros_(layer.bias)"),
    "Xavier": ("nn.init.xavier_uniform_(layer.weight)", "nn.init.zeros_(layer.bias)"),
    "orthogonal": ("nn.init.orthogonal_(layer.weight)", "nn.init.zeros_(layer.bias)"),
    "zeros": ("nn.init.zeros_(layer.weight)", "nn.init.zeros_(layer.bias)"),
}


def script(log: RunLog, steps: int | None = None) -> str:
    """A Python program that trains the network of a run, with every edit at its step.

    It has `train(train_images, train_labels, test_images, test_labels)`, arrays as in MNIST's files, which
    returns the network and the loss of every step. It needs torch alone, but for what only optgui has: the
    textbook's optimizers, Muon's grouping, running averages translated at a switch, the built-in digits.

    Args:
        log: the surviving branch of the run.
        steps: done when the weights stood as they do; None for a run that went to its last epoch.
    """
    return _Script(log, steps).text()


class _Script(Edits):
    """Gathers lines; a part is written only if the run needs it."""

    def text(self) -> str:
        """The whole program."""
        train = self._train()  # first: it finds what has to be imported
        end = f'if __name__ == "__main__":\n{INDENT}train(*load())'
        pieces = [self._head(), *self._functions(), train, end]
        return "\n\n\n".join(piece.strip("\n") for piece in pieces) + "\n"

    # The file around the loop

    def _head(self) -> str:
        start = self.start
        words = (
            f"{MODELS[start.model.name].label} on {DATASETS[start.dataset].label}, "
            f"{OPTIMIZERS[start.optimizer.name].label}: a run of optgui as a script."
        )
        same = "With the same torch on the same kind of processor its numbers are the run's, bit for bit."
        if start.device != "cpu":
            same = f"The run was on {start.device}; on the processor numbers differ in their last digits."
        lines = [f'"""{words}\n\n{same}\n"""\n']
        standard = ["import math"] if self.is_scheduled else []
        standard += (
            ["import struct", "from pathlib import Path"] if DATASETS[start.dataset].torchvision else []
        )
        if standard:
            lines += [*standard, ""]
        lines += [
            "import numpy as np",
            "import torch",
            "from torch import nn",
            "from torch.nn import functional as F",
        ]
        if self.is_scheduled:
            names = {scheduler_name(config) for config in self.configs} | {"ReduceLROnPlateau"}
            lines.append(f"from torch.optim.lr_scheduler import {', '.join(sorted(names))}")
        kinds = {config.augmentation.name for config in self.configs}
        if "Affine" in kinds:
            lines.append("from torchvision.transforms.v2 import InterpolationMode")
        if moved := kinds & {"Shift", "Affine"}:
            lines.append("from torchvision.transforms.v2 import functional as transforms")
        if self.own:
            lines += ["", *sorted(self.own)]
        if moved:
            lines += ["", "BLACK = ((torch.zeros(()) - 0.1307) / 0.3081).item()"]
        return "\n".join(lines)

    def _functions(self) -> list[str]:
        entry, start = DATASETS[self.start.dataset], self.start
        found = [
            (parts.LOAD if entry.torchvision else parts.BUILT_IN).replace(
                "@name", entry.torchvision or entry.name
            )
        ]
        found += [parts.CHOOSE] * bool(start.samples) + [parts.NOISE] * bool(start.label_noise)
        found.append(parts.NORMALIZE)
        names = {config.augmentation.name for config in self.configs}
        found += [parts.SHIFT] * ("Shift" in names) + [parts.AFFINE] * ("Affine" in names)
        found += [parts.PIXEL_NOISE] * ("Noise" in names)
        if any("Moments" in line for line in self.own):
            found.append(parts.MEASURED.replace("@probes", str(PROBES)))
        found.append(parts.TEST)
        if self.is_scheduled:
            stretches = self.is_cut and any(is_whole_cycle(config.scheduler) for config in self.configs)
            found.append(parts.SCHEDULE + parts.REPLAY * self.replays + parts.STRETCH * stretches)
        return found

    # The loop

    def _train(self) -> str:
        lines = [
            "def train(train_images, train_labels, test_images, test_labels):",
            *indented(
                '"""The trained network, and the loss of every step."""',
                f"torch.set_num_threads({self.start.threads})",
                *self._data(),
                "",
                *self._network(),
                "",
                *self._beginning(),
                *self._loop(),
                "return network, losses",
            ),
        ]
        return "\n".join(lines)

    def _data(self) -> list[str]:
        start = self.start
        lines = ["train_labels = np.asarray(train_labels, dtype=np.int64)"]
        if start.samples:
            lines += [
                f"chosen = choose(train_labels, {start.samples}, seed={start.seed})",
                "train_images, train_labels = train_images[chosen], train_labels[chosen]",
            ]
        if start.label_noise:
            lines.append(f"train_labels = make_wrong(train_labels, {start.label_noise!r}, seed={start.seed})")
        return [
            *lines,
            "images, labels = normalized(train_images), torch.tensor(train_labels)",
            "test_images = normalized(test_images)",
            "test_labels = torch.tensor(np.asarray(test_labels, dtype=np.int64))",
        ]

    def _network(self) -> list[str]:
        start, seed = self.start, f"torch.manual_seed({self.start.seed})"
        network = blank_network(start.model)
        if self.drops:
            network = with_dropout(network, start.model.dropout_rate or 1.0, torch.Generator())
        layers = [f"{layer_code(layer, start)}," for layer in list(network.children())[1:]]
        built = ["network = nn.Sequential(", *indented(*layers), ")"]
        initial = _INITIAL.get(start.model.values["init"])
        if initial is None:
            return [f"{seed}  # weights, order of the images and dropout all come from it", *built]
        return [
            *built,
            f"{seed}  # weights, order of the images and dropout all come from it",
            "for layer in network:",
            *indented("if isinstance(layer, (nn.Linear, nn.Conv2d)):", *indented(*initial)),
        ]

    def _beginning(self) -> list[str]:
        start = self.start
        lines = [f"optimizer = {self.optimizer_code(start.optimizer)}"]
        lines += [f"lr = {start.optimizer.lr!r}"] if self.is_scheduled else []
        if self.is_cut:
            lines += [
                f"batch_size, epochs = {start.batch_size}, {start.epochs}",
                f"order, position, epoch = {order_code(start)}, 0, 0",
            ]
        lines += ["step, losses = 0, []"]
        lines += ["age = 0  # steps of this optimizer"] if self.ages else []
        lines += ["ends = []  # of each epoch: its last step and its test loss"] if self.replays else []
        lines += [f"zero_grad = {start.zero_grad}"] if self.forgets else []
        lines += [f"move = {move_code(start)}"] if self.moves else []
        lines += self.schedule_lines(start) if self.is_scheduled else []
        return lines

    def _loop(self) -> list[str]:
        edits = self.edit_lines()
        stop = (
            [f"if step == {self.steps}:", f"{INDENT}return network, losses"] if self.steps is not None else []
        )
        if not self.is_cut:
            start = self.start
            inner = [*edits, *stop, *self._step(), *self._after_step()]
            return [
                f"for epoch in range({start.epochs}):",
                *indented(
                    f"for batch in {order_code(start)}.split({start.batch_size}):",
                    *indented(*inner),
                    *self._after_epoch("epoch + 1"),
                ),
            ]
        replaces = len({config.replacement for config in self.configs}) > 1
        draw = [f"order = {order_code(self.start)}"]
        if replaces:
            draw = [
                "if replacement:",
                f"{INDENT}order = torch.randint(len(labels), (len(labels),))",
                "else:",
                f"{INDENT}order = torch.randperm(len(labels))",
            ]
        first = [f"replacement = {self.start.replacement}"] if replaces else []
        return [
            *first,
            "while True:",
            *indented(
                *edits,
                *stop,
                "if epoch >= epochs:",
                f"{INDENT}break",
                "batch = order[position : position + batch_size]",
                "position += len(batch)",
                *self._step(),
                *self._after_step(),
                "if position == len(order):",
                *indented("epoch, position = epoch + 1, 0", *self._after_epoch("epoch"), *draw),
            ),
        ]

    def _step(self) -> list[str]:
        rate = ["for group in optimizer.param_groups:", f'{INDENT}group["lr"] = lr * schedule.factor(step)']
        zero = ["optimizer.zero_grad()"] if self.start.zero_grad else []
        if self.forgets:
            zero = ["if zero_grad:", f"{INDENT}optimizer.zero_grad()"]
        inputs = "move(images[batch])" if self.moves else "images[batch]"
        lines = rate if self.is_scheduled else []
        if not self.closes:
            return [
                *lines,
                *zero,
                f"loss = F.cross_entropy(network({inputs}), labels[batch])",
                "loss.backward()",
                "optimizer.step()",
                "losses.append(loss.item())",
            ]
        return [
            *lines,
            f"inputs, first = {inputs}, []",
            "",
            "def closure():",
            *indented(
                *zero,
                "loss = F.cross_entropy(network(inputs), labels[batch])",
                "loss.backward()",
                "first.append(loss.item())",
                "return loss",
            ),
            "",
            "optimizer.step(closure)",
            "losses.append(first[0])",
        ]

    def _after_step(self) -> list[str]:
        lines = ["step += 1"]
        lines += ["age += 1"] if self.ages else []
        return lines + (["schedule.after_step(step)"] if self.is_scheduled else [])

    def _after_epoch(self, number: str) -> list[str]:
        lines = [
            "accuracy, test_loss = test(network, test_images, test_labels)",
            f'print(f"epoch {{{number}}}: {{accuracy:.2%}} of the test images, test loss {{test_loss:.4f}}")',
        ]
        lines += ["ends.append((step, test_loss))"] if self.replays else []
        return lines + (["schedule.after_epoch(step, test_loss)"] if self.is_scheduled else [])
