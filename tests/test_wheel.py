"""The wheel, as whoever installs the library gets it: in an environment of its own, without extras.

`make test-all` runs it.
"""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


def call(*command, cwd=ROOT, **options):
    return subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, and how to call what is in the environment, from a folder of a user's own."""
    folder = tmp_path_factory.mktemp("wheel")
    built = call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (folder / "pins.txt").write_text("\n".join(line for line in pins if line != "."))
    options = ("--constraint", folder / "pins.txt", wheel)
    done = call(programs / "python", "-m", "pip", "install", *options)
    assert done.returncode == 0, done.stderr
    own = folder / "of a user"
    own.mkdir()
    return SimpleNamespace(
        wheel=wheel,
        python=lambda code: call(programs / "python", "-c", code, cwd=own),
        nclib=lambda *words: call(programs / "nclib", *words, cwd=own),
    )


def test_it_has_every_file_of_the_library_and_no_other(installed):
    tracked = call("git", "ls-files", "nclib").stdout.split()
    packed = [
        name for name in zipfile.ZipFile(installed.wheel).namelist() if "dist-info" not in name
    ]
    assert sorted(packed) == sorted(tracked)


def test_nothing_is_there_that_an_extra_brings(installed):
    for name in ("torch", "matplotlib", "altair", "IPython"):
        assert "ModuleNotFoundError" in installed.python(f"import {name}").stderr


def test_the_theory_has_the_numbers_of_the_paper(installed):
    """Of Theorem 4.2 for its CIFAR-10 counts: the strongest contrast has strength sqrt(500)."""
    done = installed.python(
        "import nclib as nc\n"
        "problem = nc.Problem(nc.ClassCounts.cifar10_paper(), 3, lambda_W=5e-4, lambda_H=1e-5)\n"
        "best = nc.global_minimizer(problem)\n"
        "print(best.alive, float(best.kappa[0]) ** 2)"
    )
    assert done.returncode == 0, done.stderr
    alive, square = done.stdout.split()
    assert alive == "9"
    assert float(square) == pytest.approx(500)


def test_the_command_line_predicts(installed):
    """The seven skin lesions with an everyday decay: six contrasts live, all are right."""
    done = installed.nclib("predict", "ham10000", "--weight-decay", "5e-4", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {(row["modes_alive"], row["classes_right"]) for row in told["outcomes"]} == {(6, 7)}


@pytest.mark.parametrize(
    ("words", "extra"), [(("train",), "train"), (("results", ".", "--plot", "p.svg"), "book")]
)
def test_what_needs_an_extra_says_which(installed, words, extra):
    done = installed.nclib(*words)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert f".[{extra}]" in done.stderr
