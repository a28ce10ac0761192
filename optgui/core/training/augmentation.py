"""AUGMENTATIONS: training images changed a little before each step, a whole batch at once.

What moves images is torchvision's. One draw moves all of a batch alike: its functions take one angle and one
shift a call.
Networks see other batches moved otherwise, which is what keeps them from learning positions by heart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from optgui.core import runtime
from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry
from optgui.core.training.models import STD, Normalize

BACKGROUND = Normalize()(torch.zeros(())).item()  # a black pixel, normalized; what comes in at the border

Transform = Callable[[torch.Tensor, Mapping[str, Any], torch.Generator], torch.Tensor]


class NoParams(Config):
    """Nothing to set."""


class ShiftParams(Config):
    """Parameters of a shift."""

    pixels: int = param(
        2,
        title="Shift",
        help="Most pixels to the side and up or down.",
        low=0,
        high=14,
        slider=(0, 8),
        unit="px",
        live=True,
    )


class AffineParams(Config):
    """Parameters of an affine map."""

    degrees: float = param(
        10.0,
        title="Rotation",
        help="Most degrees to either side.",
        low=0,
        high=180,
        slider=(0, 45),
        unit="°",
        live=True,
    )
    shift: float = param(
        2.0,
        title="Shift",
        help="Most pixels to the side and up or down.",
        low=0,
        high=14,
        slider=(0, 8),
        unit="px",
        live=True,
    )
    scale: float = param(
        0.1,
        title="Scale",
        help="Most by which images grow or shrink: 0.1 is from 0.9 to 1.1 times the size.",
        low=0,
        high=0.9,
        slider=(0, 0.5),
        live=True,
    )
    shear: float = param(
        5.0,
        title="Shear",
        help="Most degrees by which upright lines lean.",
        low=0,
        high=60,
        slider=(0, 30),
        unit="°",
        live=True,
    )


class NoiseParams(Config):
    """Parameters of noise on the pixels."""

    deviation: float = param(
        0.3,
        title="Noise",
        help="Standard deviation of what is added to each pixel, of which black to white is 1.",
        low=0,
        high=10,
        slider=(0, 1),
        unit="px",
        live=True,
    )


@dataclasses.dataclass(frozen=True)
class Augmentation(Entry):
    """A way to change images: `transform(images, values, generator)` gives new ones, or the same."""

    transform: Transform | None = None


def _keep(images: torch.Tensor, values: Mapping[str, Any], generator: torch.Generator) -> torch.Tensor:
    return images


def _shift(images: torch.Tensor, values: Mapping[str, Any], generator: torch.Generator) -> torch.Tensor:
    most = values["pixels"]
    down, right = torch.randint(-most, most + 1, (2,), generator=generator).tolist()
    functional = runtime.torchvision("transforms.v2.functional")
    height, width = images.shape[-2:]
    padded = functional.pad(images, [most, most, most, most], fill=BACKGROUND)
    moved: torch.Tensor = functional.crop(padded, most - down, most - right, height, width)
    return moved


def _affine(images: torch.Tensor, values: Mapping[str, Any], generator: torch.Generator) -> torch.Tensor:
    turn, right, down, grow, lean = (2 * torch.rand(5, generator=generator, dtype=torch.float64) - 1).tolist()
    # Around black as zero, because torchvision's `fill` is not black where a border pixel is blended.
    moved: torch.Tensor = runtime.torchvision("transforms.v2.functional").affine(
        images - BACKGROUND,
        angle=values["degrees"] * turn,
        translate=[values["shift"] * right, values["shift"] * down],
        scale=1 + values["scale"] * grow,
        shear=[values["shear"] * lean, 0.0],
        interpolation=runtime.torchvision("transforms.v2").InterpolationMode.BILINEAR,
    )
    return moved.add_(BACKGROUND)


def _noise(images: torch.Tensor, values: Mapping[str, Any], generator: torch.Generator) -> torch.Tensor:
    drawn = torch.randn(images.shape, generator=generator).to(images.device)
    noisy: torch.Tensor = images + (values["deviation"] / STD) * drawn
    return noisy


AUGMENTATIONS: Registry[Augmentation] = Registry(
    Augmentation("None", "None", NoParams, help="Images as they are.", transform=_keep),
    Augmentation(
        "Shift",
        "Shift",
        ShiftParams,
        help="Moves a batch by whole pixels, another way in each step; all its images alike.",
        formula="x(i, j) ← x(i − a, j − b), a and b drawn for the batch",
        reference="torchvision.transforms.v2.functional.pad and crop",
        transform=_shift,
    ),
    Augmentation(
        "Affine",
        "Rotate, shift, scale, shear",
        AffineParams,
        help="Turns, moves, grows and slants a batch, another way in each step; all its images alike.",
        formula="x(u) ← x(A⁻¹ (u − t)), A and t drawn for the batch",
        reference="torchvision.transforms.v2.functional.affine",
        transform=_affine,
    ),
    Augmentation(
        "Noise",
        "Noise",
        NoiseParams,
        help="Adds normal noise to every pixel, new in each step; a network trained so is harder to attack.",
        formula="x ← x + σ z, z ~ N(0, 1) for each pixel",
        reference="C. Bishop, Training with noise is equivalent to Tikhonov regularization, 1995",
        transform=_noise,
    ),
)


class AugmentationConfig(EntryConfig):
    """How training images are moved: `{"name": "Shift", "pixels": 2}`."""

    registry: ClassVar[Registry[Augmentation]] = AUGMENTATIONS

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Normalized images (n, 1, 28, 28), moved; `images` itself, without a draw, for "None".

        Black comes in at the border. `generator` is one of the CPU, wherever the images are.
        """
        transform = AUGMENTATIONS[self.name].transform
        assert transform is not None, self.name
        return transform(images, self.values, generator)
