"""Tables that show themselves."""

from made_results import made

from nclib.views.tables import ends_of_runs, table


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
