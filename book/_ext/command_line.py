"""The reference of the command line: `{command-line}` writes it from the commands themselves.

Each command gets a section with its help, which is Markdown, and a list of what it takes.
"""

from typing import Any

import typer.main
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nclib.cli import app as commands


class CommandLine(SphinxDirective):
    """All commands, in the order of ``nclib --help``."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        found = typer.main.get_command(commands).commands
        return [self.section(name, command) for name, command in found.items()]

    def section(self, name: str, command: Any) -> nodes.section:
        """Write what a command is for, how it is called and what it takes."""
        title = f"nclib {name}"
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        section += nodes.title("", "", nodes.literal("", title))
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option"]
        usage = " ".join([title, *(metavar(one) for one in arguments), "[OPTIONS]"])
        section += nodes.literal_block(usage, usage, language="text")
        section += self.markdown(command.help)
        taken = nodes.definition_list()
        for one in [*arguments, *options]:
            names = one.opts + one.secondary_opts if one in options else [metavar(one)]
            if one in options and not one.is_flag:
                names = [f"{name} {metavar(one)}" for name in names]
            item = nodes.definition_list_item()
            item += nodes.term("", "", *between([nodes.literal("", text) for text in names]))
            item += nodes.definition("", *self.markdown(about(one)))
            taken += item
        section += taken
        return section

    def markdown(self, text: str) -> list[nodes.Node]:
        """Parse what a command says of itself."""
        holder = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines()), self.content_offset, holder)
        return holder.children


def metavar(parameter: Any) -> str:
    """Return what stands for a value."""
    return parameter.metavar or parameter.name.upper()


def about(parameter: Any) -> str:
    """Say what a parameter does, whether it may be given more than once, and what it is without."""
    said = parameter.help or ""
    if getattr(parameter, "multiple", False):
        said += " May be given more than once."
    default = parameter.default
    if default is not None and default is not False and parameter.show_default:
        said += f" Default: `{default}`."
    return said


def between(names: list[nodes.literal]) -> list[nodes.Node]:
    """Put commas between names."""
    parts: list[nodes.Node] = []
    for name in names:
        parts += [nodes.Text(", "), name] if parts else [name]
    return parts


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
