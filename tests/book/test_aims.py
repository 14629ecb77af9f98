"""The aims of each chapter: each is served by an exercise, and each exercise names its own."""

import json
import re
from pathlib import Path

import pytest

from tools import contents

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("[01][0-9]-*.ipynb"))
chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)

# Verbs that no exercise can test.
UNTESTED = {"understand", "know", "learn", "see", "appreciate", "grasp", "realise", "remember"}


def markdown_of(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]


def box_of(path):
    """The box at the head of a chapter; folded, so that it takes one line until it is opened."""
    head = ":::{admonition} Aims, prerequisites and time\n:class: dropdown\n"
    first, *others = markdown_of(path)
    assert not any(head in text for text in others)
    before, _, box = first.partition(head)
    assert before.startswith("# ")
    text, end, after = box.partition("\n:::")
    assert end
    assert not after
    return text


def aims_of(path):
    """Number to aim."""
    said, _, _ = box_of(path).partition("\n\n**You need:**")
    opening, _, listed = said.partition("\n\n")
    assert opening == "At the end of this chapter you can"
    found = re.findall(r"^(\d+)\. (.+(?:\n   .+)*)", listed, re.MULTILINE)
    return {int(number): re.sub(r"\s+", " ", aim) for number, aim in found}


def exercises_of(path):
    """Label to the aims that an exercise serves, and the minutes that it takes."""
    pattern = r":::\{exercise\} [^\n]+\n:label: (\S+)\n(?::nonumber:\n)?\n\*([^*]+)\*\n"
    found = {}
    for label, about in re.findall(pattern, "\n".join(markdown_of(path))):
        (named,) = re.findall(r"\bAims? (\d(?:(?:, | and )\d)*)\.$", about.rstrip())
        (minutes,) = re.findall(r"(\d+) minutes", about)
        found[label] = [int(one) for one in re.findall(r"\d", named)], int(minutes)
    return found


@chapters
def test_three_to_five_aims_that_can_be_tested(path):
    aims = aims_of(path)
    assert list(aims) == list(range(1, len(aims) + 1))
    assert 3 <= len(aims) <= 5
    for number, aim in aims.items():
        assert aim.split()[0] not in UNTESTED, aim
        assert aim.endswith("." if number == len(aims) else ","), aim


@chapters
def test_every_aim_is_served_and_every_exercise_serves_one(path):
    exercises = exercises_of(path)
    assert len(exercises) == "\n".join(markdown_of(path)).count(":::{exercise}") >= 3
    named = [aim for aims, _ in exercises.values() for aim in aims]
    assert all(aims == sorted(set(aims)) for aims, _ in exercises.values())
    assert set(named) == set(aims_of(path))


@chapters
def test_the_time_is_that_of_the_exercises(path):
    (minutes,) = re.findall(r"\*\*Time:\*\* (\d+) minutes for the exercises", box_of(path))
    assert int(minutes) == sum(minutes for _, minutes in exercises_of(path).values())


@chapters
def test_what_a_reader_needs_stands_before_the_chapter_in_the_contents(path):
    (need,) = re.findall(r"\*\*You need:\*\* (.+?)\n\n", box_of(path), re.DOTALL)
    links = re.findall(r"\[\]\((\S+?)\.\w+\)", need)
    assert bool(links) != ("No other chapter." in need)
    pages = contents.pages()
    before = pages[: pages.index(f"book/{path.stem}")]
    assert {f"book/{link}" for link in links} <= set(before)
