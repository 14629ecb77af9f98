"""Sandboxes: what they draw and say for the values of their controls, against the library."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import lines_with

import nclib as nc
from nclib.views import sandbox, style

CIFAR = nc.ClassCounts.cifar10_paper()

# What people type, and what the library says of it.
BAD_COUNTS = [
    ("", "got 0; class counts are positive whole numbers"),
    ("5", "got 1; class counts are positive whole numbers"),
    ("5, 0, 3", "n[1] = 0: "),
    ("5 -2 3", "n[1] = -2: "),
    ("1.5, 2", "n[0] = 1.5: "),
    ("3, abc", "n[1] = 'abc' is not a number"),
    ("nan, 2", "n[0] = nan: "),
    ("9007199254740992, 1", "n[0] = 9007199254740992: "),
    ("9" * 5000 + ", 1", "n[0] = inf: "),
]


def html(box):
    """What the widget shows as a picture, and as words."""
    return box._picture.value, box._words.value


def drawn_z(box):
    """Height of every mark of a surviving mode."""
    (axis,) = box.answer.figure.axes
    color = style.DEPTH_COLORS[box.answer.result.problem.depth]
    return np.concatenate([line.get_ydata() for line in lines_with(axis, color=color)])


class TestOptimum:
    def test_first_picture_is_that_of_the_arguments(self):
        # Balanced, one layer: z = sqrt(n) - N sqrt(lambda_W lambda_H).
        box = sandbox.optimum([100] * 3, depth=1, lambda_W=0.01, lambda_H=0.01)
        np.testing.assert_allclose(drawn_z(box), [7.0, 7.0])
        assert box.words == (
            "2 of 2 modes are alive, 3 of 3 classes are classified right, and 0 have merged with "
            "another. The first class is lost when all penalties are multiplied by 3.33, the first "
            "mode dies at 3.33."
        )

    def test_the_margin_is_that_of_the_weakest_class_and_the_death_that_of_the_weakest_mode(self):
        # Without a bias, one layer: class k and its mode die at sqrt(n_k) / (N lambda).
        n, lam = [400, 100, 25, 9], 1e-3
        box = sandbox.optimum(n, 1, bias=False, lambda_W=lam, lambda_H=lam)
        weakest = 3 / (534 * lam)
        assert (
            f"lost when all penalties are multiplied by {weakest:.3g}, the first mode dies at "
            f"{weakest:.3g}."
        ) in box.words
        # With one and two classes: lost at N / (2 n_1) of the death, sqrt(2 n_1 n_2 / N) / (N lam).
        box = sandbox.optimum([900, 100], 1, lambda_W=lam, lambda_H=lam)
        death = np.sqrt(180) / (1000 * lam)
        assert (
            f"multiplied by {death * 1000 / 1800:.3g}, the first mode dies at {death:.3g}."
        ) in box.words
        # The weakest of the real ones: the null mode of a bias was never alive.
        box = sandbox.optimum([300, 200, 200], 1, lambda_W=lam, lambda_H=lam)
        assert box.words.endswith(f"the first mode dies at {np.sqrt(200) / (700 * lam):.3g}.")

    @pytest.mark.parametrize(
        ("control", "value", "problem"),
        [
            ("counts", "60, 10, 10", nc.Problem([60, 10, 10], 3, lambda_W=5e-4, lambda_H=1e-5)),
            ("depth", 6, nc.Problem(CIFAR, 6, lambda_W=5e-4, lambda_H=1e-5)),
            ("bias", False, nc.Problem(CIFAR, 3, bias=False, lambda_W=5e-4, lambda_H=1e-5)),
            ("lambda_W", 0.01, nc.Problem(CIFAR, 3, lambda_W=0.01, lambda_H=1e-5)),
            ("lambda_H", 0.5, nc.Problem(CIFAR, 3, lambda_W=5e-4, lambda_H=0.5)),
        ],
    )
    def test_each_control_moves_the_picture_the_words_and_the_result(self, control, value, problem):
        box = sandbox.optimum(CIFAR)
        before = html(box)
        box.controls[control].value = value
        best = nc.global_minimizer(problem)
        assert box.answer.result.problem == problem
        np.testing.assert_allclose(drawn_z(box), best.z[best.survives], rtol=1e-12)
        assert box.words.startswith(f"{best.alive} of ")
        assert all(new != old for new, old in zip(html(box), before, strict=True))

    def test_a_depth_without_a_colour_of_its_own_is_drawn(self):
        box = sandbox.optimum(CIFAR)
        box.controls["depth"].value = 7
        (axis,) = box.answer.figure.axes
        marks = lines_with(axis, color=style.INK, marker="o", linestyle="None")
        best = nc.global_minimizer(nc.Problem(CIFAR, 7, lambda_W=5e-4, lambda_H=1e-5))
        np.testing.assert_allclose(marks[0].get_ydata(), best.z[best.survives])

    def test_wrong_and_merged_classes_are_counted(self):
        # Chapter 1: the rare classes are answered wrong, but apart; a little later they merge.
        box = sandbox.optimum([60, 10, 10], 1, lambda_W=0.039, lambda_H=0.039)
        assert box.words.startswith(
            "2 of 2 modes are alive, 1 of 3 classes is classified right, and 0 have merged"
        )
        box.controls["lambda_W"].value = 0.045
        assert "and 2 have merged" in box.words


class TestInput:
    @pytest.mark.parametrize(
        "text", ["3, 2, 1", "3 2 1", "3\n2\n1\n", "[3, 2, 1]", "3;2;1", "3.0 2 1"]
    )
    def test_counts_are_read_as_people_paste_them(self, text):
        box = sandbox.spectrum([9, 9])
        box.controls["counts"].value = text
        assert box.answer.result.counts == nc.ClassCounts([3, 2, 1])

    @pytest.mark.parametrize(("text", "message"), BAD_COUNTS, ids=lambda text: text[:20])
    def test_bad_counts_show_the_message_of_the_library(self, text, message):
        box = sandbox.spectrum([3, 2])
        box.controls["counts"].value = text
        assert message in box.words
        assert message.replace("'", "&#x27;") in html(box)[1]

    @pytest.mark.parametrize("make", [sandbox.optimum, sandbox.descent, sandbox.spectrum])
    def test_bad_counts_leave_no_picture_until_they_are_mended(self, make):
        box = make([3, 2])
        box.controls["counts"].value = "3, 0"
        assert "n[1] = 0" in box.words
        assert box.answer is None
        assert not html(box)[0]
        box.controls["counts"].value = "3, 2, 1"
        assert html(box)[0].startswith("<img")
        assert "n[1]" not in box.words

    def test_what_is_typed_is_not_taken_for_markup(self):
        box = sandbox.spectrum([3, 2])
        box.controls["counts"].value = "3, <b>2</b>"
        assert "<b>" not in html(box)[1]
        assert "&lt;b&gt;" in html(box)[1]

    @pytest.mark.parametrize(("make", "most"), [(sandbox.spectrum, 1000), (sandbox.descent, 50)])
    def test_more_classes_than_can_be_shown_are_refused(self, make, most):
        box = make([3, 2])
        box.controls["counts"].value = "7 " * (most + 1)
        assert box.words == f"this sandbox takes up to {most:,} classes; got {most + 1:,}"

    def test_as_many_classes_as_can_be_shown_are_drawn(self):
        box = sandbox.spectrum([3, 2])
        box.controls["counts"].value = "7 " * 1000
        assert box.answer.result.counts.K == 1000

    def test_bad_arguments_raise(self):
        with pytest.raises(ValueError, match=r"n\[1\] = 0"):
            sandbox.optimum([3, 0])


class TestDescent:
    def test_the_picture_is_that_of_descend(self):
        problem = nc.Problem([20, 10, 10], 2, bias=False, lambda_W=1e-3, lambda_H=2e-3)
        box = sandbox.descent([20, 10, 10], 2, bias=False, lambda_W=1e-3, lambda_H=2e-3)
        box.controls["seed"].value = 3
        box.controls["scale"].value = 0.3
        found = nc.descend(problem, starts=1, seed=3, scale=0.3, class_means=True)
        above, below = box.answer.figure.axes
        np.testing.assert_array_equal(above.lines[0].get_xdata(), found.path.step + 1)
        lines = lines_with(below, color=style.DESCENT)
        np.testing.assert_allclose(np.transpose([line.get_ydata() for line in lines]), found.path.z)

    def test_the_size_of_the_start_decides_what_is_said(self):
        box = sandbox.descent(CIFAR)
        assert box.words.startswith("The descent found the optimum. Objective 0.0136363")
        box.controls["scale"].value = 0.01
        assert box.words.startswith("Modes stuck at zero: 1, 2, 3, 4, 5, 6, 7, 8, 9. Objective")

    def test_a_minimum_with_too_many_modes_alive_is_not_the_optimum(self):
        # A little past its death the only mode still has a valley of its own.
        unit = nc.Problem([3, 2], 3, lambda_W=1, lambda_H=1)
        lam = 1.03 * nc.collapse_factors(unit)[0]
        box = sandbox.descent([3, 2], 3, lambda_W=lam, lambda_H=lam)
        assert not box.answer.result.stuck
        assert box.answer.result.gap > 1e-3
        assert box.words.startswith("The descent ended elsewhere.")


class TestSpectrum:
    def test_rings_are_the_eigenvalues_of_the_label_covariance(self):
        n = np.array([50, 30, 30, 5])
        box = sandbox.spectrum([2, 1])
        box.controls["counts"].value = ", ".join(map(str, n))
        covariance = np.diag(n) - np.outer(n, n) / n.sum()
        expected = np.linalg.eigvalsh(covariance)[:0:-1]
        (axis,) = box.answer.figure.axes
        (rings,) = lines_with(axis, marker="o")
        np.testing.assert_allclose(rings.get_ydata(), expected)
        assert f"κ² = {expected[0]:.6g}, largest count 50" in box.words
        assert f"κ² = {expected[-1]:.6g}, smallest count 5" in box.words

    def test_balanced_counts_are_drawn_in_the_middle(self):
        low, high = sandbox.spectrum([7] * 5).answer.figure.axes[0].get_ylim()
        assert low < 7 < high
        assert low * high == pytest.approx(49)


class TestShown:
    def test_moving_a_control_redraws_once(self, monkeypatch):
        drawn = []
        monkeypatch.setattr(sandbox, "global_minimizer", lambda p: drawn.append(p) or best(p))
        best = nc.global_minimizer
        box = sandbox.optimum(CIFAR)
        drawn.clear()
        for control, value in [
            ("lambda_W", 1e-3),
            ("depth", 2),
            ("counts", "3 2"),
            ("bias", False),
        ]:
            box.controls[control].value = value
            assert len(drawn) == 1
            drawn.clear()
        box.controls["bias"].value = False
        assert not drawn

    def test_a_slider_speaks_when_it_is_let_go(self):
        for control in sandbox.descent(CIFAR).controls.values():
            assert control.description
            assert not getattr(control, "continuous_update", False)

    def test_a_box_begins_with_its_defaults_and_reaches_from_end_to_end(self):
        controls = sandbox.descent(CIFAR).controls
        assert {name: control.value for name, control in controls.items()} == {
            "counts": ", ".join(map(str, CIFAR.n)),
            "depth": 3,
            "bias": True,
            "lambda_W": 5e-4,
            "lambda_H": 1e-5,
            "seed": 0,
            "scale": 1.0,
        }
        ends = {
            name: (control.min, control.max)
            for name, control in controls.items()
            if hasattr(control, "min")
        }
        # Those of a logarithmic one are powers of ten.
        assert ends == {
            "depth": (1, 10),
            "lambda_W": (-7, 0),
            "lambda_H": (-7, 0),
            "seed": (0, 99),
            "scale": (-3, 1),
        }
        # Twenty steps from a power of ten to the next.
        assert {controls[name].step for name in ("lambda_W", "lambda_H", "scale")} == {0.05}

    def test_a_picture_is_as_wide_as_its_letters_ask_for_where_there_is_room(self):
        assert "width: 520px; max-width: 100%" in html(sandbox.spectrum([3, 2]))[0]

    def test_the_picture_says_what_is_seen(self):
        box = sandbox.optimum(CIFAR)
        assert f'alt="{box.words}"' in html(box)[0]

    def test_output_is_a_widget_and_what_stays_without_a_kernel(self, monkeypatch):
        shown = []
        monkeypatch.setattr(sandbox, "display", lambda data, raw: shown.append(data))
        box = sandbox.optimum(CIFAR)
        box._ipython_display_()
        picture, words = shown
        view = "application/vnd.jupyter.widget-view+json"
        assert set(picture) == {view, "image/svg+xml", "text/plain"}
        assert set(words) == {view, "text/markdown", "text/plain"}
        assert picture["image/svg+xml"].startswith("<svg ")
        assert words["text/markdown"].startswith(box.words)
        assert "`make lab`" in words["text/markdown"]
        shown.clear()
        sandbox.optimum(CIFAR)._ipython_display_()
        assert shown[0]["image/svg+xml"] == picture["image/svg+xml"]

    def test_bad_input_cannot_be_shown_as_a_picture(self):
        box = sandbox.spectrum([3, 2])
        box.controls["counts"].value = "3"
        with pytest.raises(ValueError, match="nothing to show: n must hold 2"):
            box._ipython_display_()

    def test_no_figure_stays_open(self):
        # Other tests of this process may have left theirs.
        before = plt.get_fignums()
        box = sandbox.descent([3, 2])
        box.controls["seed"].value = 1
        assert plt.get_fignums() == before
