"""Every explorable of the built site, moved by keyboard in a real browser, against its table."""

import csv
import io
import itertools
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from few import chosen, few
from test_site import SITE, built_pages, drive, require_browser_and_site

sys.path.append(str(Path(__file__).resolve().parents[1] / "views"))
from every_explorable import EXPLORABLES, explorable

SCRIPT = Path(__file__).with_name("explorables.mjs")
# Work of one redrawing, in units of a fixed calculation in the same browser (half a second of the
# CPU time where this was set).
MAX_REDRAW = 0.15
# Those that are moved in every run, all others are so in `make test-all`: with a handle, a choice,
# many marks, maps and one mark alone. Of these some are visited in other ways, too.
MOVED = ["survival", "remedies", "curves", "gram"]
VISITED = ["survival", "remedies", "curves"]


def places():
    """Page and name of each explorable in the built site."""
    found = []
    for page in built_pages():
        text = (SITE / page).read_text(encoding="utf-8")
        names = re.findall(r'<div class="nc-explorable" id="explorable-([\w-]+)"', text)
        found += [(page, name) for name in names]
    return found


@pytest.fixture(scope="module")
def reports(request):
    require_browser_and_site()
    moved, visited = chosen(request, "name"), chosen(request, "visited")
    wanted = [place for place in places() if place[1] in moved | visited]
    told = [(page, name, name in visited) for page, name in wanted]
    return drive(SCRIPT, SITE, told=told, pages=len(told))


@pytest.fixture(params=few(list(EXPLORABLES), MOVED))
def name(request):
    return request.param


def report_of(reports, name):
    (found,) = [report for report in reports if report["name"] == name]
    assert "broke" not in found, found["broke"]
    return found


@pytest.fixture
def report(reports, name):
    return report_of(reports, name)


@pytest.fixture(params=few(list(EXPLORABLES), VISITED))
def visited(request, reports):
    """The name of one that is visited in other ways, too, and the report on it."""
    return request.param, report_of(reports, request.param)


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
    for seen in [report["first"], *report["moved"], report["restored"]]:
        assert_drawn(name, seen)


def assert_drawn(name, seen):
    table = explorable(name).table
    columns, rows = list(table), set(zip(*table.values(), strict=True))
    drawn = {
        tuple(datum[column] for column in columns)
        for datum in seen["drawn"]
        if all(column in datum for column in columns)
    }
    assert rows_of(name, state_of(name, seen)) <= drawn <= rows
    assert seen["marks"] > 0


def test_from_the_file_system_it_is_the_same(visited):
    name, report = visited
    assert_drawn(name, report["fromFiles"])
    said = explorable(name).summaries[state_of(name, report["fromFiles"])]
    assert report["fromFiles"]["summary"] == said


def test_three_positions_differ_from_each_other(name, report):
    states = [state_of(name, seen) for seen in report["moved"]]
    assert len(set(states)) == 3
    sliders = explorable(name).sliders
    assert states[0] == tuple(slider.values[0] for slider in sliders)
    assert states[1] == tuple(slider.values[-1] for slider in sliders)


def test_the_sentence_follows_and_is_spoken(name, report):
    for seen in [report["first"], *report["moved"], report["restored"]]:
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
    lines = list(csv.reader(io.StringIO(report["csv"]["text"])))
    assert lines[0] == list(table)
    assert len(lines) == 1 + len(next(iter(table.values())))
    for cells, row in zip(lines[1:], zip(*table.values(), strict=True), strict=True):
        assert row == tuple(
            type(value)(cell) if cell else None for cell, value in zip(cells, row, strict=True)
        )


def test_the_data_of_the_moment_are_the_rows_of_its_state(name, report):
    """With those that hold for every position: None stands for all."""
    shown = explorable(name)
    state = state_of(name, report["restored"])
    places = [list(shown.table).index(slider.name) for slider in shown.sliders]
    expected = [
        row
        for row in zip(*shown.table.values(), strict=True)
        if all(row[at] in (value, None) for at, value in zip(places, state, strict=True))
    ]
    assert report["moment"]["name"] == f"{name}-moment.csv"
    header, *lines = csv.reader(io.StringIO(report["moment"]["text"]))
    assert header == list(shown.table)
    assert 0 < len(lines) < len(next(iter(shown.table.values())))
    for cells, row in zip(lines, expected, strict=True):
        assert row == tuple(
            type(value)(cell) if cell else None for cell, value in zip(cells, row, strict=True)
        )


def test_a_handle_takes_its_sliders_along(name, report):
    shown = explorable(name)
    found = report["dragged"]
    assert len(found) == 2 * len(shown.handles)
    for place, handle in enumerate(shown.handles):
        both = found[2 * place : 2 * place + 2]
        # One of the two ways may be closed.
        changed = [drag for drag in both if drag["now"]["state"] != drag["before"]]
        assert changed
        for drag in changed:
            moved = {
                slider.name
                for slider, was, now in zip(
                    shown.sliders, drag["before"], drag["now"]["state"], strict=True
                )
                if was != now
            }
            assert moved <= set(handle.moves)
            # It is nearer to the pointer than it was.
            assert abs(drag["at"] - drag["to"]) < abs(drag["from"] - drag["to"])
            summary = shown.summaries[state_of(name, drag["now"])]
            assert drag["now"]["summary"] == drag["spoken"] == summary


def test_marks_say_what_they_are_by_key_and_under_the_pointer(name, report):
    read = report["read"]
    texts = [key["text"] for key in read["keys"]]
    assert len(set(texts)) > 1 or name == "phases"  # which has one mark, a dot
    for key in read["keys"]:
        assert re.search(r"\w.*: \S", key["text"])
        assert key["spoken"] == key["text"]
    assert read["left"]
    for value in read["told"]:
        assert value in read["hovered"]


def test_reset_brings_back_the_first_state_and_the_first_address(name, report):
    default = tuple(slider.default for slider in explorable(name).sliders)
    assert state_of(name, report["reset"]) == default
    assert report["reset"]["summary"] == report["reset"]["spoken"]
    assert parse_qs(urlsplit(report["reset"]["address"]).query) == {
        "other.L": ["4"],
        "n": ["3,2,1"],
    }


def test_play_moves_one_slider_until_it_is_stopped(name, report):
    shown, played = explorable(name), report["played"]
    if not shown.plays:
        assert played is None
        return
    (at,) = (k for k, slider in enumerate(shown.sliders) if slider.name == shown.plays)
    last = len(shown.sliders[at].values) - 1
    steps = [state[at] for state in played["moving"]]
    assert len(steps) == 4
    # From the end it begins anew. A busy machine may miss a step.
    assert all(a < b or a == last for a, b in itertools.pairwise(steps))
    assert played["stopped"] == played["later"]
    first = [slider.values.index(slider.default) for slider in shown.sliders]
    assert played["still"] == played["stillLater"] == [*first[:at], last, *first[at + 1 :]]


def test_on_a_phone_the_tools_are_one_row_of_large_targets_and_no_word_is_cut(visited):
    targets = visited[1]["targets"]
    assert len({tool["top"] for tool in targets["tools"]}) == 1
    for tool in targets["tools"]:
        assert min(tool["width"], tool["height"]) >= 44
        assert tool["right"] <= targets["right"]
    assert targets["cut"] == []


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
    # What is after an underscore stands below the line.
    labels = [slider.label.replace("_", "") for slider in explorable(name).sliders]
    labels += ["Marks of the picture", *(["Play"] if explorable(name).plays else []), "Reset"]
    labels += ["Download picture (SVG)", "Download data of this moment (CSV)"]
    labels += ["Download all data (CSV)", "Copy link to this moment"]
    for stop, label in zip(report["stops"], labels, strict=True):
        assert stop["inside"]
        assert stop["outlined"]
        assert stop["label"].startswith(label)


def test_the_chart_stays_as_wide_as_its_place(report):
    for place, chart in report["widths"]:
        assert chart == pytest.approx(place, abs=1)


def assert_still(name, seen):
    shown = explorable(name)
    default = tuple(slider.default for slider in shown.sliders)
    assert seen["picture"]
    assert not seen["live"]
    assert seen["caption"].endswith(shown.summaries[default])


def test_on_paper_the_default_state_is_shown(name, report):
    assert_still(name, report["printed"])


def test_without_scripts_the_default_state_is_shown(visited):
    name, report = visited
    assert_still(name, report["withoutScripts"])


def test_controls_wait_for_their_chart(visited):
    name, report = visited
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
