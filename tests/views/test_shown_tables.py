"""Tables that show themselves."""

from nclib.views.tables import table


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
