"""What a call to an endpoint is in words, and how a person makes it by hand where no worker can."""

import shlex
from urllib.parse import urlsplit

from access.ports import Plan
from workers.providers.exchange.schema import Grant, Question, Verb
from workers.providers.webhook.settings import WebhookSettings
from workers.providers.webhook.signing import ID, KEY, SIGNATURE, TIMESTAMP

# The key stays out of every argument: those are shown to all who are on the same host.
_SIGN = (
    'python3 -c \'import hmac, os, sys; print("v1=" + hmac.new(os.environ["K"].partition(":")[2].encode(), '
    'sys.stdin.buffer.read(), "sha256").hexdigest())\''
)


def plan(settings: WebhookSettings, grant: Grant) -> Plan:
    """Pure; without the key, which is named by where it is."""
    asked = [f"POST {settings.url} {_body('grant', grant)}"]
    by_hand = (_call(settings), *(f"call {shlex.quote(_body(verb, grant))}" for verb in ("revoke", "observe")))
    return Plan(grant=tuple(asked), revoke=by_hand, where=f"a shell with the key of {_place(settings)}")


def _body(verb: Verb, grant: Grant) -> str:
    return Question(verb=verb, grant=grant).as_json()


def _call(settings: WebhookSettings) -> str:
    """A function of the shell: signs what it is given, and posts it."""
    trusted = f"--cacert {shlex.quote(settings.ca)} " if settings.ca else ""
    headers = {"Content-Type": "application/json", KEY: "${K%%:*}", TIMESTAMP: "$at", ID: "$id", SIGNATURE: "$by"}
    said = " ".join(f'-H "{name}: {value}"' for name, value in headers.items())
    return (
        f"call() {{ local K at id by; K=$({_key(settings)}); at=$(date +%s); id=$(openssl rand -hex 16); "
        f'by=$(printf \'countersign-call-v1\\n%s\\n%s\\n%s\' "$at" "$id" "$1" | K="$K" {_SIGN}); '
        f'curl -sS --proto =https --max-time 20 {trusted}{said} --data-binary "$1" '
        f"{shlex.quote(settings.url)}; echo; }}"
    )


def _key(settings: WebhookSettings) -> str:
    """What prints it: as the worker finds it."""
    key = settings.key
    if key.file is not None:
        return f"cat {shlex.quote(key.file)}"
    return f'printenv {shlex.quote(str(key.env))} || cat "$(printenv {shlex.quote(f"{key.env}_FILE")})"'


def _place(settings: WebhookSettings) -> str:
    parts = urlsplit(settings.url)
    return f"{parts.netloc}{parts.path}"
