"""Where the Slack app's manifest is: beside the code in a checkout, inside the package when installed."""

from pathlib import Path


def manifest_file() -> Path:
    """The path of `manifest.yml`."""
    here = Path(__file__).parent
    installed = here / "manifest.yml"
    return installed if installed.exists() else here.parent / "manifest.yml"
