"""Installs packages of a third party as people do, without the internet: into a folder, by the builder that is here."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import access

ROOT = Path(access.__file__).parent.parent


def environment(site: Path) -> Mapping[str, str]:
    """For commands that people type: `pip install` goes into `site`, and what is there is found."""
    offline = {
        "PIP_TARGET": str(site), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "1", "PIP_NO_CACHE_DIR": "1",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return kept | offline | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
    }  # fmt: skip
