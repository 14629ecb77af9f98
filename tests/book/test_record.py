"""What catalogues and journals read of the project: the same everywhere, and whole."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_file

import nclib
from nclib.teaching import EXERCISES

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
CODEMETA = json.loads((ROOT / "codemeta.json").read_text("utf-8"))
ZENODO = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
REFERENCES = parse_file(BOOK / "references.bib").entries
README = (ROOT / "README.md").read_text("utf-8")
PAPER = (ROOT / "paper.md").read_text("utf-8")

GAP = "TO BE FILLED IN"


def entry_of_the_readme():
    """The entry of the project that people copy from the README, its spaces and braces gone."""
    (text,) = re.findall(r"^@book\{nclib,\n(.*?)^\}", README, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"(\w+) += \{+(.*?)\}+,?\n", text))


class TestTheFilesAgree:
    def test_on_the_version(self):
        (newest, *_) = re.findall(
            r"^## (\S+), (not released yet|\d{4}-\d{2}-\d{2})$",
            (ROOT / "CHANGELOG.md").read_text("utf-8"),
            re.MULTILINE,
        )
        versions = [CITATION["version"], CODEMETA["version"], ZENODO["version"], newest[0]]
        versions += [nclib.__version__, entry_of_the_readme()["note"].removeprefix("Version ")]
        assert set(versions) == {PROJECT["version"]}

    def test_on_the_title(self):
        titles = [CITATION["title"], CODEMETA["name"], ZENODO["title"], CONFIG["title"]]
        titles += [yaml.safe_load(PAPER.split("---\n")[1])["title"], entry_of_the_readme()["title"]]
        titles += re.findall('^Prose and figures of "(.*)"$', self.license("-CC-BY-4.0"), re.M)
        assert len(titles) == 7
        assert len(set(titles)) == 1

    def license(self, which=""):
        return (ROOT / f"LICENSE{which}").read_text("utf-8")

    def test_on_the_license(self):
        assert CITATION["license"] == ZENODO["license"] == PROJECT["license"] == "MIT"
        assert CODEMETA["license"] == "https://spdx.org/licenses/MIT"
        assert "MIT License" in self.license()
        for file in PROJECT["license-files"]:
            assert (ROOT / file).is_file()

    def test_on_the_names(self):
        names = [author["name"] for author in PROJECT["authors"]]
        assert [author["name"] for author in CITATION["authors"]] == names
        assert [author["name"] for author in CODEMETA["author"]] == names
        assert [creator["name"] for creator in ZENODO["creators"]] == names
        assert CONFIG["author"] == entry_of_the_readme()["author"] == " and ".join(names)
        for which in ("", "-CC-BY-4.0"):
            assert f"Copyright (c) {CONFIG['copyright']} {CONFIG['author']}" in self.license(which)

    def test_on_what_it_is_and_how_it_is_installed(self):
        assert CODEMETA["description"] == ZENODO["description"] == CITATION["abstract"]
        assert CODEMETA["keywords"] == ZENODO["keywords"] == CITATION["keywords"]
        assert CODEMETA["identifier"] == PROJECT["name"]
        assert PROJECT["requires-python"].removeprefix(">=") in CODEMETA["runtimePlatform"]

    def test_on_the_paper(self):
        (paper,) = CITATION["references"]
        assert CODEMETA["referencePublication"]["name"] == paper["title"]
        assert CODEMETA["referencePublication"]["url"] == paper["url"]
        (related,) = ZENODO["related_identifiers"]
        assert related["identifier"] == paper["identifiers"][0]["value"]
        assert REFERENCES["liu24"].fields["title"] == paper["title"]

    def test_on_the_address(self):
        """None is known before the project is published; then all of them say the same."""
        urls = PROJECT.get("urls", {})
        addresses = {
            urls.get("Repository"),
            CODEMETA.get("codeRepository"),
            CITATION.get("repository-code"),
        }
        assert len(addresses) == 1
        assert bool(urls.get("Issues")) == bool(urls.get("Repository"))


@pytest.mark.parametrize("key", REFERENCES)
def test_every_reference_can_be_found(key):
    fields = REFERENCES[key].fields
    found = {name: fields[name] for name in ("doi", "eprint", "url") if name in fields}
    assert found
    forms = {"doi": r"10\.\d{4,9}/\S+", "eprint": r"\d{4}\.\d{4,5}", "url": r"https?://[^\s/]+/\S+"}
    for name, value in found.items():
        assert re.fullmatch(forms[name], value), value
    assert ("eprint" in fields) == (fields.get("archivePrefix") == "arXiv")


class TestPaper:
    ENTRIES = parse_file(ROOT / "paper.bib").entries
    # Of software, which the book does not cite.
    OWN = ("wu25",)

    def test_it_has_the_sections_that_the_journal_asks_for(self):
        _, head, text = PAPER.split("---\n", 2)
        sections = re.findall(r"^# (.+)$", text, re.MULTILINE)
        expected = [
            "Summary", "Statement of need", "Learning objectives",
            "Content and instructional design", "Experience of use", "The story of the project",
            "Acknowledgements", "References",
        ]  # fmt: skip
        assert sections == expected
        said = yaml.safe_load(head)
        assert set(said) == {"title", "tags", "authors", "affiliations", "date", "bibliography"}
        assert (ROOT / said["bibliography"]).is_file()

    def test_it_cites_what_is_there_and_all_of_it(self):
        cited = re.findall(r"(?<=[\[; -])-?@([a-z]+\d\d)", PAPER)
        assert set(cited) == set(self.ENTRIES)

    def test_its_entries_are_those_of_the_book(self):
        for key, entry in self.ENTRIES.items():
            if key not in self.OWN:
                assert entry == REFERENCES[key], key

    def test_its_numbers_are_counted(self):
        chapters = sorted(BOOK.glob("[01][0-9]-*.ipynb"))
        exercises = sum(path.read_text("utf-8").count(":::{exercise}") for path in chapters)
        charts = "".join(path.read_text("utf-8") for path in BOOK.glob("*.ipynb"))
        shown = set(re.findall(r'id=\\"explorable-([\w-]+)\\"', charts))
        claims = yaml.safe_load((BOOK / "claims.yml").read_text("utf-8"))
        errata = (BOOK / "14-errata.ipynb").read_text("utf-8")
        numbers = {
            "chapters": len(chapters),
            "exercises": exercises,
            "of their answers": len(EXERCISES),
            "charts": len(shown),
            "claims": sum(len(part["rows"]) for part in claims),
            "entries": len(set(re.findall(r"#+ (E\d+):", errata))),
        }
        text = " ".join(PAPER.split())
        for what, number in numbers.items():
            assert re.findall(rf"(\d+) {what}\b", text) == [str(number)], what


def test_what_only_the_owner_knows_is_marked():
    """In these files, and in no other; the rest of them is whole."""
    marked = {
        path.name
        for path in ROOT.iterdir()
        if path.suffix in {".md", ".json", ".cff", ".toml", ".bib"}
        and GAP in path.read_text("utf-8")
    }
    # CONTRIBUTING says where they are.
    assert marked == {"paper.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md"}


FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]-*.yml"))


def test_there_are_three_forms():
    names = [yaml.safe_load(path.read_text("utf-8"))["name"] for path in FORMS]
    assert names == ["A wrong number or claim", "A fault", "A question"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_what_the_host_asks_for(path):
    form = yaml.safe_load(path.read_text("utf-8"))
    assert set(form) == {"name", "description", "labels", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    identifiers = [field["id"] for field in fields]
    assert len(identifiers) == len(set(identifiers)) >= 3
    for field in form["body"]:
        assert field["type"] in {"markdown", "input", "textarea", "dropdown"}
        assert set(field) <= {"type", "id", "attributes", "validations"}
        attributes = field["attributes"]
        assert attributes["value" if field["type"] == "markdown" else "label"]
        assert ("options" in attributes) == (field["type"] == "dropdown")
    assert any(field.get("validations", {}).get("required") for field in fields)
