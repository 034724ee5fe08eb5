"""How many examples property tests try, and which.

`make test` tries the same ones every time, so that what fails is what has been changed; nothing depends on how fast the
machine is. `make fuzz` tries others at each run, `FUZZ` times as many.
"""

import os

from hypothesis import HealthCheck, settings

FUZZ = int(os.environ.get("FUZZ", "0"))
USUAL = 100


def examples(count: int) -> int:
    """How many examples to try where `make test` tries `count`."""
    return count * max(FUZZ, 1)


def load_profile() -> None:
    """Set what holds for every property test, before the first of them is read."""
    calm = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
    settings.register_profile(
        "manifold",
        derandomize=not FUZZ,
        database=None,
        deadline=None,
        max_examples=examples(USUAL),
        print_blob=True,
        suppress_health_check=calm,
    )
    settings.load_profile("manifold")
