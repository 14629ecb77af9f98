"""What an explorable draws: Vega's own picture of a state, mark by mark.

The tables are computed again in the other tests. Here the marks of the living and of the dead have
to stand where the formulas and the axes put them.
"""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from every_explorable import ECOLI, explorable
from vega_marks import WIDTH, in_svg, marks, same, svg_of, words_of

import nclib as nc
from nclib.views.explorables.own import class_outcomes, mode_outcomes


@pytest.mark.parametrize(
    ("ratio", "depth", "position", "dead"),
    [
        (10, 3, 30, 7),
        (100, 1, 20, 2),
        (100, 1, 40, 10),
        (1, 6, 26, 0),
    ],
)
def test_survival_crosses_out_the_dead_classes_at_the_chosen_lambda(ratio, depth, position, dead):
    shown = explorable("survival")
    lambdas = shown.sliders[2].values
    lam = lambdas[position]
    n = np.floor(500 * ratio ** (-np.arange(10) / 9.0) + 1e-9)
    problem = nc.Problem(n.astype(int), depth, bias=False, lambda_W=lam, lambda_H=lam)
    kept = nc.shrink(np.sqrt(n), problem) / np.sqrt(n)
    if depth == 1:
        np.testing.assert_allclose(kept, np.maximum(1 - n.sum() * lam / np.sqrt(n), 0), atol=1e-12)
    assert np.count_nonzero(kept == 0) == dead
    x = WIDTH * math.log(lam / lambdas[0]) / math.log(lambdas[-1] / lambdas[0])
    # Ten rows and a little room below the last one, 340 pixels high.
    rows = np.arange(1, 11)
    drawn = marks(shown, (ratio, depth, lam))
    same(drawn["cross"], [(x, 340 * k / 10.15) for k in rows[kept == 0]])
    same(
        drawn["dot"],
        [(x, 340 * (k - 0.85 * s) / 10.15) for k, s in zip(rows, kept, strict=True) if s],
    )


@pytest.mark.parametrize("place", [(0, 0), (7, 7), (10, 12), (-1, -1)])
def test_norms_cross_out_the_dead_classes_in_all_three_columns(place):
    """Theorem 4.1 written out: z = sqrt(n) - N sqrt(lambda_W lambda_H)."""
    shown = explorable("norms")
    lam_W, lam_H = (s.values[i] for s, i in zip(shown.sliders, place, strict=True))
    n = np.array([6705, 1113, 1099, 514, 327, 142, 115])
    z = np.maximum(np.sqrt(n) - n.sum() * np.sqrt(lam_W * lam_H), 0)
    columns = (
        (np.sqrt(z * np.sqrt(lam_H / lam_W)), 20.0),
        (np.sqrt(z * np.sqrt(lam_W / lam_H) / n), 0.25),
        (z / np.sqrt(n), 1.0),
    )
    drawn = marks(shown, (lam_W, lam_H))
    expected = {"cross": [], "dot": []}
    for panel, (values, end) in enumerate(columns):
        for k, value in enumerate(values):
            x = WIDTH * (0.35 * panel + 0.3 * value / end)
            expected["dot" if value else "cross"].append((x, 34 * (k + 0.5)))
    same(drawn["cross"], expected["cross"])
    same(drawn["dot"], expected["dot"])


def test_the_picture_of_a_page_without_scripts_has_the_crosses_too():
    assert len(in_svg(explorable("norms").static)["cross"]) == 9


@pytest.mark.parametrize("depth", [1, 3])
def test_the_rule_crosses_out_dead_modes_on_the_axis(depth):
    shown = explorable("one-rule")
    kappa = np.linalg.svd(nc.effective_label_matrix(ECOLI), compute_uv=False)[:-1]
    end, numbers = 1.08 * kappa[0], set()
    for lam in shown.sliders[1].values[::8]:
        z = nc.shrink(kappa, nc.Problem(ECOLI, depth, lambda_W=lam, lambda_H=lam))
        drawn = marks(shown, (depth, lam))
        expected = np.column_stack([WIDTH * kappa / end, 360 * (1 - z / end)])
        same(drawn["cross"], expected[z == 0])
        same(drawn["dot"], expected[z > 0])
        numbers.add(len(drawn["cross"]))
    assert {0, 7} <= numbers


@pytest.mark.parametrize(("price", "alive", "dead"), [(0.8, 1, 0), (1.0, 1, 1), (1.2, 0, 1)])
def test_the_lemma_crosses_out_zero_where_it_is_lowest(price, alive, dead):
    drawn = marks(explorable("lemma"), (3, price))
    assert (len(drawn["dot"]), len(drawn["cross"])) == (alive, dead)
    # g(0) = 1 on an axis from 0.3 to 1.6, 300 pixels high.
    same(drawn["cross"], [(0, 300 * 0.6 / 1.3)] * dead)
    if price == 1:  # L = 3: the other lowest point is 2^(1/3), and as high
        same(drawn["dot"], [(WIDTH * 2 ** (1 / 3) / 2.4, 300 * 0.6 / 1.3)])


def test_the_maps_cross_out_angles_of_what_has_no_direction():
    shown = explorable("gram")
    crossed = set()
    for ratio, lam in [(1, 0.003), (15, 0.003), (60, 0.005), (100, 0.005)]:
        counts = nc.ClassCounts.step(6, 600, ratio)
        problem = nc.Problem(counts, 1, lambda_W=lam, lambda_H=lam)
        (W,), H, _ = nc.global_minimizer(problem).weights()
        expected = []
        # A gap of a cell between the two maps; both six cells wide and high.
        for place, vectors in enumerate((H, W @ H)):
            zero = np.linalg.norm(vectors, axis=0) < 1e-9
            expected += [
                ((7 * place + j + 0.5) * 650 / 13, (k + 0.5) * 50)
                for k in range(6)
                for j in range(6)
                if zero[k] or zero[j]
            ]
        same(marks(shown, (ratio, lam), width=650)["cross"], expected)
        crossed.add(len(expected))
    assert {0, 2 * 27} == crossed


def test_data_sets_cross_out_the_misclassified_above_their_bars():
    shown = explorable("data-sets")
    n = np.array([6705, 1113, 1099, 514, 327, 142, 115])
    crossed = set()
    for lam in (0.0001, 0.0013, 0.0024, 0.0075):
        best = nc.global_minimizer(nc.Problem(n, 1, lambda_W=lam, lambda_H=lam))
        (W,), H, b = best.weights()
        logits = W @ H + b[:, None]
        # Wrong where another class has the higher logit; merged classes stand side by side.
        own = np.diag(logits)
        other = np.where(np.eye(7, dtype=bool), -np.inf, logits).max(axis=0)
        wrong = np.flatnonzero(own < other - 1e-12)
        places = [
            (WIDTH * (k + 0.5) / 7, 300 * (1 - math.log(n[k] / 0.7) / math.log(3e5 / 0.7)) - 7)
            for k in wrong
        ]
        drawn = marks(shown, ("ham10000", 1, lam))
        same(drawn["cross"], places)
        crossed.add(len(places))
    assert len(crossed) > 2
    assert 0 in crossed


def test_both_shares_of_a_data_set_stand_above_its_bars_in_lines_of_their_own():
    lines = [found[0] for found in words_of(explorable("data-sets").static, "mark") if found]
    assert [text for text, _ in lines] == [
        "97.4% of all samples right", "71.4% on average over classes"
    ]  # fmt: skip
    (_, (_, first)), (_, (_, second)) = lines
    # Letters are 14 pixels high; the picture begins at 0.
    assert first + 14 <= second < 0


@pytest.mark.parametrize("factor", [0.1, 1.0, 2.5, 10.0])
def test_a_readers_own_dead_modes_and_wrong_classes_are_crossed_out(factor):
    problem = nc.Problem([500, 100, 40, 10], 2, lambda_W=5e-3, lambda_H=1e-3)
    scaled = nc.Problem([500, 100, 40, 10], 2, lambda_W=5e-3 * factor, lambda_H=1e-3 * factor)
    best = nc.global_minimizer(scaled)
    kappa = np.linalg.svd(nc.effective_label_matrix(scaled.counts), compute_uv=False)[:3]
    dead = kappa[nc.shrink(kappa, scaled) == 0]
    drawn = marks(mode_outcomes(problem), (2, factor))
    named = [re.match(r"kappa: ([\d.]+); z: 0;", label)[1] for label in drawn["labels"]]
    assert named == [f"{value:.6g}" for value in dead]
    assert {y for _, y in drawn["cross"]} <= {300.0}  # at the foot of the axis, where z is 0
    (W2, W1), (H, b) = best.weights()[0][::-1], best.weights()[1:]
    logits = W2 @ W1 @ H + b[:, None]
    wrong = [n for k, n in enumerate([500, 100, 40, 10]) if logits[:, k].argmax() != k]
    labels = marks(class_outcomes(problem, str), (2, factor))["labels"]
    counts = [int(re.match(r"n: (\d+); .*outcome: wrong;", label)[1]) for label in labels]
    assert counts == wrong


@pytest.mark.parametrize("sizes", [(2, 2, 2), (100, 100, 1), (1, 8, 40)])
def test_the_secular_curve_is_the_sum_over_the_classes_over_their_number(sizes):
    svg = ElementTree.fromstring(svg_of(explorable("secular"), sizes))
    ends = {}
    for group in svg.iter():
        if not re.search(r"mark-line role-mark", group.get("class", "")):
            continue
        for path in group:
            numbers = [float(x) for x in re.findall(r"-?[\d.]+(?:e-?\d+)?", path.get("d"))]
            ends[round(numbers[0] * 600 / WIDTH)] = numbers[1], numbers[-1]
    assert sorted(ends) == [0, 100, 300, 500]
    # At t = 0 every class has the share 1; at the end the formula written out.
    counts = np.repeat([500.0, 300.0, 100.0], sizes)
    last = np.mean(counts / (counts - 599.999))
    assert ends[0][0] == pytest.approx(320 * (6 - 1) / 12, abs=0.05)
    assert ends[500][1] == pytest.approx(320 * (6 - last) / 12, abs=0.05)


def test_the_training_curves_differ_in_more_than_their_colour():
    """Two of the colours are one under deuteranopia."""
    svg = ElementTree.fromstring(explorable("curves").static)
    lines = [
        (path.get("stroke"), path.get("stroke-dasharray"))
        for group in svg.iter()
        if re.search(r"mark-line role-mark", group.get("class", ""))
        for path in group
    ]
    assert len({color for color, _ in lines}) == 5
    assert len({dash for _, dash in lines}) == 5
