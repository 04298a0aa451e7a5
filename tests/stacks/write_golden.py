"""Writes the frozen fragments of the example anew: `python -m tests.stacks.write_golden`. A change of them is a major version."""

import json

from tests.constructs.fragments import frozen_fragments
from tests.stacks.conftest import synthesize
from tests.stacks.test_stacks import GOLDEN

if __name__ == "__main__":
    fragments = frozen_fragments(synthesize("v1")["customers-dev"]["Resources"])
    GOLDEN.write_text(json.dumps(fragments, indent=2) + "\n", "utf-8")
