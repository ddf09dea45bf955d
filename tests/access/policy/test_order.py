"""What was approved is compared between processes, and each process has its own order of a set."""

import os
import subprocess
import sys
from pathlib import Path

import access
from access.policy.load import load_policy
from countersign.demo.policy import demo_policy
from countersign.demo.stage import acme
from countersign.providers import ProviderClasses

ROOT = Path(access.__file__).parent.parent
CAN = ["reveal", "list_holders", "extend", "expire", "end_sessions"]
HOST = f"""
  - id: app-1
    title: The host app-1
    level: low
    owner: payments-leads
    provider: command
    settings: {{program: /opt/access, can: [{", ".join(CAN)}]}}
    roles:
      use: {{title: Use it, description: What the host gives., grants: [use]}}

rules:
"""
POLICY = demo_policy(acme()).replace("\nrules:\n", HOST, 1)
READ = """
import sys
from access.canonical import canonical
from access.policy.load import load_policy
from countersign.providers import ProviderClasses
policy = load_policy(sys.stdin.read(), file="access.yml", providers=ProviderClasses())
resource = policy.resources["app-1"]
print(canonical([resource.settings, resource.all_settings]))
"""


def read_by_a_process(policy: str, seed: int) -> str:
    environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", READ], input=policy, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_two_processes_read_the_same_in_the_same_policy() -> None:
    assert len({read_by_a_process(POLICY, seed) for seed in (1, 2, 3)}) == 1


def test_a_set_has_the_order_of_its_words() -> None:
    policy = load_policy(POLICY, file="access.yml", providers=ProviderClasses())

    assert policy.resources["app-1"].settings["can"] == sorted(CAN)
