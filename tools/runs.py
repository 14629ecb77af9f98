"""Store the runs of the book anew, as `nclib` stores results today.

``python -m tools.runs IMAGES...`` takes the files or folders of images that the runs were trained
on. Needed when what goes into a result's file or its name has changed. No number of a run changes:
a run is stored anew only if a network begins, on these images, with the numbers that the run begins
with.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from nclib.training.data import (
    ImageData,
    Normalization,
    content_digest,
    data_name,
    imbalanced_subset,
    load_splits,
    to_tensors,
)
from nclib.training.engine import train
from nclib.training.experiments import Result, divided_images

RUNS = Path(__file__).resolve().parent.parent / "book" / "results" / "runs"

# Of the beginning, before any step: seven digits are stored, and CPUs round differently.
BEGINNING = 1e-4


class OtherRunError(ValueError):
    """A network does not begin on these images as the stored run does."""


def read(path: Path) -> Result:
    """Read a result whatever its file is called, also one from before there were checksums."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("sha256", None)
    content["experiment"].setdefault("digest", None)
    return Result.from_dict(content)


def require_beginning(result: Result, data: ImageData, test: ImageData, left_out: int) -> None:
    """Raise unless a run began as a network does on these images today."""
    experiment, stored = result.experiment, result.history[0]
    drawn = imbalanced_subset(data, experiment.counts, seed=experiment.config.seed)
    normalization = Normalization.of(drawn)
    flat = experiment.config.backbone == "mlp"
    # No more steps than there must be: what counts comes before the first.
    trained = train(
        replace(experiment.config, epochs=1, evaluations=1, batch_size=drawn.N),
        *to_tensors(drawn, normalization, flat=flat),
        test=to_tensors(test, normalization, flat=flat),
        device="cpu",
        progress=False,
    )
    samples = {"train": drawn.N, "test": test.N, "left_out": left_out}
    if samples != result.samples:
        raise OtherRunError(f"{experiment.name}: {samples} images, stored {result.samples}")
    for part in ("objective", "fit", "penalty_W", "penalty_H"):
        found = trained.history[0][part]
        if abs(found - stored[part]) > BEGINNING * stored[part]:
            raise OtherRunError(
                f"{experiment.name}: {part} is {found} at first, stored is {stored[part]}"
            )


def store_anew(folder: Path, sources: Iterable[Path]) -> int:
    """Write every run in a folder that was trained on these images; return how many names changed.

    Raises
    ------
    OtherRunError
        If they were not trained on these images; the folder is as it was.
    """
    read_anew = [(path, read(path)) for path in sorted(folder.glob("*.json"))]
    stored = []
    for source in sources:
        images = load_splits(source)
        divided, digest = divided_images(*images), content_digest(*images)
        for path, result in read_anew:
            if result.experiment.data == data_name(source):
                result = replace(result, experiment=replace(result.experiment, digest=digest))
                require_beginning(result, *divided)
                stored.append((path, result))
    renamed = 0
    for path, result in stored:
        if result.save(folder) != path:
            path.unlink()
            renamed += 1
    return renamed


if __name__ == "__main__":
    print(f"{store_anew(RUNS, map(Path, sys.argv[1:]))} runs have another name than before.")
