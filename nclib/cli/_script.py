"""The options in which a command is told what a training script does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib.cli import _output as out

if TYPE_CHECKING:
    from nclib.data.script import ScriptModel
    from nclib.theory.counts import ClassCounts

Command = Callable[..., None]


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
        help="Samples per class: a table as text (CSV with any separator, Markdown, YAML, what "
        "pandas or uniq -c print), a JSON or .npy file, a folder of images with one sub-folder "
        "for each class, '-' for the standard input, or a data set by name, such as ham10000.",
    ),
]


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
LambdaWOption = Annotated[
    list[float],
    typer.Option(
        "--lambda-W",
        callback=out.positive,
        help="Penalty on the head's layers: once for all, or once for each, W_1 first.",
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
        "--depth",
        "-L",
        metavar="L",
        callback=out.checked(lambda value: 1 <= value <= 1000, "from 1 to 1000"),
        help="Linear layers L in the head.",
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
NoBiasOption = Annotated[bool, typer.Option("--no-bias", help="The head has no bias.")]
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
        "--label-smoothing",
        metavar="EPS",
        callback=out.checked(lambda value: 0 <= value < 1, "at least 0 and below 1"),
        help="Label smoothing eps.",
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
        callback=out.checked(lambda value: value >= 1, "at least 1"),
        help="Samples in a batch. A sum depends on it; and with class weights, which torch divides "
        "by their sum in each batch, what they really are.",
    ),
]
DropLastOption = Annotated[
    bool, typer.Option("--drop-last", help="A smaller last batch is left out.")
]


def script_of(
    *,
    loss: LossOption = None,
    weight_decay: WeightDecayOption = None,
    lambda_W: LambdaWOrNoneOption = None,
    lambda_H: LambdaHOption = None,
    depth: LayersOption = 1,
    bias: BiasOption = None,
    no_bias: NoBiasOption = False,
    class_weight: ClassWeightOption = "none",
    sampler: SamplerOption = "none",
    label_smoothing: SmoothingOption = 0.0,
    logit_adjustment: AdjustmentOption = 0.0,
    batch_size: BatchSizeOption = None,
    drop_last: DropLastOption = False,
) -> Script:
    """Take up what a script is said to be, or raise for wrong usage."""
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
    settings: dict[str, Any] = {
        "loss": None if loss is None else str(loss),
        "depth": depth,
        "bias": "none" if no_bias else None if bias is None else str(bias),
        "batch_size": batch_size,
        "drop_last": drop_last,
    }
    if weight_decay:
        settings["weight_decay"] = out.per_layer(weight_decay, depth, "--weight-decay")
    else:
        settings["lambda_W"] = out.per_layer(lambda_W or [], depth)
    remedy = {
        "class_weight": class_weight,
        "sampler": sampler,
        "label_smoothing": label_smoothing,
        "logit_adjustment": logit_adjustment,
    }
    return Script(lambda_H, settings, remedy)


@dataclass(frozen=True)
class Script:
    """What a command was told of a training script.

    Attributes
    ----------
    lambda_H : float or None
        None for a band of it.
    settings, remedy : dict
        What `script_model` takes beside: without and with what is done about imbalance.
    """

    lambda_H: float | None
    settings: dict[str, Any]
    remedy: dict[str, Any]

    @property
    def over_band(self) -> bool:
        """Whether the answer is over a band of lambda_H."""
        return self.lambda_H is None

    def model(self, source: str) -> tuple[ClassCounts, float, ScriptModel]:
        """Return the counts, lambda_H (of a band, its middle), and the model that is minimised."""
        from nclib.data.readers import read_counts
        from nclib.data.script import script_model
        from nclib.diagnosis import middle_of_band

        counts = read_counts(source)
        at = middle_of_band(counts.N) if self.lambda_H is None else self.lambda_H
        return counts, at, script_model(counts, lambda_H=at, **self.settings, **self.remedy)


def asks_for_script(*, without: Collection[str] = ()) -> Callable[[Command], Command]:
    """Give a command the options of `script_of`, in the place of its parameter `script`.

    Parameters
    ----------
    without : collection of str
        Options that the command does not have.

    Returns
    -------
    callable
        A decorator. The command gets the `Script`.
    """
    options = [
        option
        for option in inspect.signature(script_of, eval_str=True).parameters.values()
        if option.name not in without
    ]

    def decorate(command: Command) -> Command:
        @wraps(command)
        def told(**values: Any) -> None:
            script = script_of(**{option.name: values.pop(option.name) for option in options})
            command(script=script, **values)

        own = inspect.signature(command, eval_str=True)
        asked = [
            option.replace(kind=option.KEYWORD_ONLY)
            for each in own.parameters.values()
            for option in (options if each.name == "script" else [each])
        ]
        # typer reads the options from here.
        told.__signature__ = own.replace(parameters=asked)  # type: ignore[attr-defined]
        return told

    return decorate
