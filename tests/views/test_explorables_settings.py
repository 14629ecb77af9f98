"""What readers can set in an explorable, what may be dragged, and what its page is told."""

import json
import re
import types

import altair as alt
import numpy as np
import pytest
from every_explorable import ECOLI, explorable
from vega_marks import in_svg

import nclib as nc
from nclib.views.explorables import Explorable, Slider
from nclib.views.explorables.explorable import Handle
from nclib.views.explorables.own import class_outcomes, mode_outcomes
from nclib.views.explorables.relatives import COUNTS

DEPTHS = [1, 2, 3, 4, 5, 6]
GROUP_SIZES = [1, 2, 3, 5, 8, 13, 20, 40, 100]
NORMS = [base * 2**k / 1e6 for k in range(7) for base in (500, 625, 800)][:-2]

# Sliders by their names: what can be chosen, and what is at first.
LISTED = {
    "survival": {"ratio": ([1, 2, 5, 10, 20, 50, 100], 10), "L": (DEPTHS, 3)},
    "one-rule": {"L": (DEPTHS, 1)},
    "norms": {"lambda_W": (NORMS, 0.002), "lambda_H": (NORMS, 0.002)},
    "gram": {
        "ratio": (
            [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 40, 50, 60, 75, 100],
            20,
        ),
        "lambda": ([half / 2000 for half in range(1, 14)], 0.003),
    },
    "lemma": {"L": (DEPTHS, 3), "price": ([step / 20 for step in range(8, 31)], 0.8)},
    "phases": {
        "L": (DEPTHS, 1),
        "ratio": ([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], 100),
    },
    "secular": dict.fromkeys(("l1", "l2", "l3"), (GROUP_SIZES, 2)),
    "data-sets": {
        "L": ([1, 2, 3, 6], 1),
        # Eight to a decade, in two digits.
        "lambda": ([float(f"{10 ** (k / 8):.2g}") for k in range(-48, -10)], 0.0013),
    },
}

# Those in equal ratios, up to what is rounded so that it reads well: from, to, how many, at first.
EQUAL_RATIOS = {
    "survival": ("lambda", 2e-4, 3e-2, 41, 0.00519),
    "phases": ("lambda", 1e-5, 1e-2, 31, 0.0005),
    "remedies": ("lambda", 3e-4, 1.5e-2, 25, 0.0013),
    "relatives": ("lambda", 5e-4, 3.2e-2, 13, 0.004),
}


def sliders_of(shown):
    return {slider.name: slider for slider in shown.sliders}


def made_small(**changes):
    """An explorable of one slider that draws its table."""
    parts = {
        "name": "small",
        "question": "Which?",
        "alt_text": "A point < two points.",
        "sliders": (Slider("a", "A", (1, 2), default=1),),
        "table": {"a": [1, 1, 2, 2], "x": [0.1, 1 / 3, None, 2e-9]},
        "picture": alt.Chart().mark_point().encode(x="x:Q"),
        "summaries": {(1,): "One.", (2,): "Two."},
    }
    return Explorable(**(parts | changes))


class TestPositions:
    @pytest.mark.parametrize("name", LISTED)
    def test_what_can_be_chosen_and_what_is_at_first(self, name):
        sliders = sliders_of(explorable(name))
        for slider, (values, default) in LISTED[name].items():
            assert sliders[slider].values == pytest.approx(values, rel=1e-9)
            assert sliders[slider].default == default

    @pytest.mark.parametrize("name", EQUAL_RATIOS)
    def test_penalties_are_in_equal_ratios(self, name):
        slider, low, high, number, default = EQUAL_RATIOS[name]
        found = sliders_of(explorable(name))[slider]
        assert found.values == pytest.approx(np.geomspace(low, high, number), rel=0.013)
        assert (found.values[0], found.values[-1], found.default) == (low, high, default)

    def test_the_rule_goes_from_no_mode_dead_to_all_dead_at_every_depth(self):
        kappa = np.linalg.svd(nc.effective_label_matrix(ECOLI), compute_uv=False)[:-1]
        depth = np.array(DEPTHS)[:, None]
        # Lemma A.2, solved for lambda.
        dies = (
            (kappa / depth) ** (2 * depth)
            * (depth - 1.0) ** (depth - 1)
            / float(ECOLI.N) ** (depth + 1)
        ) ** (1 / (depth + 1))
        found = sliders_of(explorable("one-rule"))["lambda"]
        expected = np.geomspace(0.8 * dies.min(), 1.2 * dies.max(), 33)
        assert found.values == pytest.approx(expected, rel=0.005)
        assert found.default == found.values[16]

    def test_counts_to_choose_from_are_what_their_names_say(self):
        assert len(explorable("relatives").summaries) == 9 * len(COUNTS) * 13
        spelled = {
            "300, six times": [300] * 6,
            "300 and 30, three times each": [300, 300, 300, 30, 30, 30],
        }
        for name, n in COUNTS.items():
            assert list(n) == (spelled.get(name) or list(map(int, name.split(", "))))

    @pytest.mark.parametrize("name", ["phases", "data-sets"])
    def test_positions_are_written_without_exponents(self, name):
        shown = explorable(name)
        params = shown.chart.to_dict(validate=False)["params"]
        for slider, param in zip(shown.sliders, params, strict=True):
            labels = param["bind"]["labels"]
            assert not any(re.fullmatch(r"[\d.]+e-\d+", label) for label in labels)
            if slider.name in ("L", "lambda", "ratio"):
                assert [float(label) for label in labels] == list(slider.values)


class TestHandles:
    @pytest.mark.parametrize(
        "name", ["survival", "one-rule", "norms", "lemma", "phases", "secular", "curves"]
    )
    def test_a_handle_has_a_place_in_every_state(self, name):
        shown = explorable(name)
        table = shown.table
        assert shown.handles
        for handle in shown.handles:
            names = [slider.name for slider in shown.sliders]
            places = [table[handle.x], *([table[handle.y]] if handle.y in table else [])]
            found = {
                state
                for state, place, *where in zip(
                    zip(*(table[key] for key in names), strict=True),
                    zip(*places, strict=True),
                    *(table[key] for key in handle.where),
                    strict=True,
                )
                if tuple(where) == tuple(handle.where.values()) and None not in place
            }
            assert found == set(shown.summaries)

    @pytest.mark.parametrize("name", ["norms", "secular"])
    def test_a_handle_of_one_height_is_as_high_as_its_mark(self, name):
        shown = explorable(name)
        heights = {round(y, 3) for _, y in in_svg(shown.static)["dot"]}
        assert {handle.y for handle in shown.handles} <= heights


class TestOwnCounts:
    """What can be set depends on the problem that a reader gave."""

    FACTORS = 10 ** (np.arange(-10, 11) / 10)

    def test_penalties_are_multiplied_ten_times_up_and_down_in_equal_ratios(self):
        shown = mode_outcomes(nc.Problem([3, 2], 2, lambda_W=1e-2, lambda_H=1e-2))
        depth, factor = shown.sliders
        assert factor.values == pytest.approx(self.FACTORS, rel=0.013)
        assert (factor.values[0], factor.default, factor.values[-1]) == (0.1, 1, 10)
        assert (list(depth.values), depth.default) == (DEPTHS, 2)

    def test_a_deeper_head_is_among_the_depths(self):
        shown = mode_outcomes(nc.Problem([3, 2], 8, lambda_W=1e-2, lambda_H=1e-2))
        assert (list(shown.sliders[0].values), shown.sliders[0].default) == ([*DEPTHS, 8], 8)

    @pytest.mark.parametrize(
        "problem",
        [
            nc.Problem([3, 2, 2], 2, lambda_W=(1e-2, 2e-2), lambda_H=1e-2),
            nc.Problem([3, 2, 2], 2, lambda_W=1e-2, lambda_H=1e-2, widths=(2, 1)),
            nc.LossProblem([3, 2, 2], nc.CrossEntropy(), lambda_W=1e-2, lambda_H=1e-2),
        ],
        ids=["layers that differ", "a narrow layer", "another loss"],
    )
    def test_the_depth_stays_where_another_would_not_be_defined(self, problem):
        shown = class_outcomes(problem, str)
        assert [slider.name for slider in shown.sliders] == ["factor"]
        assert shown.summaries.keys() == {(factor,) for factor in shown.sliders[0].values}

    def test_of_very_many_counts_the_depth_stays_and_sixty_are_shown(self):
        n = np.arange(101, 0, -1)
        shown = class_outcomes(nc.Problem(n, 1, lambda_W=1e-6, lambda_H=1e-6), str)
        assert [slider.name for slider in shown.sliders] == ["factor"]
        first = np.array(shown.table["n"])[np.array(shown.table["factor"]) == 0.1]
        assert first.size == 60
        assert (first[0], first[-1]) == (101, 1)
        assert set(np.diff(first)) == {-1, -2}

    def test_a_mode_is_dead_from_the_factor_at_which_it_dies(self):
        n, lam = [500, 100, 100], 5e-3
        shown = mode_outcomes(nc.Problem(n, 3, lambda_W=lam, lambda_H=lam))
        table = {name: np.array(column) for name, column in shown.table.items()}
        np.testing.assert_array_equal(table["z"] > 0, table["factor"] < table["dies"])
        # Lemma A.2 with one penalty for all, solved for it.
        L, N = table["L"], float(sum(n))
        dies = (table["kappa"] / L) ** (2 * L) * (L - 1.0) ** (L - 1) / N ** (L + 1)
        np.testing.assert_allclose(table["dies"], dies ** (1 / (L + 1)) / lam, rtol=2e-5)

    def test_classes_that_nothing_tells_apart_are_a_guess(self):
        # Their only mode dies at lambda = sqrt(7) / 14.
        shown = class_outcomes(nc.Problem([7, 7], 1, lambda_W=0.1, lambda_H=0.1), str)
        for factor, kind, says in (
            (1.0, "right", "1 of 1 mode is alive, and 2 of 2 classes are right; the optimum gets"),
            (2.0, "a guess", "0 of 1 mode is alive, and 0 of 2 classes are right, 2 have merged;"),
        ):
            here = [
                outcome
                for depth, at, outcome in zip(
                    *(shown.table[name] for name in ("L", "factor", "outcome")), strict=True
                )
                if (depth, at) == (1, factor)
            ]
            assert set(here) == {kind}
            assert shown.summaries[1, factor].startswith(says)
        assert shown.summaries[1, 2.0].endswith(" 50.0 % of the training samples right.")

    def test_one_class_is_right_and_the_accuracy_is_its_share(self):
        # One layer, N lambda beyond all kappa: the frequent class wins.
        shown = class_outcomes(nc.Problem([500, 100, 93], 1, lambda_W=0.1, lambda_H=0.1), str)
        said = shown.summaries[1, 1.0]
        assert "1 of 3 classes is right, 3 have merged;" in said
        assert f"gets {100 * 500 / 693:.1f} % of the training samples" in said
        outcomes = shown.table["outcome"]
        assert {"right", "wrong"} <= set(outcomes)


class TestParts:
    def test_cells_are_rounded_and_gaps_stay(self):
        small = made_small()
        assert small.table["x"] == (0.1, 0.333333, None, 2e-9)
        assert repr(small) == "Explorable('small')"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"table": {"a": [1, 2], "x": [1.0]}}, "columns of small must have the same length"),
            ({"table": {"x": [1.0]}}, "table of small must have the columns a"),
            ({"table": {"a": [1], "x": [np.inf]}}, "must be finite, or None; got inf"),
            ({"summaries": {(1,): "One."}}, "summaries of small must be one for each"),
            ({"handles": [Handle(("b",), "x", {})]}, "sliders of small must be"),
            ({"plays": "b"}, "sliders of small must be"),
        ],
    )
    def test_parts_that_do_not_fit_are_named(self, changes, message):
        with pytest.raises(ValueError, match=message):
            made_small(**changes)

    def test_a_default_is_one_of_the_positions(self):
        with pytest.raises(ValueError, match="default must be one of the values of a: 3"):
            Slider("a", "A", (1, 2), default=3)


class TestPage:
    """What the HTML of an explorable holds, besides its table."""

    def test_the_picture_has_its_words_for_who_does_not_see_it(self):
        html = made_small().html(scripts=False)
        assert html.count('<svg role="img" aria-label="A point &lt; two points."') == 1
        assert "<figcaption>A: 1. One.</figcaption>" in html

    def test_identifiers_in_pictures_are_their_own(self):
        known = set()
        for name in ("lemma", "secular"):
            static = explorable(name).static
            own = re.findall(r'\sid="([^"]+)"', static)
            assert own
            assert all(one.startswith(f"{name}-") for one in own)
            assert len(own) == len(set(own))
            assert set(re.findall(r"url\(#([^)]+)\)", static)) <= set(own)
            assert not known & set(own)
            known |= set(own)

    @pytest.mark.parametrize(
        ("asker", "brings_scripts"),
        [
            (None, False),
            ({"metadata": {"cellId": "a"}}, True),
            ({"metadata": {}}, False),
            ({}, False),
        ],
        ids=["no kernel", "a frontend", "a tool", "a message without metadata"],
    )
    def test_scripts_come_along_where_a_frontend_asks(self, monkeypatch, asker, brings_scripts):
        shell = None
        if asker is not None:
            kernel = types.SimpleNamespace(get_parent=lambda: asker)
            shell = types.SimpleNamespace(kernel=kernel)
        monkeypatch.setattr("nclib.views.explorables.explorable.get_ipython", lambda: shell)
        monkeypatch.setattr("nclib.views.explorables.explorable.vega_script", lambda: "vega();")
        html = made_small()._repr_html_()
        assert ("vega();" in html) == brings_scripts
        assert (" data-notebook>" in html) == brings_scripts

    @pytest.mark.parametrize(
        ("column", "packed"),
        [
            ([5] * 8, {"of": [5], "each": 8}),
            ([10, 20] * 4, {"of": [10, 20], "each": 1}),
            ([10, 10, 20, 20] * 2, {"of": [10, 20], "each": 2}),
            ([5] * 19 + [6], {"of": [5, 6], "times": [19, 1]}),
            ([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]),
            ([1, 2, 3, 4, 5, 1, 2, 3], [1, 2, 3, 4, 5, 1, 2, 3]),
        ],
    )
    def test_a_column_that_repeats_itself_is_written_short(self, column, packed):
        shown = made_small(table={"a": [1] * 4 + [2] * (len(column) - 4), "x": column})
        content = json.loads(
            re.search(r"application/json\">(.*?)</script>", shown.html(scripts=False), re.DOTALL)[1]
        )
        assert content["columns"]["x"] == packed

    def test_a_sentence_that_comes_twice_is_written_once(self):
        shown = made_small(summaries={(1,): "One <b>.", (2,): "One <b>."})
        html = shown.html(scripts=False)
        assert html.count("One \\u003cb>.") == 1
        assert '"said": [0,0]' in html
