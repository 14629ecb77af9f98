"""Runs a command in this process and looks at what it wrote where."""

import json

import pytest
import typer.main
import typer.testing

from nclib.cli import app


class Outcome:
    def __init__(self, result):
        self.code = result.exit_code
        self.out = result.stdout
        self.err = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError("a command must report, not raise") from result.exception

    @property
    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)

    def failed(self, *words):
        """Whether it failed with one clear line on the standard error, and nothing else."""
        assert self.code == 1, (self.code, self.out)
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err
        return True


@pytest.fixture(scope="session")
def nclib():
    runner, built = typer.testing.CliRunner(), typer.main.get_command(app)

    def command(*arguments, stdin=None):
        return Outcome(runner.invoke(app, [str(a) for a in arguments], input=stdin))

    with pytest.MonkeyPatch.context() as patch:
        # To build the parser takes longer than most commands.
        patch.setattr(typer.testing, "_get_command", lambda _: built)
        yield command
