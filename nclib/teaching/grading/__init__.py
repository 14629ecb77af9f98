"""Grading what students hand in: their code runs elsewhere, and their values are judged here."""

from nclib.teaching.grading.marks import Marks, grade_folder, read_seeds, table
from nclib.teaching.grading.run import Limits

__all__ = ["Limits", "Marks", "grade_folder", "read_seeds", "table"]
