"""Tables that show themselves."""

from made_results import made

from nclib.views.tables import ends_of_runs, table, ways_of_runs


def test_text_is_in_columns_numbers_to_the_right():
    shown = repr(
        table("Counts", ["class", "samples", "what"], [("a", 5, "right"), ("bc", 120, "")])
    )
    assert shown.splitlines() == [
        "Counts",
        "class  samples  what",
        "a            5  right",
        "bc         120",
    ]


def test_html_names_rows_and_columns_and_escapes():
    html = table("A < B", ["x", "y"], [("<i>", 1)])._repr_html_()
    assert "<caption>A &lt; B</caption>" in html
    assert '<th scope="col">y</th>' in html
    assert '<th scope="row">&lt;i&gt;</th><td>1</td>' in html


def test_equal_is_what_shows_the_same():
    assert table("a", ["x"], [[1]]) == table("a", ("x",), [(1,)])
    assert table("a", ["x"], [[1]]) != table("a", ["x"], [[2]])


def test_the_ends_of_runs_are_the_worst_of_each_depth():
    groups = {
        "digits": [made(depth=1), made(depth=3, seed=0), made(depth=3, seed=2)],
        "letters": [made(depth=3, alive=2, bias=False)],
    }
    shown = ends_of_runs("How close", groups)
    assert [row[:4] for row in shown.rows] == [
        ("digits", 1, 1, "3/3"),
        ("digits", 3, 2, "3/3"),
        ("letters", 3, 1, "2/4"),
    ]
    # At epoch 10 the size is (1 + seed) / 11; NC1 is one time that, NC2 at most 4 times, NC3 5.
    assert shown.rows[1][4:] == ("3e-01", "3e-01", "1.091", "1.364")
    assert shown.columns[4:] == ("gap", "NC1", "NC2", "NC3")


def test_a_metric_that_a_run_lacks_is_blank():
    run = made(depth=3)
    del run.reached["metrics"]["nc3"]
    run.reached["metrics"]["nc2_h"] = None
    assert ends_of_runs("How close", {"digits": [run, made(depth=3)]}).rows[0][6:] == ("", "")


def test_the_ways_of_runs_say_when_the_last_of_them_met_the_aims():
    # A curve is level (1 + seed) (1 + k) / (1 + epoch), with k = 4 for NC3 and 0 for the gap: the
    # gap meets its aim last. 1e-3 is met from 1 + epoch > 1000 level (1 + seed) on.
    groups = {
        "narrow": [made(level=2.5e-3), made(level=2.5e-3, seed=1), made(depth=1, level=2e-4)],
        "wide": [made(level=5e-3, epochs=[0, 3, 7]), made(depth=1, level=1)],
    }
    shown = ways_of_runs("How fast", "width", groups)
    assert shown.columns[:5] == ("L", "width", "runs", "epochs", "to the aims")
    assert [row[:5] for row in shown.rows] == [
        (1, "narrow", 1, "10", "0"),
        (1, "wide", 1, "10", ""),
        (3, "narrow", 2, "10", "5"),
        (3, "wide", 1, "7", "7"),
    ]
    assert [row[8] for row in shown.rows] == ["50"] * 4


def test_a_row_says_the_least_and_the_largest_of_its_runs():
    runs = [made(seed=0), made(seed=1, epochs=[0, 4])]
    runs[0].final["test_accuracy"], runs[1].final["test_accuracy"] = 0.96, 0.25
    (row,) = ways_of_runs("How fast", "width", {"8": runs}).rows
    assert (row[3], row[8]) == ("4 to 10", "25 to 96")


def test_a_run_that_leaves_the_aims_counts_from_its_return():
    aims = {"gap": 1e-3, "nc2_w": 0.01, "nc2_h": 0.01, "nc3": 0.03}

    def way(run, alive=3):
        return run.epochs_within(aims, alive)

    assert way(made(level=1e-6)) == 0
    for spoil, value in (("nc3", 0.03), ("nc2_h", 0.01), ("nc2_w", None)):
        run = made(level=1e-6)
        run.history[2]["metrics"]["corrected"][spoil] = value
        assert way(run) == 5
    run = made(level=1e-6)
    run.history[3]["alive"] -= 1
    assert way(run) == 10
    assert way(run, alive=2) is None
    assert made(level=1e-6).epochs_within({"train_accuracy": 0.9}, 3) is None


def test_a_run_without_new_images_is_not_all_wrong_on_them():
    run, other = made(), made(seed=1)
    run.final["test_accuracy"] = None
    other.final["test_accuracy"] = 0.5
    shown = ways_of_runs("How fast", "width", {"none": [run], "some": [run, other]})
    assert [row[-1] for row in shown.rows] == ["", "50"]
