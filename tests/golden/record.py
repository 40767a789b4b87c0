"""`python -m tests.golden.record`: write the golden replies as they are now; with `--records`, their records before."""

import os
import sys

import pytest


def main() -> int:
    """Run the tests so that they write what they otherwise read."""
    if "--records" in sys.argv:
        from tests.golden import records

        records.write()
    os.environ["RECORD_GOLDEN"] = "1"
    return pytest.main(["tests/golden", "-p", "no:xdist"])


if __name__ == "__main__":
    sys.exit(main())
