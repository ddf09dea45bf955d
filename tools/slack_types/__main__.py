"""`python -m tools.slack_types`: the golden payloads against @slack/types, by the TypeScript compiler.

What is not installed yet is fetched first; with `--install` nothing else is done.
"""

import sys

from tools.golden import payloads
from tools.slack_types.check import complaints, install

install()
if sys.argv[1:] == ["--install"]:
    sys.exit(0)
golden = payloads()
found = complaints(golden)
for line in found:
    sys.stderr.write(f"{line}\n")
sys.stdout.write(f"{len(golden)} payloads, {len(found)} complaints by @slack/types\n")
sys.exit(1 if found else 0)
