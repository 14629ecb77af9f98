"""``nclib measure``: the metrics of a network's features and head against the closed form."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib._text import modes, share_text
from nclib.cli import _output as out
from nclib.cli._script import LambdaWOption

if TYPE_CHECKING:
    from nclib.cli._measurement import Measurement
    from nclib.metrics import Metrics


class Shown(StrEnum):
    """Which metrics are shown."""

    COLLAPSE = "collapse"
    BALANCED = "balanced"


def measure(
    features: Annotated[
        Path,
        typer.Argument(
            metavar="FEATURES",
            help="An .npz file with the arrays features (N x d) and labels (N), and perhaps the "
            "head: W, or W1 to WL, and b. Or an .npy file of the features alone, which is read "
            "block by block, however large.",
        ),
    ],
    lambda_W: LambdaWOption,
    lambda_H: Annotated[
        float | None,
        typer.Option(
            "--lambda-H",
            callback=out.positive,
            help="Penalty on the features. Default: the effective one, measured from the "
            "balance of the head and the class means.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels for an .npy file of features: .npy, or text with one a line."),
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(
            help="A file with the head: W, or W1 to WL, and b (.npz), or a state dict (.pt, .pth, "
            ".safetensors), of which the last layer is taken, with --depth the last L."
        ),
    ] = None,
    counts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Samples per class in the training, where the features are of other data, a test "
            "set say; as for `nclib predict`. The optimum is that for these counts.",
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth",
            "-L",
            min=1,
            max=1000,
            help="Layers L, where no head is given, or of one in a state dict.",
        ),
    ] = None,
    no_bias: Annotated[
        bool, typer.Option("--no-bias", help="The head, which is not given, has no bias.")
    ] = False,
    metrics: Annotated[
        Shown,
        typer.Option(help="balanced: also what the literature on balanced data reports."),
    ] = Shown.COLLAPSE,
    as_json: out.JsonOption = False,
) -> None:
    """Measure NC1 to NC4 of a network against the optimum for its class counts.

    Save the inputs of the last linear layers for all training samples, with their labels from 0
    to K - 1, and the head:

    `numpy.savez("network.npz", features=H.numpy(force=True), labels=y.tolist(),
    W=fc.weight.numpy(force=True), b=fc.bias.numpy(force=True))`

    `force` takes tensors from any device, with gradients or not; of bfloat16 write
    `H.float().numpy(force=True)`.

    For example:

    - `nclib measure network.npz --lambda-W 5e-4`

    - `nclib measure network.npz --lambda-W 5e-4 --lambda-H 1e-5 --json`

    - `nclib measure features.npy --labels labels.npy --head head.npz --lambda-W 5e-4`

    - `nclib measure features.npy --labels labels.npy --head model.pt --lambda-W 5e-4`

    - `nclib measure test.npz --counts train.csv --lambda-W 5e-4`

    - `nclib measure network.npz --lambda-W 5e-4 --metrics balanced`

    - `nclib measure features.npy --labels y.txt -L 1 --lambda-W 5e-4 --lambda-H 1e-5` (no head)

    --lambda-W is the model's penalty: lambda_W/2 times the sum of squared weights, beside 1/(2N)
    times the sum of squared errors. A script's weight decay is another number: with
    `torch.nn.MSELoss()` and L2 decay, lambda_W is K/2 times the weight decay, for K classes. In
    Python, `nclib.translate_penalties` translates for this and other losses.

    It says too whether the theory speaks about this network at all, if it was trained with the
    squared error and has come to rest; where it does not, nothing is predicted of the classes.
    (`nclib.Monitor` sees the loss, cross-entropy too.)

    In JSON, null stands for what is 0/0.
    """
    if labels is not None and features.suffix.lower() != ".npy":
        raise typer.BadParameter("--labels goes with an .npy file of features; .npz has its own")
    if labels is None and features.suffix.lower() == ".npy":
        raise typer.BadParameter("an .npy file of features needs --labels")
    with out.reported():
        from nclib.cli._heads import read_head
        from nclib.cli._measurement import Measurement, every_class, read_samples
        from nclib.data.readers import read_counts

        samples = read_samples(features, labels)
        training = None if counts is None else read_counts(counts)
        Ws, b = samples.head
        if head is not None:
            K = every_class(samples.labels, samples.source).size
            Ws, b = read_head(head, K, samples.shape[1], depth)
        if Ws is None:
            if depth is None:
                raise typer.BadParameter("there is no head: give --depth, or --head")
            if lambda_H is None:
                raise typer.BadParameter("there is no head to measure lambda_H from: --lambda-H")
        elif depth is not None and depth != len(Ws):
            raise typer.BadParameter(f"--depth {depth}, but the head has {len(Ws)} layers")
        elif no_bias and b is not None:
            raise typer.BadParameter("--no-bias, but the head has a bias")
        L = depth if Ws is None else len(Ws)
        assert L is not None
        bias = not no_bias if Ws is None else b is not None
        lambdas = out.per_layer(lambda_W, L)
        balanced = metrics is Shown.BALANCED
        found = Measurement.of(
            samples,
            Ws,
            b,
            lambdas,
            lambda_H,
            bias,
            training=training,
            balanced=balanced,
            progress=not as_json,
        )
        if as_json:
            of = {"source": f"{features}"} | ({} if counts is None else {"counts_from": counts})
            out.write_json({**of, **found.to_dict()})
        else:
            show(found, counts)


def show(found: Measurement, training: str | None) -> None:
    """Write the verdict and the tables; `training` is where the counts of the training are from."""
    from nclib.metrics import COLLAPSE

    problem, corrected, printed = found.minimizer.problem, found.corrected, found.as_printed
    if not found.of_training:
        out.show(
            f"Other data than the training: {int(corrected.counts.sum()):,} samples are measured, "
            f"against the optimum for the {problem.N:,} of {training}."
        )
    out.show(
        f"{problem.N:,} samples of {problem.K:,} classes, {found.d:,} features; "
        f"L = {problem.depth}, {'bias' if problem.bias else 'no bias'}; "
        f"{found.minimizer.alive:,} of {modes(problem.K - problem.bias)} alive at the optimum."
    )
    measured = corrected.lambda_H
    if found.lambda_H_measured:
        out.show(f"Effective lambda_H, measured and used: {problem.lambda_H:.4g}.")
    elif measured is not None:
        out.show(f"lambda_H given: {problem.lambda_H:.4g}; effective: {measured:.4g}.")
    for line in [] if found.validity is None else found.validity.words():
        out.show(line)
    readings = [m.numbers() for m in (corrected, printed)]
    rows = [
        (metric.described, *(numbers[metric.key] for numbers in readings))
        for metric in COLLAPSE
        if readings[0][metric.key] is not None
    ]
    out.show_table("Metrics against the optimum", ["metric", "corrected", "as printed"], rows)
    nc1 = corrected.nc1
    if nc1 is not None and nc1.rank_as_expected is False:
        out.show(
            f"The class means span {nc1.rank} directions, those of the optimum "
            f"{nc1.expected_rank}: NC1 measures along {nc1.rank}."
        )
    if not found.minimizer.unique:
        out.show("The optimum is not unique: NC2 and NC3 need not be 0 at another one.")
    if found.balanced is not None:
        show_balanced(found.balanced)
    K, shown = problem.K, out.shortened(range(problem.K))
    columns = ["class", "samples", *["predicted right"] * found.may_predict]
    if not found.of_training:
        columns = ["class", "in training", "measured", "predicted right in training"]
    if found.right_by_class is not None:
        columns += ["right", "nearest mean"]
    out.show_table(
        "Classes",
        columns,
        [k if k is None else class_row(found, k) for k in shown],
        total=K,
    )
    columns = ["mode", "kappa", "z", "alive", *by_mode(corrected)]
    out.show_table(
        "Modes, strongest first",
        columns,
        [j if j is None else mode_row(found, j) for j in shown],
        total=K,
    )


def show_balanced(values: dict[str, float]) -> None:
    """Write what the literature on balanced data reports."""
    from nclib.metrics import BALANCED

    rows = [
        (metric.label, metric.meaning, values[metric.key])
        for metric in BALANCED
        if metric.key in values
    ]
    columns = ["metric", "what it measures", "value"]
    out.show_table("Metrics of the literature on balanced data", columns, rows, left=2)


def class_row(found: Measurement, k: int) -> list[Any]:
    """Return what is known of a class."""
    row: list[Any] = [str(k)]
    if not found.of_training:
        row.append(int(found.minimizer.problem.counts.n[k]))
    row.append(int(found.corrected.counts[k]))
    row += [share_text(found.predicted[k])] * found.may_predict
    if found.right_by_class is not None:
        assert found.corrected.nc4_by_class is not None
        row += [share_text(found.right_by_class[k]), share_text(found.corrected.nc4_by_class[k])]
    return row


def mode_row(found: Measurement, j: int) -> list[Any]:
    """Return what is known of a mode."""
    best, metrics = found.minimizer, found.corrected
    row = [str(j), float(best.kappa[j]), float(best.z[j]), bool(best.survives[j])]
    return row + [float(values[j]) for values in by_mode(metrics).values()]


def by_mode(metrics: Metrics) -> dict[str, Any]:
    """Return what was measured of single modes, by label; that of the class means first."""
    from nclib.metrics import AGAINST_OPTIMUM

    # What needs no head comes first: it is always there.
    measured = sorted(AGAINST_OPTIMUM, key=lambda metric: metric.needs_head)
    values = {metric.label: getattr(metrics, f"{metric.key}_by_mode") for metric in measured}
    return {label: value for label, value in values.items() if value is not None}
