"""The listing of a figure: what it must show, what must not matter, and who gets to see it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from few import few
from IPython.core.formatters import DisplayFormatter
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle

import nclib as nc
from nclib.views import figures, style
from nclib.views.listing import Listed, listing


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def listed(draw, **limits):
    """Lines of the listing of a figure with one panel, 10 by 10, without the first one."""
    figure = Figure()
    axis = figure.subplots()
    axis.set(**{"xlim": (0, 10), "ylim": (0, 10)} | limits)
    draw(axis)
    first, *lines = listing(figure).split("\n")
    assert first.startswith("axes 1: x")
    return lines


class TestWords:
    def test_titles_labels_scales_limits_and_ticks(self):
        figure = Figure()
        left, right = figure.subplots(1, 2)
        left.set_title("First\nhalf", loc="left")
        left.set_title("right", loc="right")
        left.set(xlabel="epoch", xscale="log", ylabel="gap", ylim=(0, 5))
        right.set_yticks([0, 2.5], ["none", "some"])
        right.set_xticks([1, 2])  # its numbers are no words
        right.invert_yaxis()
        figure.suptitle("Above")
        figure.supxlabel("below")
        assert listing(figure).split("\n") == [
            'axes 1: title "First / half", title "right", x "epoch" log, y "gap" from 0 to 5',
            'axes 2: y turned round with "none" at 0, "some" at 2.5',
            'words: "Above"',
            'words: "below"',
        ]

    def test_words_at_hidden_ticks_are_not_seen(self):
        figure = Figure()
        axis = figure.subplots()
        axis.set_xticks([0, 1], ["a", "b"])
        axis.tick_params(labelbottom=False)
        assert listing(figure) == ""

    def test_axes_that_are_off_show_their_title_and_what_is_in_them(self):
        figure = Figure()
        axis = figure.subplots()
        axis.set(xlim=(0, 1), xlabel="unseen", title="seen")
        axis.axis("off")
        axis.plot(1, 1, "x", color="red")
        assert listing(figure) == 'axes 1: title "seen"\n  x #ff0000: (1, 1)'

    def test_texts_stand_where_they_point(self):
        def draw(axis):
            axis.text(3, 4, "data")
            axis.text(0.5, 0.25, "share", transform=axis.transAxes)
            axis.annotate("note", (1.2345, 2), xytext=(8, 8), textcoords="offset points")
            axis.annotate("", (5, 6), (1, 1), arrowprops={"arrowstyle": "->"})
            axis.text(1, 1, "hidden", visible=False)

        assert listed(draw) == [
            (
                '  words: "data" at (3, 4), "share" at (0.5, 0.25), "note" at (1.23, 2), '
                "arrow from (1, 1) to (5, 6)"
            )
        ]

    def test_legends_say_what_each_look_means(self):
        figure = Figure()
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], "--", color="#123456", label="theorem")
        axis.legend()
        handles = [
            plt.Line2D([], [], marker="o", ls="", mfc="white", mec="#999999", label="ring"),
            plt.Rectangle((0, 0), 1, 1, color="#00ff00", label="area"),
        ]
        figure.legend(handles=handles)
        assert listing(figure).split("\n") == [
            "axes 1:",
            "  -- #123456: (0, 0), (1, 1)",
            '  legend: -- #123456 "theorem"',
            'legend: o #999999 filled #ffffff "ring", #00ff00 "area"',
        ]


class TestLines:
    def test_dash_mark_and_colours(self):
        def draw(axis):
            axis.plot([1, 2], [3, 4], "o-", color="#0072b2")
            axis.plot([1, 2], [3, 5], "s", color="#0072b2", mfc="none")
            axis.plot([1], [3], "x", color="red")
            axis.plot([1, 2], [3, 6], "o", color="#0072b2", fillstyle="none")

        assert listed(draw) == [
            "  -o #0072b2: (1, 3), (2, 4)",
            "  s #0072b2 filled none: (1, 3), (2, 5)",
            "  x #ff0000: (1, 3)",
            "  o #0072b2: (1, 3), (2, 6)",
        ]

    def test_marks_that_were_drawn_one_by_one_are_one_group(self):
        def draw(axis):
            for x in range(3):
                axis.plot(x, 2 * x, "o", color="black")
                axis.plot(x, x, "x", color="red")

        assert listed(draw) == [
            "  o #000000: (0, 0), (1, 2), (2, 4)",
            "  x #ff0000: (0, 0), (1, 1), (2, 2)",
        ]

    def test_lines_through_the_axes(self):
        def draw(axis):
            axis.axhline(2.5, color="black", ls=":")
            axis.axvline(7, color="black", ls=":")
            axis.axhline(3, color="black", ls=":")

        assert listed(draw) == ["  : #000000, through y = 2.5, 3", "  : #000000, through x = 7"]

    def test_of_many_points_the_range_the_mean_and_twelve(self):
        x = np.linspace(0, 10, 111)
        (line,) = listed(lambda axis: axis.plot(x, x**2 / 10, color="black"))
        # Every tenth of 0, 1/11, ..., 10; the mean of k^2 / 10 * (1/11)^2 over k = 0..110.
        mean = 110 * 111 * 221 / 6 / 111 / 1210
        points = [
            f"({np.round(10 * k / 11, 2):g}, {np.round(k**2 / 12.1, 2):g})" for k in range(12)
        ]
        assert line == (
            f"  - #000000: 111 points, x 0 to 10 (mean 5), y 0 to 10 (mean {mean:.2f}): "
            + ", ".join(points)
        )

    def test_the_mean_on_a_logarithmic_axis_is_the_geometric_one(self):
        y = np.geomspace(1, 1e6, 25)
        (line,) = listed(lambda axis: axis.plot(np.ones(25), y, "-", color="k"), yscale="log")
        assert "y 1 to 1000000 (mean 1000): (1, 1), " in line

    @pytest.mark.parametrize(("number", "written"), [(3, 12), (4, 4)])
    def test_of_more_than_three_curves_of_one_look_fewer_points(self, number, written):
        x = np.linspace(0, 10, 20)
        lines = listed(lambda axis: [axis.plot(x, x + k, color="k") for k in range(number)])
        assert [line.count("), (") + 1 for line in lines] == [written] * number

    def test_each_direction_is_as_fine_as_its_own_axis(self):
        assert listed(
            lambda axis: axis.plot([1.2345, 2], [123.45, 600], color="k"), ylim=(0, 1000)
        ) == ["  - #000000: (1.23, 123), (2, 600)"]

    def test_where_all_is_missing_there_is_nothing(self):
        (line,) = listed(lambda axis: axis.plot(np.arange(20), np.full(20, np.nan), color="k"))
        assert "y nothing (20 missing): (0, nan), " in line

    def test_gaps_are_counted(self):
        y = np.where(np.arange(20) < 5, np.nan, 4.0)
        (line,) = listed(lambda axis: axis.plot(np.arange(20), y, color="k"))
        assert "y 4 to 4 (mean 4) (5 missing): (0, nan), " in line

    def test_what_is_not_seen_is_not_listed(self):
        def draw(axis):
            axis.plot([1, 2], [1, 2], visible=False)
            axis.plot([], [], label="handle")

        assert listed(draw) == []

    def test_of_runs_only_the_ends(self):
        figure = Listed()
        above, below = figure.subplots(2, 1)
        above.set_yscale("log")
        figure.runs += above.plot([1, 2, 3], [9, 0.1, 3e-15], color="k")
        figure.runs += above.plot([1, 2], [9, 0.25], color="k")
        below.set_ylim(0, 10)
        figure.runs += below.plot([1, 2, 3], [[5, 6], [4, 3], [2, 1]], color="k")
        figure.runs += below.plot([3.5, 3.5], [2, 1], "<", color="k")
        assert listing(figure).split("\n") == [
            "axes 1: y log",
            "  - #000000, a run: ends at less than 1e-10, 0.25",
            "axes 2: y from 0 to 10",
            "  - #000000, a run: ends at 2, 1",
            "  < #000000, a run: ends at 2, 1",
        ]

    def test_of_what_was_trained_here_only_how_much(self):
        figure = Listed()
        axis = figure.subplots()
        figure.trained += axis.plot([1, 2, 3], [9, 0.1, 0.02], "o", color="k")
        axis.plot([1, 2], [3, 4], "s", color="k")
        assert listing(figure).split("\n") == [
            "axes 1:",
            "  o #000000, trained here: 3 points",
            "  s #000000: (1, 3), (2, 4)",
        ]


class TestShapes:
    def test_bars_and_boxes(self):
        def draw(axis):
            axis.bar([1, 2], [3, 4], width=0.5, color="red")
            axis.barh(7, 6, left=2, height=1, color="blue")
            axis.axhspan(8, 9, color="red")
            axis.add_patch(Circle((5, 5), 1, color="green"))

        lines = listed(draw)
        assert lines[:4] == [
            "  boxes #ff0000, from (0.75, 0), (1.75, 0)",
            "  boxes #ff0000, to (1.25, 3), (2.25, 4)",
            "  boxes #0000ff, from (2, 6.5)",
            "  boxes #0000ff, to (8, 7.5)",
        ]
        assert lines[-2:] == ["  boxes #008000, from (4, 4)", "  boxes #008000, to (6, 6)"]
        assert lines[4:6] == ["  boxes #ff0000, from (0, 8)", "  boxes #ff0000, to (1, 9)"]

    def test_strokes_spots_and_areas(self):
        def draw(axis):
            axis.vlines([1, 2], [0, 0], [3, 4], color="red")
            axis.scatter([5, 6], [7, 8], color="blue")
            axis.fill_between([0, 1], [2, 2], [3, 4], color="green", lw=0)

        lines = listed(draw)
        assert lines[:3] == [
            "  strokes #ff0000, from (1, 0), (2, 0)",
            "  strokes #ff0000, to (1, 3), (2, 4)",
            "  spots #0000ff: (5, 7), (6, 8)",
        ]
        assert len(lines) == 4
        assert lines[3].startswith("  area #008000: ")
        for corner in ("(0, 2)", "(1, 2)", "(1, 4)", "(0, 3)"):
            assert corner in lines[3]

    def test_a_stroke_goes_from_its_first_point_to_its_last(self):
        bent = LineCollection([[(1, 2), (3, 4), (5, 2)]], color="red")
        assert listed(lambda axis: axis.add_collection(bent)) == [
            "  strokes #ff0000, from (1, 2)",
            "  strokes #ff0000, to (5, 2)",
        ]

    def test_images(self):
        table = [[1.0, -0.5], [np.nan, 0.25]]
        (line,) = listed(lambda axis: axis.imshow(table, cmap="PuOr", vmin=-1, vmax=1))
        assert line == (
            "  image, 2 x 2 cells, PuOr from -1 to 1, -0.5 to 1 (mean 0.25) (1 missing): "
            "1 -0.5; nan 0.25; over -0.5, 1.5, 1.5, -0.5"
        )

    def test_meshes_with_their_edges_and_colours_without_a_name(self):
        colors = ListedColormap(["#ff0000", "#0000ff"])
        (line,) = listed(
            lambda axis: axis.pcolormesh([1, 2, 4], [3, 9], [[0, 1]], cmap=colors),
        )
        assert line == (
            "  mesh, 1 x 2 cells, #ff0000 #0000ff from 0 to 1, 0 to 1 (mean 0.5): 0 1; "
            "edges at x 1, 2, 4; at y 3, 9"
        )

    def test_edges_of_a_mesh_are_as_fine_as_their_axes(self):
        (line,) = listed(
            lambda axis: axis.pcolormesh([1.2345, 2, 4], [123.45, 600], [[0, 1]]), ylim=(0, 1000)
        )
        assert line.endswith("edges at x 1.23, 2, 4; at y 123, 600")

    def test_an_image_of_zeros(self):
        (line,) = listed(lambda axis: axis.imshow([[0, 0]]))
        assert "viridis from 0 to 0, 0 to 0 (mean 0): 0 0; over" in line

    def test_large_tables_show_eight_rows_and_columns(self):
        table = np.arange(15)[:, None] * 100.0 + np.arange(15)
        (line,) = listed(lambda axis: axis.imshow(table))
        assert "15 x 15 cells, viridis from 0 to 1414, 0 to 1414 (mean 707): 0 2 4 6" in line
        assert "; 1400 1402 1404 1406 1408 1410 1412 1414; over" in line

    def test_a_bar_of_colours_is_its_label_and_its_limits(self):
        figure = Figure()
        axis = figure.subplots()
        image = axis.imshow([[1, 2], [3, 4]])
        figure.colorbar(image).set_label("share")
        assert listing(figure).split("\n")[-1] == 'axes 2: x from 0 to 1, y "share" from 1 to 4'


class TestNumbers:
    """As fine as the eye can see, and the same for every last bit."""

    @pytest.mark.parametrize(
        ("limits", "value", "text"),
        [
            ((0, 1), 0.12345, "0.123"),
            ((0, 10), 0.12345, "0.12"),
            ((0, 9.9), 0.12345, "0.123"),
            ((0, 1000), 123.45, "123"),
            ((0, 300_000), 123_456, "123500"),
            ((1000, 1001), 1000.1234, "1000.123"),
            ((-1e-5, 1e-5), 1.23456e-6, "1.23e-06"),
            ((0, 10), -1e-12, "0"),
            ((0, 10), 1e300, "1e+300"),
            ((0, 10), np.inf, "inf"),
        ],
    )
    def test_an_axis_says_how_fine(self, limits, value, text):
        (line,) = listed(lambda axis: axis.text(0, value, "here"), ylim=limits)
        assert line == f'  words: "here" at (0, {text})'

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.00123456, "0.001235"),
            (9.99999, "10"),
            (123456, "123500"),
            (0, "0"),
            (-0.0, "0"),
            (2e-17, "2e-17"),
        ],
    )
    def test_on_a_logarithmic_axis_four_digits(self, value, text):
        (line,) = listed(lambda axis: axis.text(0, value, "here"), ylim=(0.1, 1), yscale="log")
        assert line == f'  words: "here" at (0, {text})'

    @pytest.mark.parametrize("scale", ["linear", "log"])
    @pytest.mark.parametrize("seed", few(range(20), range(4)))
    def test_rounding_of_another_cpu_does_not_matter(self, seed, scale):
        """Ties are drawn on purpose: half a step of the axis, and five digits that end in 5."""
        rng = np.random.default_rng(seed)
        ties = rng.integers(1, 10_000, 40) / 1000 + 0.0005
        values = np.concatenate([ties, rng.uniform(0.01, 10, 40), [0.0] * (scale == "linear")])

        def lines(noise):
            y = values * (1 + 1e-13 * noise) + 1e-14 * noise * (scale == "linear")

            def draw(axis):
                axis.plot(np.arange(len(y)) / 10, y, color="k")
                for x, height in enumerate(y[::4]):
                    axis.plot(x / 10, height, "o", color="k")
                axis.text(y[0], y[1], "words")
                axis.imshow(y[:80].reshape(8, 10), vmin=-10, vmax=10)
                axis.bar(y[:5], y[5:10])

            return listed(draw, yscale=scale)

        expected = lines(np.zeros(len(values)))
        assert all(lines(rng.uniform(-1, 1, len(values))) == expected for _ in range(5))

    def test_a_picture_of_the_book_drawn_with_noise_is_the_same(self):
        best = nc.global_minimizer(nc.Problem([60, 30, 10], 3, lambda_W=5e-3, lambda_H=5e-3))
        lambdas = np.geomspace(1e-4, 1e-2, 300)
        lengths = np.linspace(3, 0, 300)[:, None] * [1.0, 0.5]
        noise = 1 + 1e-13 * np.random.default_rng(0).standard_normal((300, 1))

        def drawn(noise):
            args = (lambdas * noise[:, 0], lengths * noise, lengths / noise, ["a", "b"], "λ")
            return listing(figures.lengths_against_lambda(*args))

        assert drawn(noise) == drawn(np.ones((300, 1)))
        assert listing(figures.mode_spectra([best], "a")) == listing(
            figures.mode_spectra([best], "a")
        )


class TestWhatShows:
    """Anything that a reader could see to be wrong changes the listing."""

    CHANGES = {  # noqa: RUF012
        "a curve that is one percent higher": lambda axis: axis.lines[0].set_ydata(
            1.01 * np.linspace(0, 8, 400)
        ),
        "another colour": lambda axis: axis.lines[0].set_color("#0072b3"),
        "another mark": lambda axis: axis.lines[1].set_marker("x"),
        "another dash": lambda axis: axis.lines[0].set_linestyle("--"),
        "a mark left out": lambda axis: axis.lines[1].remove(),
        "a mark moved": lambda axis: axis.lines[1].set_xdata([3.05]),
        "an image turned round": lambda axis: axis.images[0].set_data([[3, 4], [1, 2]]),
        "other limits of its colours": lambda axis: axis.images[0].set_clim(0, 3),
        "another scale of its colours": lambda axis: axis.images[0].set_norm(LogNorm(1, 3)),
        "other colours": lambda axis: axis.images[0].set_cmap("PuOr"),
        "an area that is lower": lambda axis: axis.fill_between([0, 1], 0, 2),
        "another word": lambda axis: axis.texts[0].set_text("dies"),
        "a word elsewhere": lambda axis: axis.texts[0].set_position((2, 3)),
        "another title": lambda axis: axis.set_title("Columns of W"),
        "another label": lambda axis: axis.set_xlabel("λ_H"),
        "another scale": lambda axis: axis.set_yscale("symlog"),
        "other limits": lambda axis: axis.set_ylim(0, 9),
        "another entry of the legend": lambda axis: axis.get_legend().texts[0].set_text("no"),
        "a bar that is higher": lambda axis: axis.patches[0].set_height(3.1),
    }

    @staticmethod
    def draw():
        figure = Figure()
        axis = figure.subplots()
        axis.imshow([[1, 2], [3, 4]], vmin=0, vmax=4)
        axis.plot(np.linspace(0, 10, 400), np.linspace(0, 8, 400), color="#0072b2", label="yes")
        axis.plot(3, 4, "o", color="k")
        axis.bar([5], [3])
        axis.text(2, 2, "lives")
        axis.set(xlim=(0, 10), ylim=(0, 10), title="Rows of W", xlabel="λ_W", aspect="auto")
        axis.legend()
        return figure, axis

    @pytest.mark.parametrize("change", CHANGES)
    def test_it(self, change):
        before = listing(self.draw()[0])
        figure, axis = self.draw()
        assert listing(figure) == before
        self.CHANGES[change](axis)
        assert listing(figure) != before


class TestWhoSeesIt:
    def bundle(self, figure):
        formatter = DisplayFormatter()
        # What the inline backend of notebooks registers.
        formatter.formatters["image/png"].for_type(Figure, lambda figure: b"a picture")
        data, _ = formatter.format(figure)
        return data

    def test_the_listing_is_the_text_beside_the_picture(self):
        figure = plt.figure(FigureClass=Listed)
        figure.subplots().set_title("squares")
        data = self.bundle(figure)
        assert data == {"image/png": b"a picture", "text/plain": listing(figure)}
        assert data["text/plain"] == 'axes 1: title "squares"'

    def test_other_figures_are_left_alone(self):
        assert self.bundle(Figure())["text/plain"].startswith("<Figure size")

    def test_every_panel_of_a_new_figure_is_listed(self):
        figure, axes = style.new_figure(2, 3, height=4.0)
        for number, axis in enumerate(axes):
            axis.set_title(f"panel {number}")
        assert [line.partition(": ")[2] for line in listing(figure).split("\n")] == [
            f'title "panel {number}"' for number in range(6)
        ]
        assert axes[1].get_subplotspec().colspan.start == 1

    def test_listing_does_not_change_what_is_drawn(self):
        """The listing is made before the picture, and asks for limits that are not settled yet."""

        def pixels(figure):
            figure.canvas.draw()
            return np.asarray(figure.canvas.buffer_rgba())

        counts = nc.ClassCounts([60, 30, 10])
        for draw in (
            lambda: figures.death_spread(counts),
            lambda: figures.count_profiles({"a": counts}),
        ):
            untouched, read = draw(), draw()
            listing(read)
            np.testing.assert_array_equal(pixels(read), pixels(untouched))
