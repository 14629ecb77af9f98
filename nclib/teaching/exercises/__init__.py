"""The exercises that can be checked: what they ask, the right answer, and the usual mistakes.

Each function of a chapter computes the right answer to one exercise, and the answers that students
reach by a known mistake. A mistake says how it comes about, and the hint that helps out of it.
"""

# The order of the chapters is the order of the exercises.
from nclib.teaching.exercises import (
    chapter_00,
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    chapter_12,
    chapter_13,
    chapter_14,
)
from nclib.teaching.exercises.register import EXERCISES, Exercise, Given, Mistake, find, parts_of

__all__ = [
    "EXERCISES",
    "Exercise",
    "Given",
    "Mistake",
    "chapter_00",
    "chapter_01",
    "chapter_02",
    "chapter_03",
    "chapter_04",
    "chapter_05",
    "chapter_06",
    "chapter_07",
    "chapter_08",
    "chapter_09",
    "chapter_10",
    "chapter_11",
    "chapter_12",
    "chapter_13",
    "chapter_14",
    "find",
    "parts_of",
]
