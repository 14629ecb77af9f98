"""Every explorable of the built site, moved by keyboard in a real browser, against its table."""

import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from test_site import SITE, built_pages, drive, require_browser_and_site

sys.path.append(str(Path(__file__).resolve().parents[1] / "views"))
from every_explorable import EXPLORABLES, explorable

SCRIPT = Path(__file__).with_name("explorables.mjs")
# Work of one redrawing, in units of a fixed calculation in the same browser (half a second of the
# CPU time where this was set).
MAX_REDRAW = 0.15


def places():
    """Page and name of each explorable in the built site."""
    found = []
    for page in built_pages():
        text = (SITE / page).read_text(encoding="utf-8")
        names = re.findall(r'<div class="nc-explorable" id="explorable-([\w-]+)"', text)
        found += [(page, name) for name in names]
    return found


@pytest.fixture(scope="module")
def reports():
    require_browser_and_site()
    return drive(SCRIPT, SITE, told=places(), pages=len(places()))


@pytest.fixture(params=EXPLORABLES)
def name(request):
    return request.param


@pytest.fixture
def report(reports, name):
    (found,) = [report for report in reports if report["name"] == name]
    assert "broke" not in found, found["broke"]
    return found


def state_of(name, seen):
    """The state that the controls are in, as values."""
    sliders = explorable(name).sliders
    return tuple(slider.values[at] for slider, at in zip(sliders, seen["state"], strict=True))


def rows_of(name, state):
    """The rows of the table at one state."""
    table = explorable(name).table
    sliders = [slider.name for slider in explorable(name).sliders]
    here = zip(*(table[slider] for slider in sliders), strict=True)
    rows = zip(*table.values(), strict=True)
    return {row for row, at in zip(rows, here, strict=True) if at == state}


def test_every_explorable_is_in_one_page_and_here():
    require_browser_and_site()
    assert sorted(name for _, name in places()) == sorted(EXPLORABLES)


def test_the_marks_are_the_rows_of_the_table(name, report):
    """At three positions, and after the page was loaded again."""
    table = explorable(name).table
    columns, rows = list(table), set(zip(*table.values(), strict=True))
    for seen in [report["first"], *report["moved"], report["restored"], report["fromFiles"]]:
        drawn = {
            tuple(datum[column] for column in columns)
            for datum in seen["drawn"]
            if all(column in datum for column in columns)
        }
        assert rows_of(name, state_of(name, seen)) <= drawn <= rows
        assert seen["marks"] > 0


def test_three_positions_differ_from_each_other(name, report):
    states = [state_of(name, seen) for seen in report["moved"]]
    assert len(set(states)) == 3
    sliders = explorable(name).sliders
    assert states[0] == tuple(slider.values[0] for slider in sliders)
    assert states[1] == tuple(slider.values[-1] for slider in sliders)


def test_the_sentence_follows_and_is_spoken(name, report):
    for seen in [report["first"], *report["moved"], report["restored"], report["fromFiles"]]:
        assert seen["summary"] == explorable(name).summaries[state_of(name, seen)]
    for seen in report["moved"]:
        assert seen["spoken"] == seen["summary"]
    assert report["first"]["spoken"] == ""
    assert len({seen["summary"] for seen in report["moved"]}) > 1


def test_the_address_keeps_the_state_and_whatever_else_is_in_it(name, report):
    sliders = explorable(name).sliders
    for seen in report["moved"]:
        query = parse_qs(urlsplit(seen["address"]).query)
        said = [query[f"{name}.{slider.name}"][0] for slider in sliders]
        # Numbers are written by JavaScript.
        read = (
            text if isinstance(slider.default, str) else float(text)
            for slider, text in zip(sliders, said, strict=True)
        )
        assert tuple(read) == state_of(name, seen)
        assert query["other.L"] == ["4"]
        assert query["n"] == ["3,2,1"]
    assert report["restored"]["state"] == report["moved"][-1]["state"]
    link = urlsplit(report["link"])
    assert link.fragment == f"explorable-{name}"
    assert parse_qs(link.query) == parse_qs(report["moved"][-1]["address"][1:])


def test_the_data_download_as_csv(name, report):
    table = explorable(name).table
    assert report["csv"]["name"] == f"{name}.csv"
    lines = report["csv"]["text"].splitlines()
    assert lines[0].split(",") == list(table)
    assert len(lines) == 1 + len(next(iter(table.values())))
    for line, row in zip(lines[1:], zip(*table.values(), strict=True), strict=True):
        cells = line.split(",")
        assert row == tuple(
            type(value)(cell) if cell else None for cell, value in zip(cells, row, strict=True)
        )


def test_the_picture_downloads_as_svg(name, report):
    assert report["svg"]["name"] == f"{name}.svg"
    root = ElementTree.fromstring(report["svg"]["text"])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "currentColor" not in report["svg"]["text"]
    marks = [
        child
        for group in root.iter("{http://www.w3.org/2000/svg}g")
        if "role-mark" in group.get("class", "").split()
        for child in group
    ]
    assert len(marks) == report["restored"]["marks"]


def test_one_frame_after_an_arrow_key_the_picture_is_that_of_the_new_state(name, report):
    states = [state_of(name, seen) for seen in report["frames"]]
    assert len(set(states)) > 1
    columns = list(explorable(name).table)
    for state, seen in zip(states, report["frames"], strict=True):
        drawn = {
            tuple(datum[column] for column in columns)
            for datum in seen["drawn"]
            if all(column in datum for column in columns)
        }
        assert rows_of(name, state) <= drawn
        assert seen["summary"] == explorable(name).summaries[state]


def test_an_arrow_key_makes_little_work(name, report, record_explorable):
    facts = {"work of a redraw": f"{report['work']:.3f}", "positions": len(report["moved"])}
    record_explorable(name, **facts)
    assert report["work"] < MAX_REDRAW


def test_the_tab_key_stops_at_every_control(name, report):
    labels = [slider.label for slider in explorable(name).sliders]
    labels += ["Download picture (SVG)", "Download data (CSV)", "Copy link to this moment"]
    for stop, label in zip(report["stops"], labels, strict=True):
        assert stop["inside"]
        assert stop["outlined"]
        assert stop["label"].startswith(label)


def test_the_chart_stays_as_wide_as_its_place(report):
    for place, chart in report["widths"]:
        assert chart == pytest.approx(place, abs=1)


@pytest.mark.parametrize("where", ["printed", "withoutScripts"])
def test_where_nothing_moves_the_default_state_is_shown(name, report, where):
    shown = explorable(name)
    default = tuple(slider.default for slider in shown.sliders)
    assert report[where]["picture"]
    assert not report[where]["live"]
    assert report[where]["caption"].endswith(shown.summaries[default])


def test_controls_wait_for_their_chart(name, report):
    before, after = report["early"]["before"], report["early"]["after"]
    assert before["picture"]
    assert not before["live"]
    assert before["reached"]["controls"] >= len(explorable(name).sliders)
    assert before["reached"]["focused"] == 0
    assert rows_of(name, state_of(name, after))
    assert after["summary"] == explorable(name).summaries[state_of(name, after)]
    assert after["state"][0] == len(explorable(name).sliders[0].values) - 1
    assert report["early"]["errors"] == []


def test_nothing_goes_wrong(report):
    assert not report["errors"]
