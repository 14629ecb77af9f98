"""The command line as a whole, in processes of its own: quick, light, with the right exit codes."""

import errno
import io
import json
import re
import subprocess
import sys

import pytest

from nclib import cli

COMMANDS = ("predict", "remedies", "measure", "train", "reproduce", "results", "grade")


def run(*arguments, code=None, stdin=None):
    start = ["-m", "nclib"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)], capture_output=True, text=True, input=stdin
    )


def test_help_answers_at_once():
    """In at most five times what it takes to start Python and to load numpy."""
    # CPU time, from the start of the interpreter: others may keep it busy.
    say = "print(time.process_time(), file=sys.stderr)"
    answer = (
        "import sys, time\nfrom nclib.cli import app\napp(sys.argv[1:], standalone_mode=False)\n"
    ) + say
    load = f"import sys, time, numpy\n{say}"
    seconds, unit = (
        min(float(run(*arguments, code=code).stderr) for _ in range(3))
        for arguments, code in ((["--help"], answer), ([], load))
    )
    assert seconds < 5 * unit


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(nclib, command):
    outcome = nclib(command, "--help")
    assert outcome.code == 0
    assert f"nclib {command}" in outcome.out
    assert "--json" in outcome.out


def test_help_and_predict_load_nothing_heavy():
    code = (
        "import sys\n"
        "from nclib.cli import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "heavy = ('torch', 'sklearn', 'matplotlib', 'altair', 'pandas', 'joblib')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    for arguments in (
        ["--help"],
        ["predict", "ecoli", "-L", 2, "--lambda-W", 1e-3, "--lambda-H", 1e-3],
    ):
        done = run(*arguments, code=code)
        assert done.returncode == 0
        assert done.stderr == "[]\n"


def test_exit_codes_and_streams_of_a_real_process(tmp_path):
    good = ("predict", "-", "-L", 1, "--lambda-W", 1e-3, "--lambda-H", 1e-3, "--json")
    done = run(*good, stdin="30\n20\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["K"] == 2
    done = run(*good, stdin="30\nx\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: <stdin>, line 2: count 'x' is not a positive whole number below 2**53\n"
    )
    done = run(*good[:2], stdin="30\n20\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs head")
def test_a_reader_that_has_had_enough_is_no_error(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("".join(f"class {k},{2 * (k % 50 + 1)}\n" for k in range(50_000)))
    command = [sys.executable, "-m", "nclib", "predict", path, "-L", "1", "--json"]
    command += ["--lambda-W", "1e-9", "--lambda-H", "1e-9"]
    # Without a shell: the folder of the interpreter may have any name.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        head = subprocess.run(
            ["head", "-c", "10"], stdin=process.stdout, capture_output=True, check=True
        )
        process.stdout.close()
        assert process.stderr.read() == b""
    assert head.stdout.startswith(b"{")


@pytest.mark.parametrize(("arguments", "package", "extra"), [(("train",), "torch", "train")])
def test_a_missing_package_says_what_to_install(arguments, package, extra):
    code = f"import sys\nsys.modules[{package!r}] = None\nfrom nclib.cli import main\nmain()"
    done = run(*arguments, code=code)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f'error: this needs the package {package!r}: pip install ".[{extra}]" '
        "in a copy of the repository\n"
    )


def test_stored_results_are_read_without_what_trains(tmp_path):
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['torch', 'joblib', 'torchvision', 'sklearn']))\n"
        "from nclib.cli import main\n"
        "main()"
    )
    done = run("results", tmp_path, code=code)
    assert (done.returncode, done.stdout) == (0, "No results.\n")


def test_without_a_command_the_help_is_shown_and_help_is_the_only_option(monkeypatch, capsys):
    shown = []
    for arguments in ([], ["--help"]):
        monkeypatch.setattr(sys, "argv", ["nclib", *arguments])
        with pytest.raises(SystemExit):
            cli.main()
        shown.append("".join(capsys.readouterr()).strip())
    assert shown[0] == shown[1]
    options = shown[0].partition("Options")[2].partition("Commands")[0]
    assert set(re.findall(r"(?<!\S)-+\w[\w-]*", options)) == {"-h", "--help"}


class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_help_without_room_for_it_is_one_line(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["nclib", "--help"])
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(SystemExit, match=r"^error: \[Errno 28\] No space left on device$"):
        cli.main()
