"""Turn the book's Markdown into plain Markdown, which every notebook program shows.

JupyterLab, Colab and editors know headings, quotes and formulas, but not the book's boxes,
citations and references. Only these are rewritten, and all other text stays as it is, line by line:
a parser would have to write everything anew, and markdown-it writes HTML alone.
"""

import re
from functools import cache
from pathlib import Path

from pybtex.database import Entry, parse_file  # type: ignore[import-untyped]

from tools.notebooks import BOOK, read

FENCE = re.compile(
    r"^:::\{(?P<kind>[\w:-]+)\} ?(?P<title>[^\n]*)\n(?P<options>(?::[^\n]*\n)*)(?P<body>.*?)^:::$",
    re.DOTALL | re.MULTILINE,
)
# What stands in a question to guess at; book/_ext/predict.py says more of it.
GUESSED = re.compile(
    r"(?P<question>.*?)\n\n(?P<meanings>- .*?)\n\n(?P<answer>(?![- ]).*)", re.DOTALL
)
LABELLED = re.compile(r"^(?P<indent> *)\$\$ \((?P<label>[\w-]+)\)$", re.MULTILINE)


@cache
def bibliography() -> dict[str, Entry]:
    """Read the works that the book cites."""
    return dict(parse_file(BOOK / "references.bib").entries)


@cache
def heading(path: Path) -> str:
    """Return the title of a page."""
    if path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in read(path).cells)
    else:
        text = path.read_text(encoding="utf-8")
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1] if found else path.stem


@cache
def equations() -> dict[str, tuple[str, int]]:
    """Find every equation with a label: the file it is in, and its number there."""
    return {
        found["label"]: (path.name, number)
        for path in sorted(BOOK.glob("*.ipynb"))
        for number, found in enumerate(
            (m for cell in read(path).cells for m in LABELLED.finditer(cell.source)), start=1
        )
    }


def cited(key: str, textual: bool) -> str:
    """Name a work: Papyan et al. (2020), or without parentheses."""
    entry = bibliography()[key]
    people = [" ".join(person.last_names) for person in entry.persons["author"]]
    names = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
    year = entry.fields["year"]
    return re.sub(r"[{}]", "", f"{names} ({year})" if textual else f"{names} {year}")


def quoted(title: str, body: str) -> str:
    """Write a box as a quotation with a title."""
    return "\n".join(f"> {line}".rstrip() for line in (f"**{title}**", "", *body.split("\n")))


def prediction(title: str, body: str) -> str:
    """Write a question to guess at, and its answer in a box that is closed."""
    parts = GUESSED.fullmatch(body)
    if parts is None:
        raise ValueError(f"a question to guess at has no list of choices or no answer: {body!r}")
    found = re.findall(r"^- \*\*(.+?)\*\*", parts["meanings"], re.DOTALL | re.MULTILINE)
    choices = "\n".join(f"- {' '.join(choice.split())}" for choice in found)
    asked = quoted(title, f"{parts['question']}\n\n{choices}")
    told = f"{parts['answer']}\n\n{parts['meanings']}"
    return f"{asked}\n\n<details><summary>Answer</summary>\n\n{told}\n\n</details>"


def plain(text: str, file: str) -> str:
    """Rewrite the Markdown of one cell of the notebook `file`."""

    def box(found: re.Match[str]) -> str:
        kind, title, body = found["kind"], found["title"], found["body"].strip()
        if kind in ("table", "container"):
            return body
        if "predict" in found["options"].split():
            return prediction(title, body)
        if "dropdown" in found["options"]:
            return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
        if kind == "exercise":
            return f"### Exercise {exercise_name(found['options'])} · {title}\n\n{body}"
        if kind.startswith("prf:"):
            title = f"{kind.removeprefix('prf:').capitalize()} {title}".strip()
        return quoted(title, body)

    def equation(found: re.Match[str]) -> str:
        where, number = equations()[found[1]]
        return (
            f"({number})" if where == file else f"({number}) of [{heading(BOOK / where)}]({where})"
        )

    def citation(found: re.Match[str]) -> str:
        textual = found[1] == "t"
        names = [cited(key.strip(), textual) for key in found[2].split(",")]
        return ", ".join(names) if textual else f"({'; '.join(names)})"

    text = LABELLED.sub(lambda m: f"{m['indent']}\\tag{{{equations()[m['label']][1]}}}$$", text)
    text = FENCE.sub(box, text)
    text = re.sub(r"^\([\w-]+\)=\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\{py:\w+\}(`[^`]+`)", r"\1", text)
    text = re.sub(r"\{(?:prf:)?ref\}`([^`<]+?)\s*<[^`]+>`", r"\1", text)
    text = re.sub(r"\{eq\}`([^`]+)`", equation, text)
    text = re.sub(r"\{cite:([pt])\}`([^`]+)`", citation, text)
    return re.sub(r"\[\]\(([^)#]+)\)", lambda m: f"[{heading(BOOK / m[1])}]({m[1]})", text)


def exercise_name(options: str) -> str:
    """Return the name of an exercise, from its options: ``:label: ex-05-b`` is 05-b."""
    found = re.search(r"^:label: ex-(\S+)$", options, re.MULTILINE)
    if found is None:
        raise ValueError(f"an exercise has no label ex-...: {options!r}")
    return found[1]
