"""Images as tensors: normalised by the training images, on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from nclib._extras import imported
from nclib._records import Record
from nclib.training.images import ImageData

if TYPE_CHECKING:
    import torch


_BLOCK = 2**20
"""Pixels that are worked on at a time."""


@dataclass(frozen=True, eq=False)
class Normalization(Record):
    """Mean and standard deviation of each channel, of pixels from 0 to 1.

    Those of the training images serve the test images too: `Normalization.of(train)`.

    Attributes
    ----------
    mean, std : (C,) ndarray
        C = 1 for grey images, 3 for RGB. `std` is 1 where all pixels are equal: then they become 0.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def of(cls, train: ImageData) -> Self:
        """Measure the training images.

        Parameters
        ----------
        train : ImageData

        Returns
        -------
        Normalization

        Examples
        --------
        >>> from nclib.training.data import load_images
        >>> normalization = Normalization.of(load_images("digits"))
        >>> normalization.mean.round(3), normalization.std.round(3)
        (array([0.287]), array([0.354]))
        """
        pixels = train.images.reshape(-1, _channels(train))
        # How often each value occurs: exact, and the images are never copied as a whole.
        occurs = np.zeros((pixels.shape[1], 256), dtype=np.int64)
        for start in range(0, len(pixels), _BLOCK):
            for channel, row in enumerate(occurs):
                row += np.bincount(pixels[start : start + _BLOCK, channel], minlength=256)
        value = np.arange(256) / 255
        mean = occurs @ value / len(pixels)
        variance = (occurs * (value - mean[:, None]) ** 2).sum(axis=1) / len(pixels)
        return cls(mean, np.where(variance > 0, np.sqrt(variance), 1.0))


def to_tensors(
    data: ImageData,
    normalization: Normalization,
    *,
    flat: bool = True,
    device: str | torch.device = "cpu",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalise images and put them, with their labels, on a device.

    Parameters
    ----------
    data : ImageData
    normalization : Normalization
        That of the training images, for the test images as well.
    flat : bool, default True
        Whether each image becomes a row of C H W numbers, channel by channel, or stays C x H x W.
    device : str or torch.device, default "cpu"

    Returns
    -------
    inputs : (N, C H W) or (N, C, H, W) tensor of float32
    labels : (N,) tensor of int64

    Raises
    ------
    ValueError
        If `normalization` has another number of channels.

    Examples
    --------
    >>> from nclib.training.data import load_images
    >>> train, test = load_images("digits"), load_images("digits", split="test")
    >>> inputs, labels = to_tensors(test, Normalization.of(train))
    >>> tuple(inputs.shape), inputs.dtype, tuple(labels.shape)
    ((355, 64), torch.float32, (355,))
    """
    torch = imported("torch", "to_tensors")
    channels = _channels(data)
    if normalization.mean.shape != (channels,):
        raise ValueError(
            f"normalization must have {channels} channels like {data.name}; "
            f"got {normalization.mean.size}"
        )
    height, width = data.images.shape[1:3]
    # Over to the device as bytes, a quarter of the size; everything else happens there.
    inputs = torch.tensor(data.images, device=device).reshape(-1, height, width, channels)
    inputs = inputs.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    scale = torch.tensor(255 * normalization.std, dtype=torch.float32, device=device)
    shift = torch.tensor(normalization.mean / normalization.std, dtype=torch.float32, device=device)
    inputs.div_(scale[:, None, None]).sub_(shift[:, None, None])
    labels = torch.tensor(data.labels, device=device)
    return (inputs.flatten(1) if flat else inputs), labels


def _channels(data: ImageData) -> int:
    return 1 if data.images.ndim == 3 else 3
