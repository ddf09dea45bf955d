#!/usr/bin/python3 -IS
"""A program for the provider command: makes a person a member of groups of this host, and ends what was done with that.

Membership is read when a process logs in and stays with it, so that an end also kills the person's processes that have
the group. Which groups may be given at all is in /etc/countersign/groups, one a line. What this program gave is noted
in /var/lib/countersign-groups, so that it never takes a membership that another gave. Needs Python 3.11 and gpasswd,
nothing else. See docs/providers/command.md.
"""

import errno
import json
import os
import re
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

PRINCIPAL = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
GROUP = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
BECOMES_ROOT = {
    "root", "sudo", "wheel", "admin", "adm", "disk", "docker", "kmem", "kvm", "lxd", "mem", "podman", "shadow", "staff",
    "sys", "systemd-journal", "tty",
}  # fmt: skip
QUIET_LOOKS = 3
BETWEEN_LOOKS = 0.05
RESIDUAL = "A file that the person made with the group and its setgid bit keeps the group for those who run it."
FULL = {
    errno.ENOSPC: "The disk of the host is full, so nothing was changed.",
    errno.EDQUOT: "The disk of the host is full, so nothing was changed.",
    errno.EROFS: "The disk of the host is read-only, so nothing was changed.",
}


class Refusal(Exception):
    def __init__(self, kind, sentence):
        self.kind, self.sentence = kind, sentence


class Groups:
    def __init__(self, root):
        self.root = root
        self.notes = root / "var/lib/countersign-groups"
        self.allowed = root / "etc/countersign/groups"

    def grant(self, grant, _question):
        person, uid = grant["principal"], self.uid(grant["principal"])
        if uid == 0:
            raise Refusal("not_grantable", "This account is root already.")
        for group in grant["grants"]:
            self.refuse(group)
        for group in wanted(grant):
            if person not in self.members(group):
                self.note(group, person)
                self.gpasswd("-a", person, group)
        return {"state": "active"}

    def observe(self, grant, _question):
        person = grant["principal"]
        if not PRINCIPAL.fullmatch(person):
            return {"present": False}
        there = {group for group in grant["grants"] if person in self.members(group)}
        processes = self.processes(person, wanted(grant))
        extra_privileges = [
            f"{person} may add members to {group}." for group in wanted(grant) if person in self.admins(group)
        ]
        return {
            "present": bool(there & wanted(grant)) or bool(processes), "sessions": len(processes),
            "extra_privileges": extra_privileges,
            "standing": sorted(group for group in there if not self.noted(group, person).exists()),
        }  # fmt: skip

    def revoke(self, grant, _question):
        person, found = grant["principal"], False
        if not PRINCIPAL.fullmatch(person):
            return {"state": "absent"}  # such a one is never given anything
        for group in sorted(filter(GROUP.fullmatch, wanted(grant))):
            if person in self.admins(group):
                others = [one for one in self.admins(group) if one != person]
                self.gpasswd("-A", ",".join(others), group)
                found = True
            if person in self.members(group):
                self.gpasswd("-d", person, group)
                found = True
            self.noted(group, person).unlink(missing_ok=True)
        ended, over = self.end_processes(person, wanted(grant))
        state = "pending" if not over else "removed" if found or ended else "absent"
        return {"state": state, "sessions_ended": ended, "residual": [RESIDUAL] if state == "removed" else []}

    def list_holders(self, _grant, _question):
        holders = []
        for group in self.grantable():
            for person in sorted(self.members(group) | set(self.admins(group)) | self.primary(group)):
                extra_privileges = f"{person} may add members to {group}." if person in self.admins(group) else ""
                holders.append({"principal": person, "grants": group, "extra_privileges": extra_privileges,
                                "ours": self.noted(group, person).exists()})  # fmt: skip
        return {"holders": holders}

    def check(self, _grant, question):
        found = []
        if os.geteuid() != 0:
            found.append(error("account", "Only root may change groups.", "Set user: root in the policy."))
        for group in self.grantable():
            if why := self.refused(group):
                found.append(error(f"group {group}", why, f"Take it out of {self.allowed}."))
        for title, groups in sorted((question.get("roles") or {}).items()):
            cure = f"Mend that on the host, or take it out of the role {title}."
            found += [error(f"role {title}", why, cure) for why in map(self.refused, groups) if why]
        return {"findings": found or [{"level": "ok", "subject": "groups", "sentence": "Groups can be given."}]}

    def refuse(self, group):
        if why := self.refused(group):
            raise Refusal("not_grantable" if group in self.grantable() else "target_not_found", why)

    def refused(self, group):
        """Why this group is given to no one."""
        if group not in self.grantable():
            return "This group is not among those that the host's administrator allows."
        row = self.rows("group").get(group)
        if row is None:
            return f"There is no group {group} on the host."
        if group in BECOMES_ROOT or int(row[2]) == 0:
            return f"Members of {group} can become root."
        return None

    def grantable(self):
        try:
            lines = [line.strip() for line in self.allowed.read_text().splitlines()]
        except FileNotFoundError:
            return []
        return [line for line in lines if GROUP.fullmatch(line)]

    def rows(self, name):
        lines = (self.root / "etc" / name).read_text().splitlines()
        return {row[0]: row for row in (line.split(":") for line in lines) if len(row) > 3}

    def uid(self, person):
        row = self.rows("passwd").get(person) if PRINCIPAL.fullmatch(person) else None
        if row is None:
            raise Refusal("principal_not_found", "There is no account of this name on the host.")
        return int(row[2])

    def members(self, group):
        row = self.rows("group").get(group)
        return set(filter(None, row[3].split(","))) if row else set()

    def admins(self, group):
        row = self.rows("gshadow").get(group)
        return list(filter(None, row[2].split(","))) if row else []

    def primary(self, group):
        gid = self.gid(group)
        return {name for name, row in self.rows("passwd").items() if row[3] == str(gid)} if gid is not None else set()

    def gid(self, group):
        row = self.rows("group").get(group)
        return int(row[2]) if row else None

    def noted(self, group, person):
        if not (GROUP.fullmatch(group) and PRINCIPAL.fullmatch(person)):
            raise Refusal("bad_config", "This is no name of a group or an account.")
        return self.notes / f"{group}:{person}"

    def note(self, group, person):
        """Before the membership: one that died in between has given nothing that is not known."""
        self.notes.mkdir(parents=True, exist_ok=True)
        self.noted(group, person).touch()

    def gpasswd(self, *words):
        import subprocess  # noqa: PLC0415 -- slow to import, and not always needed

        where = [] if self.root == Path("/") else ["--root", str(self.root)]
        done = subprocess.run(["/usr/bin/gpasswd", *where, *words], capture_output=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise Refusal("transient", f"gpasswd could not change the group (exit code {done.returncode}).")

    def processes(self, person, groups):
        """Those of the person that have one of these groups, by their own kernel's word."""
        row = self.rows("passwd").get(person)
        gids = {self.gid(group) for group in groups} - {None, row and int(row[3])}
        if row is None or row[2] == "0" or not gids:
            return []
        uids, found = self.uids(person, int(row[2])), []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                # One that hides from others (PR_SET_DUMPABLE) has a folder of root's.
                owner = path.stat().st_uid
                if owner == 0 or any(owner in some for some in uids):
                    found += [int(path.name)] if has((path / "status").read_text(), uids, gids) else []
            except OSError:
                continue  # it has ended meanwhile
        return found

    def uids(self, person, uid):
        """The account's own, and those that it may take in a user namespace, where it keeps its groups."""
        try:
            lines = (self.root / "etc/subuid").read_text().splitlines()
        except FileNotFoundError:
            lines = []
        rows = [row for row in (line.split(":") for line in lines) if len(row) == 3 and row[0] in (person, str(uid))]
        return [range(uid, uid + 1), *(range(int(row[1]), int(row[1]) + int(row[2])) for row in rows)]

    def end_processes(self, person, groups):
        """How many, and whether none is left: not one either that logged in just before and shows only now."""
        killed, quiet, until = set(), 0, time.monotonic() + 5
        while time.monotonic() < until:
            there = self.processes(person, groups)
            if not there:
                quiet += 1
                if quiet == QUIET_LOOKS:
                    return len(killed), True
                time.sleep(BETWEEN_LOOKS)
                continue
            quiet = 0
            for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none starts another meanwhile
                for process in there:
                    try:
                        os.kill(process, number)
                    except ProcessLookupError:
                        continue
            killed |= set(there)
        return len(killed), False


def has(status, uids, gids):
    """Whether a process that is not over runs as one of these accounts and has one of these groups."""
    said = {word: rest.split() for word, _, rest in (line.partition(":") for line in status.splitlines())}
    # A process whose first thread alone has ended says that it is a zombie, and runs on.
    is_over = said["State"][0] == "Z" and said["Threads"] == ["1"]
    if is_over or not any(int(one) in some for one in said["Uid"] for some in uids):
        return False
    return not gids.isdisjoint(int(one) for one in said["Groups"] + said["Gid"])


def wanted(grant):
    return set(grant["grants"]) - set(grant.get("kept") or [])


def error(subject, sentence, cure):
    return {"level": "error", "subject": subject, "sentence": sentence, "cure": cure}


def keep_to(deadline):
    """So that nothing is opened by one whose caller has given up, or died."""
    if deadline is None:
        return
    left = (datetime.fromisoformat(deadline) - datetime.now(UTC)).total_seconds()
    if left <= 0:
        raise Refusal("transient", "The program was started too late, and has done nothing.")
    signal.setitimer(signal.ITIMER_REAL, left)


def main():
    groups = Groups(Path(sys.argv[2] if sys.argv[1:2] == ["--root"] else "/"))
    question = json.load(sys.stdin)
    verbs = {"grant", "observe", "revoke", "list_holders", "check"}
    try:
        keep_to(question.get("deadline"))
        if question["verb"] not in verbs:
            raise Refusal("unsupported", "This program cannot do that.")
        answer = getattr(groups, question["verb"])(question.get("grant"), question)
    except Refusal as refused:
        answer = {"error": {"kind": refused.kind, "sentence": refused.sentence}}
    except PermissionError:
        answer = {"error": {"kind": "not_permitted", "sentence": "The program may not change groups; is it root?"}}
    except OSError as trouble:
        if trouble.errno not in FULL:
            raise
        answer = {"error": {"kind": "transient", "sentence": FULL[trouble.errno]}}
    json.dump(answer, sys.stdout)


main()
