"""The options in which a command is told what a training script does."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from nclib.cli import _output as out


class LossName(StrEnum):
    """Losses by the names of the command line."""

    MSE = "mse"
    MSE_SUM = "mse-sum"
    CROSS_ENTROPY = "cross-entropy"


class BiasName(StrEnum):
    """What may be with the bias."""

    FREE = "free"
    NONE = "none"
    DECAYED = "decayed"


CountsArgument = Annotated[
    str,
    typer.Argument(
        metavar="COUNTS",
        help="Samples per class: a CSV, JSON or .npy file, a folder of images with one "
        "sub-folder for each class, '-' for the standard input, or a data set by name, such "
        "as ham10000.",
    ),
]


def _below_one(value: float) -> float:
    """Refuse what is no share that can be taken from a label."""
    if not 0 <= value < 1:
        raise typer.BadParameter(f"{value:g} is not at least 0 and below 1.")
    return value


def _layers(value: int) -> int:
    """Refuse a number of layers that no head has: a range in the help would take its room."""
    if not 1 <= value <= 1000:
        raise typer.BadParameter(f"{value} is not from 1 to 1000.")
    return value


def _batch(value: int | None) -> int | None:
    """Refuse an empty batch."""
    if value is not None and value < 1:
        raise typer.BadParameter(f"{value} is not at least 1.")
    return value


LossOption = Annotated[
    LossName | None,
    typer.Option(
        "--loss",
        metavar="NAME",
        help="mse (MSELoss), mse-sum (its sum over a batch; needs --batch-size) or cross-entropy. "
        "Without it: cross-entropy with --weight-decay, the squared error with --lambda-W.",
    ),
]
WeightDecayOption = Annotated[
    list[float] | None,
    typer.Option(
        "--weight-decay",
        metavar="NUMBER",
        callback=out.positive,
        help="As the optimiser has it (SGD or Adam; AdamW's is no penalty), on the head's layers: "
        "once for all, or once for each, W_1 first. It is translated by the loss.",
    ),
]
LambdaWOrNoneOption = Annotated[
    list[float] | None,
    typer.Option(
        "--lambda-W",
        metavar="NUMBER",
        callback=out.positive,
        help="Or the penalty of the model itself, which is not translated.",
    ),
]
LambdaHOption = Annotated[
    float | None,
    typer.Option(
        "--lambda-H",
        metavar="NUMBER",
        callback=out.positive,
        help="Penalty on the features. Without it: the outcome over a band of it.",
    ),
]
LayersOption = Annotated[
    int,
    typer.Option(
        "--depth", "-L", metavar="L", callback=_layers, help="Linear layers L in the head."
    ),
]
BiasOption = Annotated[
    BiasName | None,
    typer.Option(
        "--bias",
        metavar="NAME",
        help="free, none, or decayed with the rest. Default: decayed with --weight-decay, free "
        "with --lambda-W, as the paper has it.",
    ),
]
ClassWeightOption = Annotated[
    str,
    typer.Option(
        "--class-weight",
        metavar="RULE|FILE",
        help="Class weights of the loss: none, balanced (1/n), sqrt (1/sqrt(n)), effective:.999, "
        "or a file with one number per class.",
    ),
]
SamplerOption = Annotated[
    str,
    typer.Option(
        "--sampler",
        metavar="RULE|FILE",
        help="Shares of the classes in what is drawn: none, balanced, sqrt, or a file with one "
        "number per class.",
    ),
]
SmoothingOption = Annotated[
    float,
    typer.Option(
        "--label-smoothing", metavar="EPS", callback=_below_one, help="Label smoothing eps."
    ),
]
AdjustmentOption = Annotated[
    float,
    typer.Option(
        "--logit-adjustment",
        metavar="TAU",
        help="tau of tau log(n/N), which training adds to the logits (1: balanced softmax).",
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        metavar="B",
        callback=_batch,
        help="Samples in a batch. A sum depends on it; and with class weights, which torch divides "
        "by their sum in each batch, what they really are.",
    ),
]
DropLastOption = Annotated[
    bool, typer.Option("--drop-last", help="A smaller last batch is left out.")
]


def script_of(
    *,
    loss: LossName | None,
    weight_decay: list[float] | None,
    lambda_W: list[float] | None,
    depth: int,
    bias: BiasName | None,
    no_bias: bool = False,
    batch_size: int | None,
    drop_last: bool,
    **more: Any,
) -> dict[str, Any]:
    """Return what `script_model` is told, or raise for wrong usage."""
    if not weight_decay and not lambda_W:
        raise typer.BadParameter("give --weight-decay or --lambda-W")
    if weight_decay and lambda_W:
        raise typer.BadParameter("give --weight-decay or --lambda-W, not both")
    if loss is LossName.MSE_SUM and batch_size is None:
        raise typer.BadParameter("--loss mse-sum needs --batch-size: the sum grows with the batch")
    if drop_last and batch_size is None:
        raise typer.BadParameter("--drop-last needs --batch-size")
    if no_bias and bias not in (None, BiasName.NONE):
        raise typer.BadParameter(f"--no-bias contradicts --bias {bias}")
    script: dict[str, Any] = {
        "loss": None if loss is None else str(loss),
        "depth": depth,
        "bias": "none" if no_bias else None if bias is None else str(bias),
        "batch_size": batch_size,
        "drop_last": drop_last,
        **more,
    }
    if weight_decay:
        script["weight_decay"] = out.per_layer(weight_decay, depth, "--weight-decay")
    else:
        script["lambda_W"] = out.per_layer(lambda_W or [], depth)
    return script
