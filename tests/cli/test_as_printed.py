"""Every command that a page, the README or a help text prints, run as it is printed.

Each runs in a folder of its own that holds files of the names that the commands have. What comes
out is compared with the theorems, with what is in the files, or with the printed words.
"""

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
import typer.main
from PIL import Image
from torch import nn

import nclib as nc
from nclib.cli import app
from nclib.data.published import gallery
from nclib.training.results import load_results
from tools import copies

ROOT = Path(__file__).resolve().parents[2]
COUNTS = [500, 500, 400, 400, 300, 300, 200, 200, 100, 100]
LESIONS = gallery()["ham10000"].counts

# Runs that take minutes, or want files that no repository carries, with what they need.
LONG = {
    "nclib train": "half a minute of training",
    "nclib reproduce --figure 1 --scale small --data cifar10_subset.npz": "shared images",
}

# Trainings of hours: run with one epoch, but otherwise as printed.
SHORTENED = {
    "nclib train letters.npz --counts counts.csv --lambda-W 5e-4 --lambda-H 1e-5 --width 512",
    "nclib train digits --depth 3 --counts 100,100,100,100,100,20,20,20,20,20 --out runs",
}

# Experiments on published images: run as printed where there are none, and what would bring them.
WITHOUT_IMAGES = {
    "nclib reproduce --figure 2 --scale medium --seeds 3 --head-scale 2 --download --jobs 2",
    "nclib train cifar10 --counts cifar10-paper --download --out runs --resume",
    "python -m nclib reproduce --figure 2 --data emnist-letters --scale medium",
    "python -m nclib reproduce --figure 1 --scale medium",
    "python -m nclib reproduce --figure 1 --scale paper",
}


def printed_commands():
    """Each command in the texts for users, with where it stands."""
    found = {}
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "book").glob("*.md"))]
    pages = {path.name: path.read_text(encoding="utf-8") for path in texts}
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        pages[path.name] = "\n\n".join(
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
        )
    commands = typer.main.get_command(app).commands
    pages |= {f"nclib {name} --help": command.help for name, command in commands.items()}
    for name, text in pages.items():
        lines = re.findall(r"^(?:python -m )?nclib \w.*$", text, re.MULTILINE)
        lines += re.findall(r"`((?:[^`\n]+\| )?(?:python -m )?nclib \w+ [^`]+)`", text)
        for line in lines:
            command = " ".join(re.sub(r"\s#.*", "", line).split())
            # Words about a command, and none to type: an option alone.
            if not re.fullmatch(r"nclib \w+ --\w+( \w+)?", command):
                found.setdefault(command, name)
    return found


PRINTED = printed_commands()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with everything that the commands name."""
    folder = tmp_path_factory.mktemp("files")
    with (folder / "counts.csv").open("w", encoding="utf-8") as file:
        file.writelines(f"class {k},{n}\n" for k, n in enumerate(COUNTS))
    with (folder / "lesions.csv").open("w", encoding="utf-8") as file:
        file.writelines(f"{k},{n}\n" for k, n in zip(LESIONS.names, LESIONS.n, strict=True))
    for name, number in (("cat", 9), ("dog", 4)):
        (folder / "photos" / name).mkdir(parents=True)
        for k in range(number):
            Image.new("RGB", (4, 4)).save(folder / "photos" / name / f"{k}.png")
    # A network at the optimum, its features near their class means.
    labels = np.repeat(np.arange(10), np.array(COUNTS) // 10)
    problem = nc.Problem(np.array(COUNTS) // 10, 1, lambda_W=5e-4, lambda_H=1e-5)
    (W,), H, b = nc.global_minimizer(problem).weights(seed=1)
    features = H.T[labels] + 1e-3 * np.random.default_rng(0).standard_normal((300, H.shape[0]))
    np.savez(folder / "network.npz", features=features, labels=labels, W=W, b=b)
    np.savez(folder / "test.npz", features=features[::2], labels=labels[::2], W=W, b=b)
    (folder / "train.csv").write_text("".join(f"{k},{n // 10}\n" for k, n in enumerate(COUNTS)))
    np.save(folder / "features.npy", features)
    np.save(folder / "labels.npy", labels)
    (folder / "y.txt").write_text("".join(f"{label}\n" for label in labels))
    np.savez(folder / "head.npz", W=W, b=b)
    head = nn.Linear(*W.shape[::-1])
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(W))
        head.bias.copy_(torch.from_numpy(b))
    torch.save(head.state_dict(), folder / "model.pt")
    # Two hand-ins of chapter 5: one answer right, one wrong.
    for student, answer in (("ada", "{6}"), ("bob", "[6, 7]")):
        source = f'from nclib.teaching import check\ncheck("05-b.1", {answer})'
        cell = {"cell_type": "code", "id": "a", "source": source, "metadata": {}, "outputs": []}
        book = {"cells": [cell | {"execution_count": None}], "metadata": {}, "nbformat": 4}
        path = folder / "handed-in" / student / "05-deep-head.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(book | {"nbformat_minor": 5}), encoding="utf-8")
    (folder / "seeds.csv").write_text("ada,7\nbob,8\neve,1\n")
    (folder / "student" / "results").mkdir(parents=True)
    return folder


@pytest.fixture
def place(files, tmp_path, monkeypatch):
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_shell(command, place):
    """What a line with a pipe writes, by the shell and the script `nclib` of this Python."""
    script = place / "bin" / "nclib"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nclib "$@"\n')
    script.chmod(0o755)
    line = f'PATH="{script.parent}:$PATH"; export PYTHONPATH="{ROOT}"; {command}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def marks(place):
    table = (place / "marks.csv").read_text(encoding="utf-8")
    return {row["student"]: row["05-b.1"] for row in csv.DictReader(io.StringIO(table))}


def is_whole(path):
    text = path.read_text(encoding="utf-8")
    return text.rstrip().endswith(("</html>", "</svg>"))


def run(nclib, command, place):
    """Run a command and compare what comes out with what it must be."""
    if "|" in command:
        if not shutil.which("jq") and "jq" in command:
            pytest.skip("needs jq")
        if command.startswith("nclib results"):
            nclib("train", "--epochs", 2, "--width", 16, "--threads", 1, "--out", "runs")
        return in_shell(command, place)
    words = shlex.split(command)
    words = words[3:] if words[0] == "python" else words[1:]
    if words[0] == "results":
        folder = words[1] if len(words) > 1 and not words[1].startswith("-") else "results"
        nclib("train", "--epochs", 2, "--width", 16, "--threads", 1, "--out", folder)
    return nclib(*words)


@pytest.mark.parametrize("command", sorted(set(PRINTED) - set(LONG) - SHORTENED - WITHOUT_IMAGES))
def test_it_does_what_it_says(nclib, place, command):
    outcome = run(nclib, command, place)
    if "|" in command:
        assert outcome.strip()
        return
    assert outcome.code == 0, outcome.err
    if "--json" in command:
        assert outcome.json
    for option in ("--report", "--plot"):
        if option in command:
            words = shlex.split(command)
            assert is_whole(place / words[words.index(option) + 1])
    if "nclib grade" in command:
        # By the numbers of a seed the same answer is wrong: it belongs to those of the text.
        seeded = "--seeds" in command
        assert marks(place) == {"ada": "0" if seeded else "1", "bob": "0"} | (
            {"eve": ""} if seeded else {}
        )
    if "nclib predict counts.csv --depth 3" in command:
        best = nc.global_minimizer(nc.Problem(COUNTS, 3, lambda_W=5e-4, lambda_H=1e-5))
        assert f"{best.alive} of {len(COUNTS) - 1}" in outcome.flat
    if "nclib measure" in command and "--json" not in command:
        assert "NC1" in outcome.out


def test_pipes_give_the_numbers(nclib, place):
    """The lines with a pipe, by what they must print."""
    piped = {command: run(nclib, command, place) for command in PRINTED if "|" in command}
    for command, said in piped.items():
        if command.startswith("echo"):
            best = nc.global_minimizer(nc.Problem([500, 500, 100], 2, lambda_W=1e-3, lambda_H=1e-3))
            assert json.loads(said)["modes_alive"] == best.alive
        elif "results" in command:
            (gap,) = map(float, said.split())
            assert gap > 0
        else:
            assert "grade" in command
            assert len(said.splitlines()) == 2
    assert len(piped) == 3


@pytest.mark.parametrize("command", sorted(SHORTENED))
def test_a_long_training_begins_as_printed(nclib, place, command):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 550)  # 50 of each class are held out
    images = rng.integers(0, 256, (labels.size, 8, 8), dtype=np.uint8)
    np.savez(place / "letters.npz", images=images, labels=labels)
    outcome = run(nclib, f"{command} --epochs 1 --json", place)
    assert outcome.code == 0, outcome.err
    digits = [100, 100, 100, 100, 100, 20, 20, 20, 20, 20]
    assert outcome.json["experiment"]["counts"] == (digits if "digits" in command else COUNTS)
    assert (place / "runs").is_dir() == ("--out runs" in command)


@pytest.mark.parametrize("command", sorted(WITHOUT_IMAGES))
def test_without_images_it_says_how_they_come(nclib, place, command, monkeypatch):
    def is_not_reached(*_, **__):
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(urllib.request, "urlopen", is_not_reached)
    outcome = run(nclib, f"{command} --root {place / 'none'}", place)
    assert outcome.code == 1
    downloads = "--download" in command
    said = "no network here" if downloads else "here: --download, or another data set"
    assert said in outcome.err
    assert str(place / "none") in outcome.err


@pytest.mark.slow
def test_a_network_on_the_digits(nclib, place):
    outcome = nclib("train")
    assert outcome.code == 0, outcome.err
    assert "Metrics against" in outcome.out


@pytest.mark.slow
def test_the_figure_on_real_images(nclib, place):
    images = ROOT.parent / "shared" / "data" / "cifar10_subset.npz"
    if not images.exists():
        pytest.skip("needs ../shared/data/cifar10_subset.npz")
    shutil.copy(images, place)
    (command,) = (one for one in LONG if "reproduce" in one)
    outcome = run(nclib, command, place)
    assert outcome.code == 0, outcome.err
    assert len(load_results("results")) > 0
    assert run(nclib, "nclib results results --plot runs.svg", place).code == 0


def test_every_list_here_is_of_commands_that_are_printed():
    assert SHORTENED | WITHOUT_IMAGES | set(LONG) <= set(PRINTED)
    assert {"README.md", "teaching.md", "00-your-data.ipynb"} <= set(PRINTED.values())


def test_make_knows_every_target_that_a_text_names():
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"\.PHONY: (.*?)\n\.|\.PHONY: (.*?)\n#", made, re.S)[0].split()[1:])
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "book").glob("*.md"))]
    named = set()
    for path in texts:
        for line in re.findall(r"(?:^|`)make ([^`\n#]*)", path.read_text("utf-8"), re.MULTILINE):
            named |= {word for word in line.split() if re.fullmatch(r"[a-z][a-z-]*", word)}
    assert {"book", "test", "copies", "slides"} <= named
    assert named - targets == set()


def test_the_copies_that_the_text_asks_for_are_known():
    words = set(re.findall(r'COPIES="([^"]+)"', (ROOT / "book/teaching.md").read_text("utf-8")))
    assert {"--seed", "--nbgrader"} <= words
    for word in words:
        assert word in Path(copies.__file__).read_text(encoding="utf-8")
