"""Trials of mutants, in children of a process that has collected tests, or from the import on."""

import contextlib
import functools
import gc
import importlib
import importlib.machinery
import json
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from coverage import Coverage
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

from tools.mutant_sources import Mutant, fingerprint
from tools.mutant_transplant import transplant

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "_build" / "mutants"
SITE = ROOT / "_build" / "html"
SOURCES = ["nclib", "book/_ext"]

# Nothing but collecting what is named: no cache, no report of what a failure looks like.
OPTIONS = [
    "-q",
    "--no-header",
    "--no-summary",
    "--tb=no",
    "--capture=sys",
    "-p",
    "no:cacheprovider",
]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]

# CPU seconds that a test may take beyond a multiple of what it takes without a fault.
SPARE_SECONDS = 0.5
TIMES_SLOWER = 3

# Memory in GiB that a child may add to what it begins with. Importing torch takes nearly 4.
ROOM = 3
ROOM_FROM_THE_IMPORT_ON = 8

Trial = tuple[int, str, str, list[str]]

_CachedFunction = type(functools.cache(len))


def collected_trials(
    files: Sequence[str], mutants: Sequence[Mutant], settings: dict[str, Any]
) -> Iterator[Trial]:
    """Yield index, outcome, killing test and tests to try for each mutant.

    The outcome is "killed", "timeout", "survived" or "unreached": then the tests that reach it are
    for `fresh_trial`.
    """
    return _served(lambda write: _Server(mutants, settings, write), files, mutants)


def fresh_trial(mutant: Mutant, tests: list[str], settings: dict[str, Any]) -> tuple[str, str]:
    """Import nclib with a mutant in a fork of this process, which has not, and run tests."""

    def run(tell: Callable[[str], None]) -> None:
        _use_hypothesis_without_shrinking()
        _import_instead(ROOT / mutant.module, mutant.source)
        tell("import")
        # Of files named here pytest rewrites the asserts: it would read them without the fault.
        code = pytest.main([*OPTIONS, "--assert=plain", *tests], plugins=[_Judge(tell)])
        if code != pytest.ExitCode.OK:  # it could not be collected
            os._exit(1)

    if not tests:
        return "survived", ""
    limit = 10 + TIMES_SLOWER * settings["seconds"]
    return _in_child(run, limit, ROOM_FROM_THE_IMPORT_ON)


def script_trials(
    files: Sequence[str], mutants: Sequence[Mutant]
) -> Iterator[tuple[int, str, str]]:
    """Yield index, outcome and killing test of mutants of scripts of the book.

    What drives the scripts finds the faulty one in the folder that NCLIB_SCRIPTS names, and in the
    built site that NCLIB_SITE names.
    """
    for index, outcome, by, _ in _served(
        lambda write: _ScriptServer(mutants, write), files, mutants
    ):
        yield index, outcome, by


def _served(
    server: Callable[[Any], Any], files: Sequence[str], mutants: Sequence[Mutant]
) -> Iterator[Trial]:
    """Yield what a plugin of pytest writes, in a process that collects files of tests."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(write, "w", encoding="utf-8") as results:
            try:
                _use_hypothesis_without_shrinking()
                pytest.main([*OPTIONS, *files], plugins=[server(results)])
            except BaseException:
                import traceback

                traceback.print_exc()
        os._exit(0)
    os.close(write)
    came = 0
    with os.fdopen(read, encoding="utf-8") as results:
        for line in results:
            came += 1
            yield tuple(json.loads(line))
    os.waitpid(child, 0)
    if came < len(mutants):
        raise RuntimeError(f"the process that tries mutants ended after {came} of {len(mutants)}")


def _in_child(
    run: Callable[[Callable[[str], None]], None], limit: float, room: int | None = ROOM
) -> tuple[str, str]:
    """Fork, run, and say what came of it and which test was the last that it told of.

    `limit` is in CPU seconds, of the child and of each process that it starts; `room` in GiB.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _be_quiet_and_small(limit, room)
        code = 1
        with contextlib.suppress(BaseException):
            run(lambda test: _write(write, test))
            code = 0
        os._exit(code)
    os.close(write)
    last, began = "", time.monotonic()
    while True:
        # A child that waits for ever takes no CPU: only then does the clock say so.
        told_none = not select.select([read], [], [], 20 * limit)[0]
        if told_none or time.monotonic() > began + 40 * limit:
            os.kill(child, signal.SIGKILL)
            break
        told = os.read(read, 1 << 16)
        if not told:
            break
        last = told.decode().split("\n")[-2]
    os.close(read)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "timeout", last
    return ("survived" if os.WEXITSTATUS(status) == 0 else "killed"), last


def _write(pipe: int, text: str) -> None:
    os.write(pipe, f"{text}\n".encode())


def _be_quiet_and_small(limit: float, room: int | None) -> None:
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 2))
    if room is None:
        return
    # What may be written, since V8 reserves far more addresses than it ever fills.
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[5])
    used = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used + (room << 30), used + (room << 30)))


def _use_hypothesis_without_shrinking() -> None:
    """Have `tests/conftest.py` load a profile that stops at the first example that fails."""
    hypothesis_settings.register_profile(
        "mutants",
        max_examples=200,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.generate],
    )
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"


def _import_instead(path: Path, source: str) -> None:
    """Let the import of one file find other text."""
    kept = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        if Path(self.path).resolve() == path:
            return compile(source, str(path), "exec", dont_inherit=True)
        return kept(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


class _Judge:
    """A plugin of pytest that ends the process at the first failure."""

    def __init__(
        self, tell: Callable[[str], None], seconds: dict[str, float] | None = None
    ) -> None:
        self.tell = tell
        self.seconds = seconds or {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.tell(item.nodeid)
        if item.nodeid in self.seconds:
            allowed = SPARE_SECONDS + TIMES_SLOWER * self.seconds[item.nodeid]
            signal.setitimer(signal.ITIMER_PROF, allowed)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Take the outcome before pytest spends time on what it looks like."""
        if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
            os._exit(1)


class _Recorder:
    """A plugin of pytest that notes, in a child, what each test runs and how long it takes."""

    def __init__(self, coverage: Coverage, slowest: float) -> None:
        self.coverage = coverage
        self.slowest = slowest
        self.failed: set[str] = set()

        def is_too_slow(*_: object) -> None:
            raise TimeoutError("too slow to judge mutants")

        signal.signal(signal.SIGPROF, is_too_slow)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None:
            self.failed.add(item.nodeid)

    def record(self, items: Sequence[pytest.Item]) -> dict[str, Any]:
        """Run tests; return seconds and lines by module of each, or None: it fails or is slow.

        What a test was given by those before it, it makes itself: it may be the first of a trial.
        """
        seconds = {}
        for item in items:
            forget_results()
            self.coverage.switch_context(item.nodeid)
            began = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, self.slowest)
            try:
                runtestprotocol(item, log=False, nextitem=None)
            except TimeoutError:  # between its phases
                self.failed.add(item.nodeid)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            seconds[item.nodeid] = time.process_time() - began
        lines = lines_by_context(self.coverage)
        return {
            test: None if test in self.failed else [taken, lines.get(test, {})]
            for test, taken in seconds.items()
        }


def forget_results() -> None:
    """Empty the caches of functions of nclib and of modules of tests."""
    folders = (f"{ROOT}/nclib/", f"{ROOT}/tests/")
    for module in list(sys.modules.values()):
        if str(getattr(module, "__file__", None)).startswith(folders):
            for value in list(vars(module).values()):
                if isinstance(value, _CachedFunction):
                    value.cache_clear()


def lines_by_context(coverage: Coverage) -> dict[str, dict[str, str]]:
    """Return the lines that each context has run, by module, as the bits of a number."""
    data = coverage.get_data()
    found: dict[str, dict[str, int]] = {}
    for name in data.measured_files():
        module = Path(name).relative_to(ROOT).as_posix()
        for line, contexts in data.contexts_by_lineno(name).items():
            for context in contexts:
                bits = found.setdefault(context, {})
                bits[module] = bits.get(module, 0) | 1 << line
    return {
        context: {module: f"{bits:x}" for module, bits in modules.items()}
        for context, modules in found.items()
    }


class _Server:
    """A plugin of pytest that, in the place of running what was collected, tries mutants on it."""

    def __init__(self, mutants: Sequence[Mutant], settings: dict[str, Any], results: Any) -> None:
        self.mutants = mutants
        self.settings = settings
        self.results = results
        self.killers: dict[str, Counter[str]] = {}
        folders = [str(ROOT / folder) for folder in SOURCES]
        self.coverage = Coverage(data_file=None, source=folders, config_file=False, messages=False)
        # What is run while tests are collected is noted, too.
        self.coverage.start()
        self.coverage.switch_context("collection")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep some cases of every test, from the first to the last, and no expected failure."""
        cases: dict[str, list[pytest.Item]] = {}
        for item in items:
            if not list(item.iter_markers("xfail")):
                cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
        most = self.settings["cases"]
        items[:] = [
            tests[at]
            for tests in cases.values()
            for at in sorted({(len(tests) - 1) * step // (most - 1) for step in range(most)})
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if "torch" in sys.modules:
            # The first optimiser imports it, in seconds that no test is given.
            importlib.import_module("torch._dynamo")
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        records = self._records()
        self.coverage.stop()
        collected = lines_by_context(self.coverage).get("collection", {})
        self.collected = {module: int(bits, 16) for module, bits in collected.items()}
        slowest = self.settings["slowest"]
        records = {
            test: record if record and record[0] <= slowest else None
            for test, record in records.items()
        }
        failed = [test for test, record in records.items() if record is None]
        print(f"  {len(records)} tests, without {len(failed)} slow or failing ones: {failed[:3]}")
        self.seconds = {test: record[0] for test, record in records.items() if record}
        self.lines = {
            test: {module: int(bits, 16) for module, bits in record[1].items()}
            for test, record in records.items()
            if record
        }
        # What is there by now is shared with all children: their collector must not touch it.
        gc.collect()
        gc.freeze()
        self.fragile: set[str] = set()
        for module in dict.fromkeys(mutant.module for mutant in self.mutants):
            self._try_without_fault(module)
        for index, mutant in enumerate(self.mutants):
            outcome, by, tests = self._try(mutant)
            self.results.write(json.dumps([index, outcome, by, tests]) + "\n")
            self.results.flush()
        return True

    def _records(self) -> dict[str, Any]:
        """Return what each test runs: as kept where neither it nor a source changed, or anew."""
        sources = [
            path.read_text(encoding="utf-8")
            for folder in SOURCES
            for path in sorted((ROOT / folder).glob("**/*.py"))
        ]
        files = {item.nodeid.partition("::")[0] for item in self.session.items}
        chosen = f"{self.settings['cases']} {self.settings['slowest']}"
        keys = {
            name: fingerprint((ROOT / name).read_text(encoding="utf-8"), chosen, *sources)
            for name in files
        }
        path = KEPT / "records.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        missing: dict[str, list[pytest.Item]] = {}
        for item in self.session.items:
            name = item.nodeid.partition("::")[0]
            if name not in kept or kept[name]["key"] != keys[name]:
                missing.setdefault(name, []).append(item)
        for name, items in missing.items():
            print(f"  noting what {len(items)} tests of {name} run", flush=True)
            kept[name] = {
                "key": keys[name],
                "tests": _returned(functools.partial(self._recorded, items)),
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(kept), encoding="utf-8")
        return {
            item.nodeid: kept[item.nodeid.partition("::")[0]]["tests"][item.nodeid]
            for item in self.session.items
        }

    def _recorded(self, items: Sequence[pytest.Item]) -> dict[str, Any]:
        recorder = _Recorder(self.coverage, self.settings["slowest"])
        self.session.config.pluginmanager.register(recorder)
        return recorder.record(items)

    def _try_without_fault(self, module: str) -> None:
        """Leave out tests that fail in another order, and note modules that import but once."""
        source = (ROOT / module).read_text(encoding="utf-8")
        unchanged = Mutant(module, "", 0, 0, "", "", 0, source)
        while tests := self._chosen(module, [t for t in self.lines if module in self.lines[t]]):
            outcome, by = self._judged(unchanged, tests, even_unchanged=True)
            if outcome == "survived":
                return
            if not by:
                self.fragile.add(module)
                return
            print(f"  {by} fails in another order", flush=True)
            del self.lines[by]

    def _judged(
        self, mutant: Mutant, tests: list[str], even_unchanged: bool = False
    ) -> tuple[str, str]:
        def run(tell: Callable[[str], None]) -> None:
            # What a test has loaded already, and what it loads by the name of its file.
            changed = transplant(mutant)
            if not mutant.module.startswith("nclib/"):
                _import_instead(ROOT / mutant.module, mutant.source)
            elif not changed and not even_unchanged:
                tell("unreached")
                return
            judge = _Judge(tell, self.seconds)
            self.session.config.pluginmanager.register(judge)
            for test, following in zip(tests, [*tests[1:], None], strict=True):
                item = self.items[test]
                nextitem = self.items[following] if following else None
                runtestprotocol(item, log=False, nextitem=nextitem)

        return _in_child(run, 5 + TIMES_SLOWER * sum(self.seconds[test] for test in tests))

    def _try(self, mutant: Mutant) -> tuple[str, str, list[str]]:
        statement = (1 << mutant.last + 1) - (1 << mutant.first)
        reaching = [
            test for test, lines in self.lines.items() if lines.get(mutant.module, 0) & statement
        ]
        outside = self.collected.get(mutant.module, 0) & statement
        if outside and not reaching:  # a constant, or a default
            reaching = [test for test, lines in self.lines.items() if mutant.module in lines]
        tests = self._chosen(mutant.module, reaching)
        if not tests:
            return "survived", "", []
        if mutant.module in self.fragile:
            return "unreached", "", tests
        outcome, by = self._judged(mutant, tests)
        if by == "unreached" or (outcome == "survived" and outside):
            return "unreached", "", tests
        if outcome != "survived":
            self.killers.setdefault(mutant.module, Counter())[by] += 1
        return outcome, by, []

    def _chosen(self, module: str, reaching: list[str]) -> list[str]:
        """Return tests in the order to run them, as many as the seconds allow.

        First those that have killed other mutants of the module, then one case of every function,
        the quickest first, then second cases, and so on.
        """
        killers = self.killers.get(module, Counter())
        by_function: dict[str, list[str]] = {}
        for test in sorted(reaching, key=lambda test: self.seconds[test]):
            by_function.setdefault(test.partition("[")[0], []).append(test)
        rank = {test: at for tests in by_function.values() for at, test in enumerate(tests)}
        order = sorted(reaching, key=lambda test: (-killers[test], rank[test], self.seconds[test]))
        chosen, left = [], float(self.settings["seconds"])
        for test in order:
            if left <= 0:
                break
            chosen.append(test)
            left -= self.seconds[test]
        return chosen


class _ScriptServer:
    """A plugin of pytest that runs tests of scripts once, and then with one faulty script each."""

    def __init__(self, mutants: Sequence[Mutant], results: Any) -> None:
        self.mutants = mutants
        self.results = results
        self.failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        self.failed |= call.excinfo is not None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        seconds: dict[pytest.Item, float] = {}
        by_file: dict[Path, float] = {}
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            began = sum(os.times()[:4])
            runtestprotocol(item, log=False, nextitem=following)
            seconds[item] = sum(os.times()[:4]) - began
            by_file[item.path] = by_file.get(item.path, 0.0) + seconds[item]
        if self.failed:
            raise RuntimeError("the tests of the scripts do not pass without a fault")
        killers: Counter[str] = Counter()
        for index, mutant in enumerate(self.mutants):
            # What the tests of a file share is made once: files stay whole, the quick one first.
            order = sorted(
                seconds,
                key=lambda item: (by_file[item.path], -killers[item.nodeid], seconds[item]),
            )
            outcome, by = self._judged(mutant, order, 10 + 2 * sum(seconds.values()))
            if outcome != "survived":
                killers[by] += 1
            self.results.write(json.dumps([index, outcome, by, []]) + "\n")
            self.results.flush()
        return True

    def _judged(self, mutant: Mutant, items: list[pytest.Item], limit: float) -> tuple[str, str]:
        def run(tell: Callable[[str], None]) -> None:
            os.environ |= {"NCLIB_SCRIPTS": str(scripts), "NCLIB_SITE": str(site)}
            # A page that will never answer is not waited for as one on a busy machine is.
            os.environ["NCLIB_PATIENCE"] = "60000"
            items[0].session.config.pluginmanager.register(_Judge(tell))
            for item, following in zip(items, [*items[1:], None], strict=True):
                runtestprotocol(item, log=False, nextitem=following)

        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as folder:
            scripts = Path(shutil.copytree((ROOT / mutant.module).parent, f"{folder}/scripts"))
            site = Path(folder, "site")
            shutil.copytree(SITE, site, copy_function=os.link)
            for place in (scripts, site / "_static"):
                path = place / Path(mutant.module).name
                path.unlink()  # of the site, a link to the right one
                path.write_text(mutant.source, encoding="utf-8")
            # Node asks for more addresses than a mutant of Python is given.
            return _in_child(run, limit, room=None)


def _returned(call: Callable[[], Any]) -> Any:
    """Call in a child, so that nothing stays in this process, and return what it returns."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            try:
                pickle.dump(call(), pipe)
            except BaseException:
                import traceback

                traceback.print_exc()
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        result = pickle.load(pipe)
    os.waitpid(child, 0)
    return result
