"""Every cell of the explorables of chapters 3 to 6, worked out a second way.

The second way knows the theorems and dense matrices, but no spectrum, shrinkage or minimiser of
nclib: singular values come from numpy, thresholds and roots from the paper's formulas.
"""

from __future__ import annotations

import math
import re
from functools import cache

import numpy as np
from every_explorable import explorable
from scipy.optimize import brentq

from nclib.data.published import gallery
from nclib.views.explorables import phases


def made(name):
    shown = explorable(name)
    return shown, {key: np.array(column) for key, column in shown.table.items()}


def assert_states_in_order(explorable, table, rows_of_state):
    """The columns of the sliders run through all states, the last slider fastest."""
    grids = np.meshgrid(*(slider.values for slider in explorable.sliders), indexing="ij")
    for slider, grid in zip(explorable.sliders, grids, strict=True):
        np.testing.assert_array_equal(table[slider.name], np.repeat(grid.ravel(), rows_of_state))


def label_matrix(n):
    """Yhat, dense."""
    return (np.eye(n.size) - np.outer(n, np.ones(n.size)) / n.sum()) @ np.diag(np.sqrt(n))


def step_counts(ratio, *, classes, largest):
    return np.array([largest] * (classes // 2) + [int(largest / ratio)] * (classes // 2), float)


def kept(kappa, n, depth, lam):
    """Share that is left of a mode, by Theorem 4.3; every lambda is the same."""
    N = n.sum()
    price = depth**2 * N * (N * lam ** (depth + 1)) ** (1 / depth)
    worth = kappa**2 * (depth - 1) ** ((depth - 1) / depth)  # 0^0 = 1 for one layer
    if price >= worth:
        return 0.0
    theta = N * lam ** (depth + 1) / (kappa**2 / N) ** depth

    def gap(s):
        return (depth - 1) * math.log(s) + (depth + 1) * math.log1p(-s) - math.log(theta)

    return brentq(gap, max((depth - 1) / (2 * depth), 1e-12), 1 - 1e-15, xtol=1e-15)


def test_norms_are_those_of_theorem_4_1(compare):
    explorable, table = made("norms")
    assert_states_in_order(explorable, table, rows_of_state=7)
    n = np.array([6705, 1113, 1099, 514, 327, 142, 115])
    states = len(explorable.summaries)
    np.testing.assert_array_equal(table["n"], np.tile(n, states))
    kinds = ["nv", "mel", "bkl", "bcc", "akiec", "vasc", "df"]
    np.testing.assert_array_equal(table["class"], np.tile(kinds, states))
    n, lambda_W, lambda_H = table["n"], table["lambda_W"], table["lambda_H"]
    N = 10015
    sigma2 = np.maximum(np.sqrt(n * lambda_W / lambda_H) - N * lambda_W, 0)
    expected = {
        "row": np.sqrt(n * sigma2) / (sigma2 + N * lambda_W),
        "mean": np.sqrt(sigma2 / n),
        "output": sigma2 / (sigma2 + N * lambda_W),
    }
    for name, values in expected.items():
        compare(f"norms, {name}", table[name], values)
        np.testing.assert_array_equal(table[name] > 0, n > N**2 * lambda_W * lambda_H)


def test_outputs_depend_on_the_product_of_the_penalties_only():
    _, table = made("norms")
    output, alive = {}, {}
    for lambda_W, lambda_H, kind, row, value in zip(
        *(table[name] for name in ("lambda_W", "lambda_H", "class", "row", "output")), strict=True
    ):
        key = f"{lambda_W * lambda_H:.9e}", kind
        output.setdefault(key, set()).add(value)
        alive.setdefault(key, set()).add(row > 0)
    # Three steps double a penalty, so most products come several times.
    assert max(map(len, alive.values())) == 1
    assert all(max(values) <= min(values) * (1 + 2e-6) for values in output.values())
    assert len(output) < len(table["row"]) / 3


def test_lengths_stay_on_their_axes():
    _, table = made("norms")
    assert table["row"].max() < 20
    assert table["mean"].max() < 0.25
    assert table["output"].max() < 1


def test_gram_maps_are_the_cosines_of_theorem_4_2(compare):
    explorable, table = made("gram")
    assert_states_in_order(explorable, table, rows_of_state=72)
    states = len(explorable.summaries)
    np.testing.assert_array_equal(
        table["of"], np.tile(np.repeat(["class means", "predictions"], 36), states)
    )
    np.testing.assert_array_equal(table["class"], np.tile(np.repeat(range(1, 7), 6), 2 * states))
    np.testing.assert_array_equal(table["other"], np.tile(range(1, 7), 12 * states))
    maps = table["cosine"].reshape(states, 2, 6, 6)
    seen = set()
    for (ratio, lam), drawn in zip(explorable.summaries, maps, strict=True):
        n = step_counts(ratio, classes=6, largest=600)
        U, kappa, Vt = np.linalg.svd(label_matrix(n))
        z = np.maximum(kappa - n.sum() * lam, 0)
        E = np.sqrt(z)[:, None] * Vt / np.sqrt(n)
        predictions = (U * z) @ Vt / np.sqrt(n)
        for vectors, matrix in ((E, drawn[0]), (predictions, drawn[1])):
            length = np.linalg.norm(vectors, axis=0)
            zero = length < 1e-10 * length.max()
            empty = np.equal(matrix, None)
            np.testing.assert_array_equal(empty, zero[:, None] | zero)
            cosine = vectors.T @ vectors / np.outer(length, length)
            compare("gram, cosine", matrix[~empty], cosine[~empty])
            seen.add((bool(zero.any()), bool(cosine[-1, -2] > 1 - 1e-9)))
    # Kept apart, merged, and gone.
    assert {(False, False), (False, True)} < seen
    assert any(gone for gone, _ in seen)


def test_lemma_curves_and_their_lowest_points(compare):
    explorable, table = made("lemma")
    tie = (table["price"] == 1) & (table["L"] > 1)
    start = 0
    for depth, price in explorable.summaries:
        alpha = price * (depth - 1) ** ((depth - 1) / depth) / depth  # 0^0 = 1
        points = 43 if price == 1 and depth > 1 else 42
        rows = slice(start, start + points)
        start += points
        assert set(table["L"][rows]) == {depth}
        assert set(table["price"][rows]) == {price}
        assert list(table["part"][rows]) == ["curve"] * 41 + ["lowest"] * (points - 41)
        x, g = table["x"][rows], table["g"][rows]
        compare("lemma, grid", x[:41], np.arange(41) * 0.06)
        compare("lemma, g", g, 1 / (1 + x**depth) + alpha * x)
        # Stationary points: alpha (x^L + 1)^2 = L x^(L-1).
        square = np.zeros(2 * depth + 1)
        square[[0, depth, -1]] += [alpha, 2 * alpha, alpha]
        square[-depth] -= depth
        roots = np.roots(square)
        roots = roots[(abs(roots.imag) < 1e-6) & (roots.real > 0)].real
        candidates = np.array([0, *roots])
        costs = 1 / (1 + candidates**depth) + alpha * candidates
        lowest = np.sort(candidates[costs < costs.min() + 1e-9])
        if depth == 1 and price == 1:
            lowest = lowest[:1]
        compare("lemma, lowest point", np.sort(x[41:]), lowest)
    assert start == tie.size
    assert np.count_nonzero(tie) == 5 * 43


def test_borders_are_where_modes_die(compare):
    explorable, table = made("phases")
    borders = table["part"] != "you"
    names = [name for name, _, _ in phases.BORDERS]
    lines = {key: column[borders].reshape(-1, 3) for key, column in table.items()}
    assert len(lines["L"]) == 6 * 19
    for depth, ratio, part, at, until in zip(
        *(lines[key] for key in ("L", "ratio", "part", "lambda", "until")), strict=True
    ):
        (depth,), (ratio,) = set(depth), set(ratio)
        assert list(part) == names
        n = step_counts(ratio, classes=10, largest=5000)
        kappa = np.linalg.svd(label_matrix(n), compute_uv=False)
        # The rare classes' inner modes die first, then frequent against rare, then the rest.
        weakest, between, strongest = kappa[8], kappa[4], kappa[0]
        expected = [
            (
                (k**2 / depth**2) ** depth * (depth - 1) ** (depth - 1) / n.sum() ** (depth + 1)
            ) ** (1 / (depth + 1))
            for k in (weakest, between, strongest)
        ]  # fmt: skip
        compare("phases, border", at, expected)
        np.testing.assert_array_equal(until[:2], at[1:])
        assert until[2] == 0.01
    for key in ("alive", "accuracy"):
        assert set(table[key][borders]) == {None}
    assert set(table["ratio"][borders]) >= set(explorable.sliders[2].values)


def test_points_of_the_phase_diagram(compare):
    explorable, table = made("phases")
    you = table["part"] == "you"
    points = {key: column[you] for key, column in table.items()}
    assert_states_in_order(explorable, points, rows_of_state=1)
    assert set(points["until"]) == {None}
    for depth, lam, ratio, alive, accuracy in zip(
        *(points[key] for key in ("L", "lambda", "ratio", "alive", "accuracy")), strict=True
    ):
        n = step_counts(ratio, classes=10, largest=5000)
        V, kappa = svd_of(ratio)
        share = [kept(k, n, depth, lam) for k in kappa[[0, 4, 8]]]
        s = np.repeat(share, [4, 1, 4]) if ratio > 1 else np.repeat(share[0], 9)
        assert alive == np.count_nonzero(s)
        root = np.sqrt(n)[:, None]
        answers = root * ((V * np.append(s, 1)) @ V.T) / root.T
        best = answers.max(axis=0)
        ties = answers > best - 1e-9 * best
        right = np.diag(ties) / ties.sum(axis=0)
        compare("phases, accuracy", np.array(accuracy), right @ n / n.sum())


@cache
def svd_of(ratio):
    _, kappa, Vt = np.linalg.svd(label_matrix(step_counts(ratio, classes=10, largest=5000)))
    return Vt.T, kappa


def test_secular_function_class_by_class(compare):
    explorable, table = made("secular")
    curve, pole = table["part"] == "curve", table["part"] == "pole"
    zeros = {key: column[~curve & ~pole] for key, column in table.items()}
    assert_states_in_order(explorable, zeros, rows_of_state=2)
    assert list(zeros["part"]) == ["upper zero", "lower zero"] * len(explorable.summaries)
    assert table["t"][pole].tolist() == [500, 300, 100]
    for name in ("l1", "l2", "l3"):
        assert set(table[name][curve | pole]) == {None}
    grid = table["t"][curve].astype(float)
    assert np.all(np.diff(grid) > 0)
    assert not {100, 300, 500} & set(grid.tolist())
    shares = np.stack([table[f"of_{n}"][curve] for n in (500, 300, 100)]).astype(float)
    for sizes, t in zip(explorable.summaries, zeros["t"].reshape(-1, 2), strict=True):
        n = np.repeat([500.0, 300.0, 100.0], sizes)
        N = n.sum()
        # Golub's form: 1 - sum over classes of n^2 / (N (n - t)) is -t / N times S.
        terms = n**2 / (N * (n - grid[:, None]))
        secular = -N / grid * (1 - terms.sum(axis=1))
        # Cells are rounded, and near a zero they cancel.
        scale = np.abs(n / (n - grid[:, None])).sum(axis=1)
        np.testing.assert_allclose(sizes @ shares / scale, secular / scale, rtol=0, atol=6e-6)
        squares = np.linalg.eigvalsh(np.diag(n) - np.outer(n, n) / N)
        between = [
            squares[(squares > low + 1e-6) & (squares < high - 1e-6)]
            for low, high in ((300, 500), (100, 300))
        ]
        assert [part.size for part in between] == [1, 1]
        compare("secular, zeros", t.astype(float), np.concatenate(between))


def test_the_secular_function_runs_from_edge_to_edge_at_its_narrowest_pole():
    """With 100, 100 and 1 classes the pole at 100 has the share 1 / 201: narrow, and seen."""
    _, table = made("secular")
    t = table["t"][table["part"] == "curve"].astype(float)
    for n in (500.0, 300.0, 100.0):
        left, right = t[t < n].max(), t[t > n].min()
        assert n / (n - left) / 201 > 12
        assert n / (n - right) / 201 < -12


def shares(kappa, N, depth, lam):
    """Share that is left of every mode, by bisection of the equation that `kept` solves."""
    price = depth**2 * N * (N * lam ** (depth + 1)) ** (1 / depth)
    alive = price < kappa**2 * (depth - 1) ** ((depth - 1) / depth)
    theta = N * lam ** (depth + 1) / (kappa[alive] ** 2 / N) ** depth
    low = np.full(theta.shape, max((depth - 1) / (2 * depth), 1e-12))
    high = np.ones_like(low)
    for _ in range(60):
        s = (low + high) / 2
        above = (depth - 1) * np.log(s) + (depth + 1) * np.log1p(-s) > np.log(theta)
        low, high = np.where(above, s, low), np.where(above, high, s)
    result = np.zeros(kappa.shape)
    result[alive] = low
    return result


def outcomes_of(n, V, kappa, depth, lam):
    """Outcome of each class from dense matrices, and its accuracy."""
    root, s = np.sqrt(n), shares(kappa, n.sum(), depth, lam)
    answers = root[:, None] * ((V * np.append(s[:-1], 1)) @ V.T) / root
    best = answers.max(axis=0)
    ties = answers > best - 1e-9 * abs(best)
    right = np.diag(ties) / ties.sum(axis=0)
    means = (np.sqrt(s * (1 - s)) * kappa)[:, None] * V.T / root
    gram = means.T @ means
    size = np.diag(gram)
    distance = size[:, None] + size - 2 * gram
    same = distance <= 1e-10 * max(size.max(), 1e-300)
    merged = same.sum(axis=1) > 1
    return np.where(right == 0, 2, np.where(merged, 1, 0)), right


def test_outcomes_of_every_data_set(compare):
    explorable, table = made("data-sets")
    is_state = np.equal(table["n"], None)
    states = {key: column[is_state] for key, column in table.items()}
    groups = {key: column[~is_state] for key, column in table.items()}
    assert_states_in_order(explorable, states, rows_of_state=1)
    for key in ("rank", "classes", "n", "lost", "wrong"):
        assert set(states[key]) == {None}
    for key in ("lambda", "accuracy", "balanced"):
        assert set(groups[key]) == {None}
    data, depths, lams = (slider.values for slider in explorable.sliders)
    assert data == tuple(gallery())
    assert len(explorable.summaries) == len(states["L"])
    for name in data:
        n = np.sort(gallery()[name].counts.n)[::-1].astype(float)
        values, first, sizes = np.unique(-n, return_index=True, return_counts=True)
        _, kappa, Vt = np.linalg.svd(label_matrix(n))
        kappa[-1] = 0
        for depth in depths:
            here = (groups["data"] == name) & (groups["L"] == depth)
            np.testing.assert_array_equal(groups["n"][here], -values)
            np.testing.assert_array_equal(groups["rank"][here], first)
            np.testing.assert_array_equal(groups["classes"][here], sizes)
            now = (states["data"] == name) & (states["L"] == depth)
            lost, wrong = (
                np.array([np.inf if lam is None else lam for lam in groups[key][here]])
                for key in ("lost", "wrong")
            )
            for lam, accuracy, balanced in zip(
                lams, states["accuracy"][now], states["balanced"][now], strict=True
            ):
                outcome, right = outcomes_of(n, Vt.T, kappa, depth, lam)
                # Classes of the same count have one outcome, and none ever becomes a better one.
                np.testing.assert_array_equal(outcome, np.repeat(outcome[first], sizes))
                drawn = np.where(wrong <= lam, 2, np.where(lost <= lam, 1, 0))
                np.testing.assert_array_equal(outcome[first], drawn)
                compare("data sets, accuracy", np.array(accuracy), right @ n / n.sum())
                compare("data sets, balanced", np.array(balanced), right.mean())
                said = explorable.summaries[name, depth, lam]
                if outcome.any() and not said.startswith("No mode is alive"):
                    counted = [int((outcome == kind).sum()) for kind in range(3)]
                    smallest = [int(n[outcome == 0].min())] if counted[0] else []
                    assert numbers(said) == [counted[0], n.size, *smallest, *counted[1:]]
                elif outcome.any():
                    assert not shares(kappa, n.sum(), depth, lam).any()
                else:
                    assert said == f"All {n.size} classes are classified right."


class TestWhatTheChaptersSay:
    def test_penalties_that_are_traded_change_all_lengths_by_one_factor(self):
        explorable, table = made("norms")
        rows, means = (table[name].reshape(-1, 7) for name in ("row", "mean"))
        places = {state: place for place, state in enumerate(explorable.summaries)}
        before, after = places[0.002, 0.002], places[0.004, 0.001]
        alive = rows[before] > 0
        np.testing.assert_allclose(
            rows[after][alive] * math.sqrt(2), rows[before][alive], rtol=1e-5
        )
        np.testing.assert_allclose(
            means[before][alive] * math.sqrt(2), means[after][alive], rtol=1e-5
        )

    def test_rare_means_turn_to_each_other_and_predictions_lead(self):
        _, table = made("gram")
        maps = table["cosine"].reshape(21, 13, 2, 6, 6)
        for means, predictions in maps[..., -2, -1].reshape(-1, 2):
            assert means is None or predictions >= means
        at_default = [cosine for cosine in maps[:, 5, 0, -2, -1] if cosine is not None]
        assert np.all(np.diff(at_default) >= 0)
        assert at_default[0] == -0.2
        assert at_default[-1] == 1
        assert maps[-1, 5, 0, 0, 1] == -0.5

    def test_the_maps_open_where_the_rare_classes_are_one_point(self):
        """Theorem 4.2: their inner modes are dead, the one that sets them apart lives."""
        explorable, table = made("gram")
        ratio, lam = (slider.default for slider in explorable.sliders)
        n = step_counts(ratio, classes=6, largest=600)
        kappa = np.linalg.svd(label_matrix(n), compute_uv=False)
        assert kappa[4] < n.sum() * lam < kappa[2]
        here = (table["ratio"] == ratio) & (table["lambda"] == lam)
        for cosine in table["cosine"][here].reshape(2, 6, 6):
            assert np.all(cosine[3:, 3:] == 1)
            assert np.all(cosine[:3, 3:] > -0.2)  # no longer a simplex

    def test_the_diagram_opens_where_rare_classes_are_gone_and_frequent_ones_live(self):
        """Soft thresholding at N lambda, Theorem 4.1 with the modes of Theorem 4.2."""
        explorable, table = made("phases")
        depth, lam, ratio = (slider.default for slider in explorable.sliders)
        assert depth == 1
        n = step_counts(ratio, classes=10, largest=5000)
        kappa = np.linalg.svd(label_matrix(n), compute_uv=False)
        assert kappa[4] < n.sum() * lam < kappa[3]
        (alive,) = table["alive"][
            (table["part"] == "you")
            & (table["L"] == depth)
            & (table["lambda"] == lam)
            & (table["ratio"] == ratio)
        ]
        assert alive == 4

    def test_the_data_sets_open_with_rare_classes_lost_and_hardly_a_sample(self):
        explorable, _ = made("data-sets")
        name, depth, lam = (slider.default for slider in explorable.sliders)
        n = gallery()[name].counts.n.astype(float)
        _, kappa, Vt = np.linalg.svd(label_matrix(n))
        kappa[-1] = 0
        outcome, right = outcomes_of(n, Vt.T, kappa, depth, lam)
        assert outcome.tolist() == [0, 0, 0, 0, 0, 2, 2]
        # The words for who does not see the picture.
        assert f"{100 * right @ n / n.sum():.1f} % of all samples" in explorable.alt_text
        assert f"{100 * right.mean():.1f} % on average" in explorable.alt_text

    def test_a_living_mode_is_never_small(self):
        _, table = made("lemma")
        for depth in (2, 3, 4, 5, 6):
            x = table["x"][(table["part"] == "lowest") & (table["L"] == depth)]
            assert x[x > 0].min() > (depth - 1) ** (1 / depth) - 1e-5

    def test_depth_helps_the_balanced_and_hurts_the_rare(self):
        _, table = made("phases")
        borders = table["part"] != "you"
        lines = table["lambda"][borders].astype(float).reshape(6, 19, 3)
        assert lines[5, 0, 0] > lines[0, 0, 0]
        assert lines[5, -1, 0] < lines[0, -1, 0]
        np.testing.assert_allclose(lines[:, 0], lines[:, 0, :1].repeat(3, axis=1))
        spread = lines[:, 1:, 2] / lines[:, 1:, 0]
        assert np.all(np.diff(spread, axis=0) > 0)

    def test_a_group_that_grows_pushes_the_zeros_away(self):
        _, table = made("secular")
        zeros = table["t"][[part.endswith("zero") for part in table["part"]]]
        zeros = zeros.astype(float).reshape(9, 9, 9, 2)
        assert np.all(np.diff(zeros, axis=0) < 0)
        assert np.all(np.diff(zeros[..., 0], axis=1) > 0)
        assert np.all(np.diff(zeros[..., 1], axis=1) < 0)
        assert np.all(np.diff(zeros, axis=2) > 0)


def numbers(sentence):
    return [float(x) for x in re.findall("-?[0-9]+(?:[.][0-9]+)?", sentence.replace("−", "-"))]


def test_sentences_say_what_is_in_the_table():
    explorable, table = made("norms")
    cells = np.stack([table[name].reshape(-1, 7) for name in ("row", "mean", "output")], axis=-1)
    for sentence, state in zip(explorable.summaries.values(), cells, strict=True):
        alive = np.count_nonzero(state[:, 0])
        if alive:
            assert numbers(sentence) == [alive, 7, *(float(f"{x:.3g}") for x in state[0])]
        else:
            assert sentence.startswith("No class survives")

    explorable, table = made("gram")
    maps = table["cosine"].reshape(-1, 2, 6, 6)[:, 0]
    for (ratio, _), sentence, cosine in zip(
        explorable.summaries, explorable.summaries.values(), maps, strict=True
    ):
        rare, frequent, mixed = cosine[-2, -1], cosine[0, 1], cosine[0, -1]
        said = {1: [600, rare]}.get(
            ratio,
            [600 // ratio, frequent] if rare is None else [600 // ratio, rare, frequent, mixed],
        )
        np.testing.assert_allclose(numbers(sentence.replace("are 0", "vanish")), said, atol=0.00501)
        assert ("one point" in sentence) == (rare == 1 and ratio > 1)
        assert ("no direction" in sentence) == (rare is None)

    explorable, table = made("lemma")
    lowest = table["part"] == "lowest"
    for (depth, price), sentence in explorable.summaries.items():
        here = lowest & (table["L"] == depth) & (table["price"] == price)
        assert ("alive." in sentence) == (table["x"][here].min() > 0)
        assert ("below" in sentence) == (price < 1)
        assert ("cost the same" in sentence) == (np.count_nonzero(here) == 2)

    explorable, table = made("phases")
    you = table["part"] == "you"
    cells = zip(table["alive"][you], table["accuracy"][you], strict=True)
    for ((_, _, ratio), sentence), (alive, accuracy) in zip(
        explorable.summaries.items(), cells, strict=True
    ):
        said = numbers(sentence.replace("are 0", "vanish"))
        sizes = [5000, 5000 // ratio] if ratio > 1 else [5000]
        np.testing.assert_allclose(said, [alive, 9, *sizes, 100 * accuracy], atol=0.0501)

    explorable, table = made("secular")
    zeros = table["t"][[part.endswith("zero") for part in table["part"]]].reshape(-1, 2)
    for (sizes, sentence), (upper, lower) in zip(explorable.summaries.items(), zeros, strict=True):
        inner = []
        for count, size in zip((500, 300, 100), sizes, strict=True):
            inner += [count] * (size > 1) + [size - 1] * (size > 2)
        said = [round(upper, 1), 300, 500, round(lower, 1), 100, 300, *inner]
        np.testing.assert_allclose(numbers(sentence), said, atol=0.11)


def test_repeated_counts_are_listed_with_how_often_each_is_a_squared_kappa():
    """Theorem 4.4: n_j is one once for each class of the count beyond the first."""
    explorable, _ = made("secular")
    for sizes, listed in {
        (2, 1, 1): "500 (once)",
        (1, 3, 2): "300 (2 times) and 100 (once)",
        (2, 8, 5): "500 (once), 300 (7 times) and 100 (4 times)",
    }.items():
        assert explorable.summaries[sizes].endswith(f" between 100 and 300. κ² is also {listed}.")
