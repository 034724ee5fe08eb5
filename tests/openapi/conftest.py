"""OpenAPI tests use the types that the discovery tests make by hand."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "discovery"))
