"""Shared by all tests: hypothesis profiles and the tables at the end of a run.

A test that compares numbers takes the fixture `record_error` and calls
`record_error(what, error, allowed)` before it asserts; the largest error seen for each `what`
is printed at the end of the run, also under pytest-xdist. `make evidence` stores the same for the
tests that the ledger of claims names. A case that no longer makes as many comparisons as are
stored for it fails.
"""

import gc
import os
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, settings
from yardstick import yardstick

from tools import evidence as ledger

# Before numpy is first imported: on matrices of ten rows a second BLAS thread brings nothing, and
# where the cores are busy its waiting makes a run many times slower.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

_COMMON = {
    "deadline": None,
    # record_error only keeps a maximum, so one instance for all examples is what we want.
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("ci", max_examples=100, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=2000, print_blob=True, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_LARGEST_ERROR = "largest_error"
_FIRST_VISIT = "first_visit"
_EXPLORABLE = "explorable"


@pytest.fixture
def work_of():
    """Call a function; return what it returns, and its work in loops of a million steps.

    CPU time against CPU time: a clock would say how fast the machine is,
    and what else it does.
    """

    def call(function):
        began = time.process_time()
        result = function()
        return result, (time.process_time() - began) / yardstick()

    return call


@pytest.fixture
def work_and_memory_of(work_of):
    """The same, and the memory that it takes at most, in bytes: of a second call.

    Whatever is computed while memory is traced takes much longer, the unit of work not least.
    """

    def call(function):
        result, work = work_of(function)
        gc.collect()
        tracemalloc.start()
        function()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return result, work, peak

    return call


class ErrorRecorder:
    """Keeps, for each kind of comparison, how many there were and the largest error."""

    def __init__(self):
        self.noted = {}

    def __call__(self, what, error, allowed):
        """Note `error`; return True when it is within `allowed` (NaN never is)."""
        error, allowed = float(error), float(allowed)
        largest, most, instances = self.noted.get(what, (-1.0, 0.0, 0))
        if not (error <= largest):
            largest = error
        self.noted[what] = (largest, max(allowed, most), instances + 1)
        return error <= allowed


_RECORDER = pytest.StashKey[ErrorRecorder]()


@pytest.fixture
def record_error(request):
    recorder = request.node.stash[_RECORDER] = ErrorRecorder()
    yield recorder
    for what, noted in recorder.noted.items():
        request.node.user_properties.append((_LARGEST_ERROR, (what, *noted)))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """Tests have no examples in docstrings, and every worker would look through all of them."""
    found = yield
    return [one for one in found if type(one).__name__ != "DoctestModule"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a passing test of the ledger whose instances or tolerances are not the stored ones."""
    result = yield
    plugins = item.config.pluginmanager.get_plugins()
    if _RECORDER in item.stash and not any(isinstance(one, ledger.Recorder) for one in plugins):
        noted = item.stash[_RECORDER].noted
        stored = ledger.stored_instances().get(item.nodeid, {})
        compared = {what: noted[what][-1] if what in noted else 0 for what in stored}
        assert compared == stored, "the ledger's evidence is of another test: run `make evidence`"
        for what, allowed in ledger.stored_tolerances(item.nodeid).items():
            if what in noted:
                words = f"{what}: looser than in the ledger's evidence: run `make evidence`"
                assert noted[what][1] <= allowed, words
    return result


@pytest.fixture
def record_first_visit(request):
    """Notes what a first visit to a page costs; a table is printed at the end of the run."""

    def record(page, size, work):
        request.node.user_properties.append((_FIRST_VISIT, (page, size, work)))

    return record


@pytest.fixture
def record_explorable(request):
    """Notes facts about an explorable; a table of all of them is printed at the end of the run."""

    def record(name, **facts):
        request.node.user_properties.append((_EXPLORABLE, (name, facts)))

    return record


def noted(terminalreporter, name):
    """All values that tests have noted under `name`, also under pytest-xdist."""
    return [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for key, value in report.user_properties
        if key == name
    ]


def pytest_terminal_summary(terminalreporter):
    show_largest_errors(terminalreporter)
    show_first_visits(terminalreporter)
    show_explorables(terminalreporter)
    show_cpu_time(terminalreporter)


def show_cpu_time(terminalreporter):
    """Say what the run took, with all workers: a clock would say what else there was.

    A browser ends its processes without asking what they took: two fifths of its work are counted.
    """
    minutes = sum(os.times()[:4]) / 60
    terminalreporter.section("CPU time")
    terminalreporter.write_line(f"{minutes:.1f} minutes, without most of what browsers take")


def show_largest_errors(terminalreporter):
    worst = {}
    for what, error, allowed, instances in noted(terminalreporter, _LARGEST_ERROR):
        old = worst.get(what, (-1.0, 0.0, 0))
        largest = error if not (error <= old[0]) else old[0]
        worst[what] = (largest, max(allowed, old[1]), old[2] + instances)
    if not worst:
        return
    terminalreporter.section("largest errors")
    width = max(len(what) for what in worst)
    terminalreporter.write_line(
        f"{'comparison':{width}}  {'largest':>9}  {'allowed':>9}  instances"
    )
    for what in sorted(worst):
        error, allowed, instances = worst[what]
        terminalreporter.write_line(f"{what:{width}}  {error:9.1e}  {allowed:9.1e}  {instances:9d}")


def show_first_visits(terminalreporter):
    visits = sorted(noted(terminalreporter, _FIRST_VISIT))
    if not visits:
        return
    terminalreporter.section("first visit to a page, nothing cached")
    width = max(len(page) for page, _, _ in visits)
    terminalreporter.write_line(f"{'page':{width}}  MB, gzip   work")
    for page, size, work in visits:
        terminalreporter.write_line(f"{page:{width}}  {size / 1e6:8.2f}  {work:5.2f}")


def show_explorables(terminalreporter):
    table = {}
    for name, facts in noted(terminalreporter, _EXPLORABLE):
        table.setdefault(name, {}).update(facts)
    if not table:
        return
    terminalreporter.section("explorables: what was recomputed, and moved in a browser")
    columns = list(dict.fromkeys(fact for facts in table.values() for fact in facts))
    width = max(len(name) for name in table)
    terminalreporter.write_line("  ".join([" " * width, *columns]))
    for name, facts in sorted(table.items()):
        cells = [f"{facts.get(column, '-'):>{len(column)}}" for column in columns]
        terminalreporter.write_line("  ".join([f"{name:{width}}", *cells]))
