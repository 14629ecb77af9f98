"""What stands on an axis."""


def lines_with(axis, **properties):
    """Lines of an axis with the given marker, colour or line style."""
    return [
        line
        for line in axis.lines
        if all(getattr(line, f"get_{name}")() == value for name, value in properties.items())
    ]
