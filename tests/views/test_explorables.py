"""What a page gets of every explorable of the book."""

import itertools
import json
import re

import numpy as np
import pytest
from every_explorable import EXPLORABLES, explorable
from few import few

MAX_BYTES = 300_000

every = pytest.mark.parametrize("name", EXPLORABLES)
# Made twice in every run; where their notebooks run all are made again and compared.
MADE_AGAIN = {"survival", "one-rule", "lemma"}


def states_of(name):
    return list(itertools.product(*(slider.values for slider in explorable(name).sliders)))


def content(html):
    """What the page's script reads."""
    return json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1]
    )


def unpacked(column, rows):
    """A column as the page's script reads it."""
    if isinstance(column, dict):
        times = column.get("times", column.get("each"))
        column = np.resize(np.repeat(np.array(column["of"], object), times), rows).tolist()
    return column


class TestEvery:
    @every
    def test_numbers_have_six_significant_digits(self, name):
        for column in explorable(name).table.values():
            for cell in column:
                assert not isinstance(cell, float) or float(f"{cell:.6g}") == cell

    @pytest.mark.parametrize("name", few(list(EXPLORABLES), MADE_AGAIN))
    def test_the_same_when_made_again(self, name):
        assert explorable(name).html(scripts=False) == EXPLORABLES[name]()._repr_html_()

    @every
    def test_light(self, name, record_explorable):
        html = explorable(name).html(scripts=False)
        cells = sum(map(len, explorable(name).table.values()))
        size = len(html.encode())
        record_explorable(name, states=len(states_of(name)), cells=cells, kB=round(size / 1000))
        assert size <= MAX_BYTES
        assert "nan" not in repr(explorable(name)).lower()

    @every
    def test_the_page_reads_the_table_as_it_is(self, name):
        read = content(explorable(name).html(scripts=False))
        table = explorable(name).table
        assert list(read["columns"]) == list(table)
        for column, cells in table.items():
            assert tuple(unpacked(read["columns"][column], read["rows"])) == cells

    @every
    def test_the_page_finds_the_sentence_of_every_state(self, name):
        read = content(explorable(name).html(scripts=False))
        said = [read["sentences"][number] for number in read["said"]]
        assert said == [explorable(name).summaries[state] for state in states_of(name)]
        assert len(set(said)) > 3
        for sentence in said:
            assert sentence.endswith(".")

    @every
    def test_every_state_has_rows(self, name):
        table = explorable(name).table
        names = [slider.name for slider in explorable(name).sliders]
        found = set(zip(*(table[slider] for slider in names), strict=True))
        assert found >= set(states_of(name))

    @every
    def test_the_page_gets_the_question_the_picture_and_its_words(self, name):
        shown = explorable(name)
        html = shown.html(scripts=False)
        assert shown.question.endswith("?")
        assert f'<p class="nc-question">{shown.question}</p>' in html
        assert shown.static in html
        assert 'role="img"' in shown.static
        assert len(shown.alt_text.split()) >= 15
        default = tuple(slider.default for slider in shown.sliders)
        assert f"{shown.summaries[default]}</figcaption>" in html
        assert "vegaEmbed" not in html
        # Nothing is fetched from anywhere: names of XML namespaces are no addresses.
        assert not re.sub(r'xmlns(:\w+)?="[^"]+"', "", html).count("://")

    @every
    def test_where_a_reader_runs_the_notebook_the_scripts_come_along(self, name):
        html = explorable(name).html(scripts=True)
        assert html.count("<script") == html.count("</script>") == 2
        assert "window.vegaEmbed" in html
        assert ".nc-explorable" in html

    @pytest.mark.parametrize("name", few(list(EXPLORABLES), MADE_AGAIN))
    def test_altair_gets_the_whole_chart(self, name):
        shown = explorable(name)
        chart = shown.chart.to_dict(validate=False)
        assert len(chart["datasets"]["table"]) == len(next(iter(shown.table.values())))
        assert [param["name"] for param in chart["params"]] == [s.name for s in shown.sliders]
        for param, slider in zip(chart["params"], shown.sliders, strict=True):
            assert param["value"] == slider.default
            assert param["bind"]["options"] == list(slider.values)
            assert param["bind"]["name"] == slider.label
