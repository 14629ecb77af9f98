"""The mutants of a module: its source with one small fault each, as cosmic-ray's operators make it.

What cannot be a fault that a reader meets is left out: docstrings and other text, type annotations,
what is raised, `__repr__`, imports and declarations for type checkers. In pictures, how thick,
large or opaque something is, too: a reader sees the same.
"""

import copy
import hashlib
import json
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import parso

# parso gives its kinds of nodes no common type that has what each of them has.
Node = Any

# A statement ends where one of these begins, going up.
_BLOCKS = {"suite", "file_input", "simple_stmt", "if_stmt", "while_stmt", "for_stmt", "with_stmt"}
_BLOCKS |= {"try_stmt", "funcdef", "classdef", "async_stmt"}

# `*` and `/` among parameters, `**` in a dictionary: no operators.
_NO_OPERATION = {"parameters", "typedargslist", "varargslist", "dictorsetmaker", "arglist"}

# Folder of the pictures, and by what names their looks are passed on.
_PICTURES = "nclib/views/"
# fmt: off
_LOOKS = {
    "alpha", "aspect", "columnspacing", "dpi", "dx", "dy", "figsize",
    "fontSize", "fontsize", "gridDash", "gridOpacity", "height", "labelFontSize", "labelLimit",
    "labelPadding", "labelSeparation", "length", "linewidth", "lw", "mew", "ms", "ncols",
    "offset", "opacity", "pad", "padding", "shrink", "size", "strokeDash", "strokeWidth",
    "symbolOpacity", "symbolSize", "symbolStrokeWidth", "thickness", "titleFontSize",
    "titlePadding", "titlesize", "width", "xytext", "yOffset", "zorder",
}
# fmt: on


@dataclass(frozen=True)
class Mutant:
    """One fault in one module.

    Attributes
    ----------
    module : str
        Path of the module, from the root of the project.
    function : str
        Name of the function or class around the fault, with dots; empty outside of them.
    first, last : int
        Lines of the statement that has the fault.
    line : str
        The line of the fault, without the spaces around it.
    change : str
        What stands there and what the mutant has instead.
    number : int
        Which of several equal lines of the function, and of equal changes in them.
    source : str
        The whole module with the fault.
    """

    module: str
    function: str
    first: int
    last: int
    line: str
    change: str
    number: int
    source: str

    @property
    def key(self) -> str:
        """Name that stays when other lines of the module change."""
        return f"{self.function} | {self.line} | {self.change} | {self.number}"


def mutants_of(module: str, root: Path, operators: Sequence[str]) -> list[Mutant]:
    """Make every mutant of a module, in the order of its lines.

    Parameters
    ----------
    module : str
        Path from `root`.
    root : Path
        Folder of the project.
    operators : sequence of str
        Names of cosmic-ray's operators, such as ``ReplaceBinaryOperator_Add_Sub``.
    """
    # Of an extra of its own: the tests do without.
    import cosmic_ray.plugins

    source = (root / module).read_text(encoding="utf-8")
    starts = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
    lines = source.splitlines()
    tree: Node = parso.parse(source)  # type: ignore[no-untyped-call]
    made: dict[str, tuple[int, Mutant]] = {}
    counts: dict[tuple[str, str, str], int] = {}
    classes = [cosmic_ray.plugins.get_operator(f"core/{name}")() for name in operators]
    for node in _worth_mutating(tree, _LOOKS if module.startswith(_PICTURES) else ()):
        for operator in classes:
            positions = list(operator.mutation_positions(node))
            for index, (start, end) in enumerate(positions):
                if _is_left_out(type(operator).__name__, node):
                    continue
                begin, first, stop, finish = (
                    starts[row - 1] + column
                    for row, column in (node.start_pos, start, end, node.end_pos)
                )
                text = _detached(operator.mutate(_detached_copy(node), index))
                after = text[first - begin : len(text) - (finish - stop)].strip()
                mutated = source[:begin] + text + source[finish:]
                if mutated in made or not _compiles(mutated):
                    continue
                leaf = tree.get_leaf_for_position(start)
                function, line = _name_around(leaf), lines[start[0] - 1].strip()
                change = f"{' '.join(source[first:stop].split())} -> {' '.join(after.split())}"
                number = counts[function, line, change] = (
                    counts.get((function, line, change), 0) + 1
                )
                top, bottom = _statement(leaf)
                mutant = Mutant(module, function, top, bottom, line, change, number, mutated)
                made[mutated] = (begin, mutant)
    return [mutant for _, mutant in sorted(made.values(), key=lambda pair: pair[0])]


def mutants_of_script(script: str, root: Path, functions: Sequence[str]) -> list[Mutant]:
    """Make every mutant of named functions of a script of the book, in the order of its lines."""
    command = ["node", "tools/script_mutants.mjs", script, *functions]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [Mutant(module=script, **made) for made in json.loads(run.stdout)]


def fingerprint(*texts: str) -> str:
    """Return a short hash of texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _worth_mutating(node: Node, looks: Collection[str]) -> Iterator[Node]:
    """Yield the nodes of a tree, without what is left out."""
    kind = node.type
    if kind in {"raise_stmt", "import_name", "import_from", "decorator", "annassign", "string"}:
        # Of `name: type = value` the value counts.
        if kind == "annassign" and len(node.children) > 2:
            yield from _worth_mutating(node.children[3], looks)
        return
    if kind == "funcdef" and node.name.value == "__repr__":
        return
    if kind in {"decorated", "if_stmt"} and _is_for_type_checkers(node):
        return
    if kind == "expr_stmt" and _names_a_type(node):
        return
    yield node
    for place, child in enumerate(getattr(node, "children", ())):
        # parso has the annotation of a parameter as its own node, and that of a result in funcdef.
        if kind == "param" and child is not node.default:
            continue
        if kind == "funcdef" and child is node.annotation:
            continue
        # An assertion that lengths agree: no fault without another.
        if kind == "argument" and _detached(node.children[0]) in {"strict", *looks}:
            continue
        if kind == "dictorsetmaker" and _key(node, place) in looks:
            continue
        yield from _worth_mutating(child, looks)


def _key(node: Node, place: int) -> str:
    """Return `ms` for the 7 of `{"ms": 7}`, and for that of `{"lines.ms": 7}`."""
    if place < 2 or _detached(node.children[place - 1]) != ":":
        return ""
    return _detached(node.children[place - 2]).strip("\"'").rpartition(".")[2]


def _is_for_type_checkers(node: Node) -> bool:
    if node.type == "if_stmt":
        return bool(node.children[1].get_code().strip() == "TYPE_CHECKING")
    return "overload" in node.children[0].get_code()


def _names_a_type(node: Node) -> bool:
    """Tell whether a statement of a module gives a name to a type, or lists names."""
    name = node.children[0].get_code().strip()
    is_outside = node.parent.parent is not None and node.parent.parent.type == "file_input"
    return is_outside and (name.startswith("__") or (name[:1].isupper() and not name.isupper()))


def _is_left_out(operator: str, node: Node) -> bool:
    """Tell whether another operator makes the same (`not a == b` is `a != b`), or none can."""
    if operator == "ExceptionReplacer":
        # It knows plain names only: `csv.Error` in a tuple of exceptions stops it.
        return "." in _detached(node.children[1])
    if operator == "AddNot":
        condition = node.children[2 if node.type == "test" else 1]
        return condition.type in {"comparison", "not_test"}
    return node.type == "operator" and node.parent.type in _NO_OPERATION


def _detached_copy(node: Node) -> Node:
    """Copy a node without all that is above it, which operators leave alone."""
    parent, node.parent = node.parent, None
    try:
        made = copy.deepcopy(node)
    finally:
        node.parent = parent
    made.parent = parent
    return made


def _detached(node: Node) -> str:
    return str(node.get_code(include_prefix=False))


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _name_around(node: Node) -> str:
    names: list[str] = []
    above = node.parent
    while above is not None:
        if above.type in {"funcdef", "classdef"}:
            names.append(above.name.value)
        above = above.parent
    return ".".join(reversed(names))


def _statement(node: Node) -> tuple[int, int]:
    while node.parent is not None and node.parent.type not in _BLOCKS:
        node = node.parent
    return node.start_pos[0], node.end_pos[0]
