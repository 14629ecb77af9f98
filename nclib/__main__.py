"""``python -m nclib``."""

from nclib.cli import main

main()
