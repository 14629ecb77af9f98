r"""Set the formulas of docstrings, which are written to be read as text.

Between two pairs of backticks ``kappa^2 / N <= sqrt(lambda_W lambda_H)`` becomes a formula on a
page of the reference, if every part of it is known here. Whatever else stands there stays code:
names with a dot, arguments, words.
"""

import re

from sphinx.application import Sphinx

GREEK = frozenset(
    [
        *("alpha", "gamma", "delta", "eps", "kappa", "lambda", "Lambda", "mu"),
        *("omega", "phi", "rho", "sigma", "Sigma", "tau", "theta"),
    ]
)
SPECIAL = {"Hbar": r"\bar H", "Yhat": r"\hat Y", "eps": r"\varepsilon"}
FUNCTIONS = {
    "diag": r"\operatorname{diag}",
    "exp": r"\exp",
    "log": r"\log",
    "max": r"\max",
    "min": r"\min",
    "std": r"\operatorname{std}",
    "tr": r"\operatorname{tr}",
}
# A formula has one of these; a lone name or a shape is none.
TELLS = re.compile(r"\^|sqrt\(|\bsum_|\|\||diag\(|[^=<>] / |[\w)'] (?:=|<=|>=|<|>) ")
MEANING = {
    "...": r"\cdots ",
    "<=": r"\le ",
    ">=": r"\ge ",
    "*": r"\cdot ",
    "_*": r"_\ast ",
}
TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<dots>\.\.\.)|(?P<norm>\|\|)|(?P<relation><=|>=)"
    r"|(?P<name>[A-Za-z]+)(?:_(?P<sub>[A-Za-z0-9]+|\*))?|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<power>\^-?\d+|\^)|(?P<sign>[-+/=<>,()*'{}|])|(?P<under>_(?:F|\*|2))"
)


def name(word: str, sub: str | None) -> str | None:
    """Write a name with its index; None if it is not that of a number or a matrix."""
    if word == "sum":
        return rf"\sum_{{{sub}}}" if sub else None
    if word in FUNCTIONS and sub is None:
        return FUNCTIONS[word]
    if word in SPECIAL:
        core = SPECIAL[word]
    elif word in GREEK:
        core = f"\\{word}"
    elif len(word) == 1:
        core = word
    else:
        return None
    if sub is None:
        return core
    layer = re.fullmatch(r"W(\d|[a-zL])", sub)
    index = f"W_{layer[1]}" if layer else r"\ast" if sub == "*" else sub
    return None if len(sub) > 2 else f"{core}_{{{index}}}"


def closing(text: str, opened: int) -> int:
    """Return where the parenthesis that opens at a place is closed; -1 if it is not."""
    depth = 0
    for place in range(opened, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return -1


def tex(text: str) -> str | None:
    """Write a formula as TeX; None if it has a part that is not known."""
    parts, place, open_norm = [], 0, False
    while place < len(text):
        for opening, form in (("sqrt(", r"\sqrt{%s}"), ("^(", "^{%s}")):
            if text.startswith(opening, place):
                end = closing(text, place + len(opening) - 1)
                inner = tex(text[place + len(opening) : end]) if end > 0 else None
                if inner is None:
                    return None
                parts.append(form % inner)
                place = end + 1
                break
        else:
            found = TOKEN.match(text, place)
            if found is None:
                return None
            place = found.end()
            if found["name"]:
                written = name(found["name"], found["sub"])
                if written is None:
                    return None
                parts.append(f"{written} ")
            elif found["power"] and len(found[0]) > 1:
                parts.append(f"^{{{found[0][1:]}}}")
            elif found[0] == "*" and place > 1 and text[place - 2] != " ":
                parts.append(r"^\ast ")  # an optimum, where a product stands between spaces
            elif found["norm"]:
                parts.append(r"\rVert" if open_norm else r"\lVert ")
                open_norm = not open_norm
            elif found["sign"] in ("{", "}") and not (parts and "^" in "".join(parts[-9:])):
                return None
            else:
                parts.append(MEANING.get(found[0], " " if found["space"] else found[0]))
    return None if open_norm else "".join(parts).strip()


def set_formula(found: re.Match[str]) -> str:
    """Write one piece of code as a formula, if it is one."""
    text = " ".join(found[1].split())
    written = tex(text) if TELLS.search(text) and re.search("[A-Za-z]", text) else None
    return found[0] if written is None else f":math:`{written}`"


def process(
    app: Sphinx, what: str, full_name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Set the formulas of a docstring."""
    text = "\n".join(lines)
    lines[:] = re.sub(r"(?<!`)``([^`]+)``(?!`)", set_formula, text).split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension: after numpydoc, which looks for sections."""
    app.connect("autodoc-process-docstring", process, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
