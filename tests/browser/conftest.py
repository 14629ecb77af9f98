"""Prints what a first visit to each page costs, at the end of the run."""

import pytest

_PROPERTY = "first_visit"


@pytest.fixture
def record_cost(request):
    def record(page, size, milliseconds):
        request.node.user_properties.append((_PROPERTY, (page, size, milliseconds)))

    return record


def pytest_terminal_summary(terminalreporter):
    costs = sorted(
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, value in report.user_properties
        if name == _PROPERTY
    )
    if not costs:
        return
    terminalreporter.section("first visit, nothing cached")
    width = max(len(page) for page, _, _ in costs)
    terminalreporter.write_line(f"{'page':{width}}  MB, gzip  s until settled")
    for page, size, milliseconds in costs:
        terminalreporter.write_line(
            f"{page:{width}}  {size / 1e6:8.2f}  {milliseconds / 1e3:15.2f}"
        )
