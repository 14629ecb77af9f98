"""Tables of the ledger: what is claimed, from claims.yml, beside what was measured.

```{claims} The abstract
```

puts one part of the ledger into a page, `{claims-summary}` counts the whole, and `{claims-bar}`
shows how many claims have which verdict. The numbers are those of results/evidence.json, which
`make evidence` writes. On the page of the ledger ledger.js adds what filters and sorts; without it
all rows stand there.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from launch_buttons import remote, web_address
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

# Each verdict with its sign, so that none is told by its colour alone.
VERDICTS = {
    "holds": "\N{CHECK MARK}",
    "holds after correction": "\N{NOT EQUAL TO}",
    "undefined as printed": "?",
    "not testable": "\N{WHITE CIRCLE}",
}
# What stands above each column, and its share of the width.
COLUMNS = {
    "Claim": 35,
    "Verdict": 13,
    "Instances": 11,
    "Largest error": 12,
    "Bound": 12,
    "Where": 17,
}
NOT_MEASURED = "\N{EM DASH}"


def number(value: float) -> str:
    """Write an error or a bound: powers of ten, and 0 for a count of failures."""
    return f"{value:.0e}".replace("e-0", "e-") if value else "0"


def instances(evidence: dict[str, Any]) -> int:
    """Return how many instances were compared for a row."""
    return sum(m["instances"] for test in evidence["tests"].values() for m in test.values())


def measured(evidence: dict[str, Any]) -> dict[str, float]:
    """Return the largest error of each thing that was compared for a row, under its name."""
    largest: dict[str, float] = {}
    for test in evidence["tests"].values():
        for what, noted in test.items():
            largest[what] = max(noted["largest"], largest.get(what, 0))
    return largest


def comparisons(evidence: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Return what was compared for a row, the largest error of each and its bound.

    Of a name the end will do: ``networks of figure 1: gap`` is the gap. What has one bound together
    is one comparison, without a name.
    """
    largest, bound = measured(evidence), evidence["bound"]
    if not isinstance(bound, dict):
        return [("", max(largest.values()), bound)]
    return [(what.rpartition(": ")[2], largest[what], limit) for what, limit in bound.items()]


def nearness(comparison: tuple[str, float, float]) -> float:
    """Return how much of its bound an error takes."""
    _, error, bound = comparison
    return error / bound if bound else float(error > 0)


def figures(evidence: dict[str, Any] | None) -> list[nodes.paragraph]:
    """Write the number of instances of a row, and of what comes nearest to its bound both."""
    if evidence is None:
        return [nodes.paragraph("", NOT_MEASURED) for _ in range(3)]
    _, error, bound = max(comparisons(evidence), key=nearness)
    texts = f"{instances(evidence):,}", number(error), number(bound)
    return [nodes.paragraph("", text) for text in texts]


def verdict_class(verdict: str) -> str:
    """Return the class that colours a verdict."""
    return f"verdict-{nodes.make_id(verdict)}"


def badge(verdict: str) -> nodes.inline:
    """Write a verdict with its sign."""
    sign = nodes.inline("", VERDICTS[verdict], classes=["sign"])
    return nodes.inline(
        "", "", sign, nodes.Text(f" {verdict}"), classes=["verdict", verdict_class(verdict)]
    )


def bar(counted: Counter[str]) -> list[nodes.Node]:
    """Draw how many claims have which verdict, and say it below in words."""
    parts = "".join(
        f'<span class="{verdict_class(verdict)}" style="flex-grow: {counted[verdict]}">'
        f"{sign} {counted[verdict]}</span>"
        for verdict, sign in VERDICTS.items()
    )
    drawn = nodes.raw(
        "", f'<div class="claims-bar" aria-hidden="true">{parts}</div>', format="html"
    )
    listed = nodes.bullet_list(classes=["claims-totals"])
    for verdict in VERDICTS:
        number = nodes.strong("", f"{counted[verdict]}")
        said = nodes.paragraph("", "", number, nodes.Text(" "), badge(verdict))
        listed += nodes.list_item("", said)
    return [drawn, listed]


def source_of(test: str, repository: str) -> nodes.Node:
    """Name a test, with a link to its file if there is a repository to lead to."""
    name = nodes.literal("", test)
    if not repository:
        return name
    path = test.partition("::")[0]
    return nodes.reference("", "", name, refuri=f"{repository}/blob/HEAD/{path}", internal=False)


class Ledger(SphinxDirective):
    """What both directives need: the rows, joined with what was measured."""

    def read(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Read both files; a page is made again when one of them changes."""
        folder = Path(self.env.srcdir) / Path(self.env.docname).parent
        claims, evidence = folder / "claims.yml", folder / "results" / "evidence.json"
        for path in (claims, evidence):
            self.env.note_dependency(str(path))
        parts = yaml.safe_load(claims.read_text(encoding="utf-8"))
        return parts, json.loads(evidence.read_text(encoding="utf-8"))

    def paragraph(self, text: str) -> list[nodes.Node]:
        """Parse text that is written as any text of the book."""
        holder = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines()), self.content_offset, holder)
        return holder.children


class Claims(Ledger):
    """One part of the ledger as a table."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        parts, evidence = self.read()
        rows = [row for part in parts if part["part"] == self.arguments[0] for row in part["rows"]]
        if not rows:
            raise self.error(f"claims.yml has no part {self.arguments[0]!r}")
        table = nodes.table(classes=["claims", "colwidths-given"])
        group = nodes.tgroup(cols=len(COLUMNS))
        group += [nodes.colspec(colwidth=width) for width in COLUMNS.values()]
        head, body = nodes.thead(), nodes.tbody()
        head += self.cells([[nodes.paragraph("", title)] for title in COLUMNS])
        body += [self.row(row, evidence["rows"].get(row["id"])) for row in rows]
        group += [head, body]
        table += group
        return [table]

    def row(self, row: dict[str, Any], evidence: dict[str, Any] | None) -> nodes.row:
        """Make the row of one claim."""
        made = self.cells(
            [
                [
                    *self.paragraph(f"**{row['place']}.** {row['claim']}"),
                    *self.tests(row, evidence),
                ],
                [nodes.paragraph("", "", badge(row["verdict"]))],
                *([paragraph] for paragraph in figures(evidence)),
                [self.links(row)],
            ]
        )
        made["ids"] = [f"claim-{row['id']}"]
        made["classes"] = [verdict_class(row["verdict"])]
        return made

    def tests(self, row: dict[str, Any], evidence: dict[str, Any] | None) -> list[nodes.Node]:
        """List in a box what was compared, what measures it, and what refutes the printed form."""
        lists: list[nodes.Node] = []
        compared = comparisons(evidence) if evidence else []
        if len(compared) > 1:
            said = (
                f"{name} {number(error)} (bound {number(bound)})" for name, error, bound in compared
            )
            items = [nodes.list_item("", nodes.paragraph("", text)) for text in said]
            lists += [nodes.paragraph("", "Largest errors:"), nodes.bullet_list("", *items)]
        for title, tests in (
            ("Measured by", row.get("tests", [])),
            ("That the printed form fails is shown by", row.get("refuted_by", [])),
        ):
            if tests:
                repository = web_address(remote(Path(self.env.app.confdir)))
                sources = [nodes.paragraph("", "", source_of(test, repository)) for test in tests]
                items = [nodes.list_item("", source) for source in sources]
                lists += [nodes.paragraph("", f"{title}:"), nodes.bullet_list("", *items)]
        if not lists:
            return []
        opening = '<details class="nc-tests"><summary>Tests</summary>'
        return [
            nodes.raw("", opening, format="html"),
            *lists,
            nodes.raw("", "</details>", format="html"),
        ]

    def links(self, row: dict[str, Any]) -> nodes.paragraph:
        """Link the errata and the sections of chapters that a row names."""
        links = nodes.paragraph()
        targets = [
            (f"Counterexample: {erratum}", f"14-errata.html#erratum-{erratum.lower()}")
            for erratum in row.get("errata", [])
        ]
        for place in row.get("where", []):
            page, _, heading = place.partition("#")
            title = f"Chapter {int(page[:2])}, {heading}"
            targets.append((title, f"{page}.html#{nodes.make_id(heading)}"))
        for title, uri in targets:
            if len(links):
                links += nodes.Text("; ")
            links += nodes.reference("", title, refuri=uri, internal=True)
        return links if len(links) else nodes.paragraph("", NOT_MEASURED)

    def cells(self, contents: list[list[nodes.Node]]) -> nodes.row:
        """Make a row of a table from what its cells hold."""
        row = nodes.row()
        for content in contents:
            entry = nodes.entry()
            entry += content
            row += entry
        return row


class ClaimsSummary(Ledger):
    """How many claims there are of each verdict, what was measured, and with what."""

    def run(self) -> list[nodes.Node]:
        """Make the sentences."""
        parts, evidence = self.read()
        rows = [row for part in parts for row in part["rows"]]
        verdicts = Counter(row["verdict"] for row in rows)
        compared = sum(instances(row) for row in evidence["rows"].values())
        made_with = evidence["made_with"]
        machine = f"{made_with['system']} on {made_with['machine']}"
        versions = ", ".join(
            f"{name} {version}"
            for name, version in made_with.items()
            if name not in ("system", "machine")
        )
        return [
            *self.paragraph(f"**{len(rows)} claims** and {compared:,} compared instances:"),
            *bar(verdicts),
            *self.paragraph(f"Measured in one run of the tests, with {versions} ({machine})."),
        ]


class ClaimsBar(Ledger):
    """How many claims there are of each verdict, for a page that leads to the ledger."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        parts, _ = self.read()
        return bar(Counter(row["verdict"] for part in parts for row in part["rows"]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("claims", Claims)
    app.add_directive("claims-summary", ClaimsSummary)
    app.add_directive("claims-bar", ClaimsBar)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
