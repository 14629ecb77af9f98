"""What the lab's tests need of a browser is said where the pages are tested."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
