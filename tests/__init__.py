"""The tests. Where the project and what they read lie, said once, so that a test file may move."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FIXTURES = PROJECT / "tests" / "fixtures"
