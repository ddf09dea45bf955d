"""Targets whose disk is full or read-only: said in a sentence, nothing half-done stays, and ends go on afterwards."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from access.errors import Transient
from countersign.testing.steps import error_of
from tests.contracts.command_host import READY, Host, spec_of
from tests.contracts.webhook_receiver import Receiver, make_spec, receiving, soon
from workers.providers.command import Command, Settings
from workers.providers.webhook import Webhook

CAN_MOUNT = os.geteuid() == 0 and shutil.which("unshare") is not None
needs_root = pytest.mark.skipif(not CAN_MOUNT and not os.environ.get("CI"), reason="needs root, for a disk of its own")
needs_sudo = pytest.mark.skipif(not READY and not os.environ.get("CI"), reason="needs root and sudo")


@contextmanager
def on_a_small_disk(directory: Path) -> Iterator[tuple[Receiver, Path]]:
    """A receiver, and where a file fills its disk."""
    disk = directory / "disk"
    disk.mkdir()
    small = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=8m none "$0" && exec "$@"', str(disk)]
    with receiving(directory, "--state", str(disk / "state.db"), within=small) as receiver:
        yield receiver, Path(f"/proc/{receiver.pid}/root{disk}/ballast")


def fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@needs_root
def test_an_endpoint_whose_disk_is_full_says_so_does_nothing_and_ends_when_there_is_room(tmp_path: Path) -> None:
    with on_a_small_disk(tmp_path) as (receiver, ballast):
        provider, opened = Webhook(receiver.settings()), make_spec()
        receipt = provider.grant(opened, soon()).receipt
        fill(ballast)

        tried = [make_spec() for _ in range(60)]  # some find room in what was reserved
        refusals = [error_of(lambda spec=spec: provider.grant(spec, soon())) for spec in tried]
        (first, *_), refused = ([one for one in refusals if one], [bool(one) for one in refusals])
        assert isinstance(first, Transient)
        assert "The endpoint cannot write to its disk, so nothing was done." in first.sentence
        with pytest.raises(Transient, match="cannot write to its disk"):
            provider.revoke(opened, receipt, soon())

        ballast.unlink()
        for spec, was_refused in zip(tried, refused, strict=True):
            assert provider.observe(spec, None, soon()).present is not was_refused
        assert provider.revoke(opened, receipt, soon()).state == "removed"


FULL = 'mount -t tmpfs -o size=32k,mode=755 none "$0" && cp -a "$1/." "$0" && cat /dev/zero > "$0/ballast" 2> /dev/null'
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"'


def with_its_disk(host: Host, place: Path, made: str) -> Path:
    """From now on the program finds that place so; says which file has what lay there when it had ended."""
    kept, left = host.relay / "kept", host.relay / "left"
    shutil.copytree(place, kept)
    run = f'{made}; shift; "$@"; code=$?; ls -A {place} > {left}; exit $code'
    host.program.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{run}' {place} {kept} {host.real} \"$@\"\n")
    return left


@needs_sudo
@pytest.mark.parametrize(("made", "sentence"), [(FULL, "is full"), (READ_ONLY, "is read-only")], ids=["full", "ro"])
def test_a_host_whose_sudoers_cannot_be_written_says_so_and_has_no_half_of_a_file(
    tmp_path: Path, made: str, sentence: str
) -> None:
    host = Host(tmp_path, "sudoers.py")
    try:
        host.file("countersign/sudo-commands", ["/usr/bin/id"])
        settings = host.settings(can=["expire"])
        provider, spec = Command(Settings.model_validate(settings)), spec_of(settings, ["/usr/bin/id"], "ann")
        left = with_its_disk(host, host.etc / "sudoers.d", made)

        with pytest.raises(Transient, match=sentence):
            provider.grant(spec, soon())
        assert set(left.read_text().split()) <= {"ballast"}
        assert provider.revoke(spec, None, soon()).state == "absent"
    finally:
        host.close()


@needs_sudo
@pytest.mark.parametrize(("made", "sentence"), [(FULL, "is full"), (READ_ONLY, "is read-only")], ids=["full", "ro"])
def test_a_host_that_cannot_note_what_it_gives_says_so_and_gives_no_group(
    tmp_path: Path, made: str, sentence: str
) -> None:
    host = Host(tmp_path, "groups.py")
    try:
        host.file("countersign/groups", ["payments"])
        host.state.parent.mkdir(parents=True)
        settings = host.settings(shared=True)
        provider, spec = Command(Settings.model_validate(settings)), spec_of(settings, ["payments"], "ann")
        with_its_disk(host, host.state.parent, made.replace("size=32k", "size=32k,nr_inodes=3"))

        before = (host.etc / "group").read_text()
        with pytest.raises(Transient, match=sentence):
            provider.grant(spec, soon())
        assert (host.etc / "group").read_text() == before
    finally:
        host.close()
