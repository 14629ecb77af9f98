"""What stands on a page that the command line wrote."""


def tables_of(text):
    """Read the tables back: of each the lines of the head, and those below the rule."""
    found, block = [], []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            block.append(line)
            continue
        rules = [
            i
            for i, each in enumerate(block)
            if set(each.strip()) == {"\N{BOX DRAWINGS LIGHT HORIZONTAL}"}
        ]
        if rules:
            found.append((block[: rules[0]], block[rules[0] + 1 :]))
        block = []
    return found
