"""What the commands on networks have in common: their options, images, and folders."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from nclib.cli import _output as out

RootOption = Annotated[
    Path | None, typer.Option(help="Folder of downloaded data sets. Default: ~/.cache/nclib.")
]


DownloadOption = Annotated[
    bool, typer.Option("--download", help="Fetch the images where they are missing.")
]


DeviceOption = Annotated[
    str | None, typer.Option(help="cpu, cuda or mps. Default: the best that is there.")
]


ThreadsOption = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Threads of torch on the CPU.")
]


HEAD_SCALE_HELP = "Factor on the head's first weights: from larger ones deep heads keep more modes."


def named_images(data: str) -> tuple[str, Path | None]:
    """Split what was given into the name that results carry and a path, if it is one."""
    from nclib.training.data import NAMES, data_name, load_images

    if data in NAMES:
        return data, None
    path = Path(data).expanduser()
    if not path.exists():
        load_images(data)  # which says so
    return data_name(path), path


def require_images(name: str, root: Path | None, download: bool) -> None:
    """Load a data set once before any run: what is wrong with it is said once."""
    from nclib.training.data import load_images

    try:
        load_images(name, root=root, download=download)
    except FileNotFoundError as error:
        hint = "" if download else "; here: --download, or another data set"
        raise FileNotFoundError(f"{error}{hint}") from None


def say_what_is_held_out(images: Path | None) -> None:
    """Say where the test images come from, if not from a split of their own."""
    from nclib.training.data import has_test_images
    from nclib.training.experiments import TEST_IMAGES

    if images is not None and not has_test_images(images):
        out.say(
            f"{images} has no split 'test': {TEST_IMAGES} images of each class were held out as "
            "test images."
        )


@contextmanager
def ready_folder(folder: Path | None) -> Iterator[Path]:
    """Make the folder of results, or one for the meantime."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="nclib-") as name:
        yield Path(name)
