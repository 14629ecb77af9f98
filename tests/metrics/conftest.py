"""The dense closed form that the theory's tests are held against serves here too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "theory"))
