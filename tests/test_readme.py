"""The README's Python runs, with nothing installed but what it names."""

import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from textwrap import dedent

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Code, and what the words right before it say that it needs.
BLOCKS = [
    (code, re.findall(r"extra `(\w+)`", words))
    for words, code in re.findall(r"([^\n]*\n\n)```python\n(.*?)```", TEXT, re.DOTALL)
]

# What a reader brings to each block, and what must be true behind it.
AROUND = [
    (
        "",
        """
        assert best.alive == 9 and np.isclose(best.kappa[0], 500**0.5)
        assert np.isclose(last, best.objective)  # by descent
        """,
    ),
    (
        """
        import torch
        from torch import nn
        torch.manual_seed(0)
        counts = [12, 6, 3]
        labels = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
        samples = torch.randn(21, 8)
        loader = list(zip(samples.split(7), labels.split(7)))
        model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=5e-4)
        def train_step(x, y):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        """,
        """
        assert [row["evaluated"] for row in last] == [False, True]
        assert last[-1]["nc1"] > 0 and last[-1]["alive"] > 0
        """,
    ),
]

HIDE = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        away = name.partition(".")[0] in {hidden!r}
        return None if away else self.finder.find_spec(name, path, target)
sys.meta_path[:] = map(Without, sys.meta_path)
import numpy as np
"""


def brought(lines):
    """All distributions that requirements bring along, by their names."""
    found, left = set(), [(line, "") for line in lines]
    while left:
        line, extra = left.pop()
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        for chosen in ("", *wanted.extras):
            known = (canonicalize_name(wanted.name), chosen)
            if known in found:
                continue
            found.add(known)
            with suppress(PackageNotFoundError):  # of another platform
                left += [(line, chosen) for line in requires(wanted.name) or []]
    return {name for name, _ in found}


def hidden(extras):
    """Every module that is installed here and that those extras do not bring."""
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    there = brought(lines)
    assert {"numpy", "scipy"} <= there
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if module != "nclib" and there.isdisjoint(map(canonicalize_name, owners))
    )


def test_there_is_one_block_without_an_extra_and_one_with():
    assert [extras for _, extras in BLOCKS] == [[], ["train"]]


@pytest.mark.parametrize("number", range(len(AROUND)))
def test_the_code_runs_with_what_it_names(number):
    (code, extras), (before, after) = BLOCKS[number], AROUND[number]
    away = hidden(extras)
    assert {"pandas", "matplotlib"} <= set(away)
    lines = code.splitlines()
    lines[-1] = f"last = {lines[-1]}"
    parts = [HIDE.format(hidden=set(away)), before, "\n".join(lines), after]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(map(dedent, parts))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
