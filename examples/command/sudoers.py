#!/usr/bin/python3 -IS
"""A program for the provider command: lets a person run named commands as root, by sudo, until a moment.

For each grant it makes one file in sudoers.d, with sudo's own NOTAFTER: sudo refuses after that moment even if all of
Countersign is gone. What may be given at all is in /etc/countersign/sudo-commands, one command a line, as it is run.
Needs Python 3.11 and sudo 1.8.20, nothing else. See docs/providers/command.md.
"""

import errno
import json
import math
import os
import re
import signal
import stat
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

GRANT_ID = re.compile(r"[0-9a-z]{26}")
PRINCIPAL = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
# None of sudo's own special characters: what stands here is what is run, and nothing else.
COMMAND = re.compile(r"/[A-Za-z0-9_./+-]+(?: [A-Za-z0-9_./+@%-]+)*")
BECOMES_ROOT = {
    "apt", "apt-get", "awk", "bash", "busybox", "chmod", "chown", "chroot", "cp", "crontab", "dash", "dd", "dpkg",
    "ed", "emacs", "env", "find", "gdb", "git", "less", "ln", "man", "mount", "more", "mv", "nano", "nsenter", "perl",
    "pip", "python3", "rsync", "ruby", "sed", "sh", "ssh", "su", "sudo", "sudoedit", "tar", "tee", "vi", "vim",
    "visudo", "xargs", "zsh",
}  # fmt: skip
MARK = "# countersign "
STAMP = "%Y%m%d%H%M%SZ"
RESIDUAL = "A command that was started before the end runs on until it is done."
FULL = {
    errno.ENOSPC: "The disk of the host is full, so nothing was changed.",
    errno.EDQUOT: "The disk of the host is full, so nothing was changed.",
    errno.EROFS: "The disk of the host is read-only, so nothing was changed.",
}


class Refusal(Exception):
    def __init__(self, kind, sentence):
        self.kind, self.sentence = kind, sentence


class Sudoers:
    def __init__(self, root):
        self.folder = root / "etc/sudoers.d"
        self.allowed = root / "etc/countersign/sudo-commands"
        self.passwd = root / "etc/passwd"

    def grant(self, grant, _question):
        name, text, ends = self.wanted(grant)
        there = self.read(name)
        if there is not None and not ours(there):
            raise Refusal("conflict", "There is a file of this name in sudoers.d that Countersign did not make.")
        if there != text:
            self.write(name, text)
        return {"state": "active", "expires_at": ends.isoformat(), "details": {"file": name}}

    def extend(self, grant, question):
        there = self.read(name_of(grant))
        if there is None or not ours(there):
            raise Refusal("target_not_found", "This access is gone, so that its end cannot be moved.")
        return self.grant(grant, question)

    def observe(self, grant, _question):
        there = self.read(name_of(grant))
        if there is None or not ours(there):
            return {"present": False}
        stamps = re.findall(r"NOTAFTER=(\d{14}Z)", there)
        ends = max((from_stamp(one) for one in stamps), default=None)
        return {"present": True, "expires_at": ends and ends.isoformat(), "extra_privileges": added_by_hand(there)}

    def revoke(self, grant, _question):
        name = name_of(grant)
        there = self.read(name)
        if (new := self.folder / f".{name}.new").exists():  # of one that died while it wrote
            new.unlink()
        if there is None or not ours(there):
            return {"state": "absent", "residual": [RESIDUAL]}
        (self.folder / name).unlink()
        self.settle()
        return {"state": "removed", "residual": [RESIDUAL]}

    def list(self, _grant, _question):
        managed = []
        for path in sorted(self.folder.glob("cs_*")):
            there = self.read(path.name)
            if there is None or not ours(there):
                continue
            given = [one.strip() for one in re.findall(r"NOPASSWD: (.*)", there)]
            managed.append(
                {
                    "name": path.name,
                    "grant_id": marked(there),
                    "grants": [bare(one) for one in given] + added_by_hand(there),
                }
            )
        return {"managed": managed}

    def check(self, _grant, question):
        found = []
        includes = self.folder.parent / "sudoers"
        if not re.search(r"^[@#]includedir /etc/sudoers\.d\b", includes.read_text(), re.MULTILINE):
            found.append(
                error(
                    "sudoers",
                    "/etc/sudoers does not include sudoers.d, so nothing that is granted works.",
                    "Add the line: @includedir /etc/sudoers.d",
                )
            )
        if os.geteuid() != 0:
            found.append(error("account", "Only root may write to sudoers.d.", "Set user: root in the policy."))
        for title, commands in sorted((question.get("roles") or {}).items()):
            cure = f"Mend that on the host, or take it out of the role {title}."
            found += [error(f"role {title}", why, cure) for why in map(self.refused, commands) if why]
        for command in self.grantable():
            if Path(command.split()[0]).name in BECOMES_ROOT:
                found.append(
                    {
                        "level": "warning",
                        "subject": "commands",
                        "sentence": f"{command} can be made to run anything as root.",
                        "cure": f"Take it out of {self.allowed} if that is not meant.",
                    }
                )
        return {"findings": found or [{"level": "ok", "subject": "sudoers", "sentence": "Commands can be given."}]}

    def wanted(self, grant):
        """The name of the file, its text, and when sudo itself ends it. Raises Refusal."""
        principal, commands = grant["principal"], grant["grants"]
        if not PRINCIPAL.fullmatch(principal) or principal not in self.accounts():
            raise Refusal("principal_not_found", "There is no account of this name on the host.")
        if self.accounts()[principal] == 0:
            raise Refusal("not_grantable", "This account is root already.")
        for command in commands:
            if why := self.refused(command):
                known = command in self.grantable()
                raise Refusal("not_grantable" if known else "target_not_found", why)
        ends = datetime.fromtimestamp(math.ceil(moment(grant["expires_at"]).timestamp()), UTC)
        # sudo still lets in during the whole second that NOTAFTER names.
        stamp = (ends - timedelta(seconds=1)).strftime(STAMP)
        lines = [f"{principal} ALL=(root) NOTAFTER={stamp} NOPASSWD: {exact(one)}" for one in sorted(set(commands))]
        mark = MARK + json.dumps({"version": 1, "grant": grant["id"]}, sort_keys=True)
        return name_of(grant), "\n".join([mark, *lines]) + "\n", ends

    def accounts(self):
        rows = (line.split(":") for line in self.passwd.read_text().splitlines())
        return {row[0]: int(row[2]) for row in rows if len(row) > 2 and row[2].isdigit()}

    def grantable(self):
        try:
            lines = [line.strip() for line in self.allowed.read_text().splitlines()]
        except FileNotFoundError:
            return []
        return [line for line in lines if line and not line.startswith("#")]

    def refused(self, command):
        """Why this command is given to no one."""
        if command not in self.grantable():
            return "This command is not among those that the host's administrator allows."
        if not COMMAND.fullmatch(command):
            return f"{command} has characters in it that sudo reads as something else than themselves."
        program = Path(command.split()[0])
        if not program.is_file():
            return f"There is no program {program}."
        for step in (program.resolve(), *program.resolve().parents):
            there = step.stat()
            if there.st_uid != 0 or (there.st_mode & 0o022 and not there.st_mode & stat.S_ISVTX):
                return f"Others than root can replace {step}, and would run what they like as root."
        return None

    def read(self, name):
        try:
            return (self.folder / name).read_text()
        except FileNotFoundError:
            return None

    def write(self, name, text):
        """Whole or not at all: sudo skips a file with a dot in its name, and one that is wrong locks everybody out."""
        new = self.folder / f".{name}.new"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o440), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                new.unlink()
            raise
        import subprocess  # noqa: PLC0415 -- slow to import, and only a grant needs it

        checked = subprocess.run(["/usr/sbin/visudo", "-cqf", str(new)], capture_output=True, check=False)  # noqa: S603
        if checked.returncode != 0:
            new.unlink()
            raise Refusal("bad_config", "visudo does not accept what was to be written.")
        new.rename(self.folder / name)
        self.settle()

    def settle(self):
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def ours(text):
    return marked(text) is not None


def marked(text):
    first = text.partition("\n")[0]
    try:
        said = json.loads(first[len(MARK) :]) if first.startswith(MARK) else {}
    except ValueError:
        return None
    return said.get("grant")


def added_by_hand(text):
    mine = re.compile(r"\S+ ALL=\(root\) NOTAFTER=\d{14}Z NOPASSWD: /.*")
    return [line for line in text.splitlines()[1:] if line.strip() and not mine.fullmatch(line)]


def exact(command):
    """Without arguments sudo would allow any; an empty string allows none."""
    return command if " " in command else f'{command} ""'


def bare(command):
    return command[:-3] if command.endswith(' ""') else command


def name_of(grant):
    if not GRANT_ID.fullmatch(grant["id"]):
        raise Refusal("bad_config", "This is no id of a grant.")
    return "cs_" + grant["id"]


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def from_stamp(text):
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)


def error(subject, sentence, cure):
    return {"level": "error", "subject": subject, "sentence": sentence, "cure": cure}


def keep_to(deadline):
    """So that nothing is opened by one whose caller has given up, or died."""
    if deadline is None:
        return
    left = (moment(deadline) - datetime.now(UTC)).total_seconds()
    if left <= 0:
        raise Refusal("transient", "The program was started too late, and has done nothing.")
    signal.setitimer(signal.ITIMER_REAL, left)


def main():
    sudoers = Sudoers(Path(sys.argv[2] if sys.argv[1:2] == ["--root"] else "/"))
    question = json.load(sys.stdin)
    verbs = {"grant", "extend", "observe", "revoke", "list", "check"}
    try:
        keep_to(question.get("deadline"))
        if question["verb"] not in verbs:
            raise Refusal("unsupported", "This program cannot do that.")
        answer = getattr(sudoers, question["verb"])(question.get("grant"), question)
    except Refusal as refused:
        answer = {"error": {"kind": refused.kind, "sentence": refused.sentence}}
    except PermissionError:
        answer = {"error": {"kind": "not_permitted", "sentence": "The program may not change sudoers.d; is it root?"}}
    except OSError as trouble:
        if trouble.errno not in FULL:
            raise
        answer = {"error": {"kind": "transient", "sentence": FULL[trouble.errno]}}
    json.dump(answer, sys.stdout)


main()
