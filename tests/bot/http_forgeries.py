"""What somebody who is not Slack might send, or Slack never would: name to request, each made from a genuine one."""

import gzip
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from bot.http_app import LARGEST
from tests.bot.http_door import DOOR, FORM, JSON, SECRET, Body, Headers, Sent, encoded, marks, signature, signed

TYPE: Headers = ((b"Content-Type", FORM),)


def forgeries(command: Body, *, now: float) -> dict[str, Sent]:
    """Not signed by Slack, or not just now: each is answered 401."""
    body, _ = encoded(command)
    at = b"%d" % int(now)
    good = signature(at, body)
    named = dict(_unsigned(body)) | dict(_wrong_time(body, now)) | dict(_wrong_mark(body, at, good))
    return named | dict(_changed(body, at, good)) | dict(_elsewhere(command, body, at, good))


def _unsigned(body: bytes) -> Iterator[tuple[str, Sent]]:
    yield "no header at all", Sent(body)
    yield "no signature and no time", Sent(body, TYPE)
    yield "no body and nothing else", Sent(b"")
    yield "looks at the certificate and asks for more", Sent(body + b"&ssl_check=1", TYPE)
    yield "looks at the certificate, says its query", Sent(body, TYPE, path=DOOR + "?ssl_check=1")
    yield "looks at the certificate by GET", Sent(b"ssl_check=1", TYPE, method=b"GET")
    yield "only the old verification token", Sent(body + b"&token=gIkuvaNzQIHg97ATvDxqgjtO", TYPE)
    yield "an unsigned challenge", Sent(b'{"type":"url_verification","challenge":"a"}', ((b"Content-Type", JSON),))
    yield "an unsigned event", Sent(b'{"type":"event_callback","event":{"type":"x"}}', ((b"Content-Type", JSON),))
    for method in (b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"):
        yield f"unsigned {method.decode()}", Sent(body, TYPE, method=method)


def _wrong_time(body: bytes, now: float) -> Iterator[tuple[str, Sent]]:
    """Each with the signature that belongs to its time."""
    moment = int(now)
    written = {
        "301 seconds old": b"%d" % (moment - 301),
        "301 seconds ahead": b"%d" % (moment + 301),
        "from 1970": b"0",
        "in milliseconds": b"%d000" % moment,
        "negative": b"-%d" % moment,
        "with a sign": b"+%d" % moment,
        "with a fraction": b"%d.0" % moment,
        "with an exponent": b"1e9",
        "infinite": b"inf",
        "no number": b"nan",
        "in hexadecimal": hex(moment).encode(),
        "with an underscore": f"{moment:_}".encode(),
        "a word": b"yesterday",
        "in other digits": str(moment).translate({48 + digit: 0x660 + digit for digit in range(10)}).encode(),
        "beyond every integer of C": b"9" * 400,
        "beyond every integer of Python": b"9" * 5000,
        "with a space inside": b"%d %d" % (moment // 100, moment % 100),
        "twice in one header": b"%d, %d" % (moment, moment),
    }
    for name, time in written.items():
        yield f"the time {name}", Sent(body, (*TYPE, *marks(time, signature(time, body))))
    yield "an empty time", Sent(body, (*TYPE, *marks(b"", signature(b"", body))))
    yield "no time", Sent(body, (*TYPE, (b"X-Slack-Signature", signature(b"0", body))))
    right = b"%d" % moment
    stamped = ((b"X-Slack-Request-Timestamp", right), *marks(right, signature(right, body)))
    yield "the same time in two headers", Sent(body, (*TYPE, *stamped))


def _wrong_mark(body: bytes, at: bytes, good: bytes) -> Iterator[tuple[str, Sent]]:
    base, key = b"v0:" + at + b":" + body, SECRET.encode()
    written = {
        "empty": b"",
        "another secret's": signature(at, body, "another-" + SECRET),
        "an empty secret's": signature(at, body, ""),
        "a secret's with a line break": signature(at, body, SECRET + "\n"),
        "without its version": good.removeprefix(b"v0="),
        "of another version": good.replace(b"v0=", b"v1="),
        "in capitals": good.upper(),
        "its digest in capitals": b"v0=" + good[3:].upper(),
        "too short": good[:-1],
        "too long": good + b"0",
        "only its version": b"v0=",
        "beyond ASCII": "v0=é".encode() + good[5:],
        "in Latin-1": "v0=é".encode("latin-1") + good[4:],
        "in full-width letters": good.decode().translate({ord("v"): 0xFF56}).encode(),
        "twice in one header": good + b", " + good,
        "in quotes": b'"' + good + b'"',
        "very long": b"v0=" + b"a" * 20_000,
        "by SHA-1": b"v0=" + hmac.new(key, base, hashlib.sha1).hexdigest().encode(),
        "by SHA-512": b"v0=" + hmac.new(key, base, hashlib.sha512).hexdigest().encode(),
        "no keyed one": b"v0=" + hashlib.sha256(key + base).hexdigest().encode(),
        "of the body alone": b"v0=" + hmac.new(key, body, hashlib.sha256).hexdigest().encode(),
        "of the time alone": signature(at, b""),
    }
    for name, mark in written.items():
        yield f"a signature {name}", Sent(body, (*TYPE, *marks(at, mark)))
    bad = signature(at, body, "another")
    yield "no signature", Sent(body, (*TYPE, (b"X-Slack-Request-Timestamp", at)))
    for name, pair in {"right then wrong": (good, bad), "wrong then right": (bad, good), "twice": (good, good)}.items():
        twice = tuple((b"X-Slack-Signature", mark) for mark in pair)
        yield f"a second signature, {name}", Sent(body, (*TYPE, (b"X-Slack-Request-Timestamp", at), *twice))


def _changed(body: bytes, at: bytes, good: bytes) -> Iterator[tuple[str, Sent]]:
    """Under the signature of the body it was."""
    fields = parse_qsl(body.decode(), keep_blank_values=True)
    written = {
        "one byte changed": body.replace(b"U0ANN", b"U0ANM"),
        "another person": body.replace(b"U0ANN", b"U0LEA"),
        "one byte more": body + b"\n",
        "one byte less": body[:-1],
        "nothing": b"",
        "another field": body + b"&text=customers-db%2Fread",
        "spaces written otherwise": body.replace(b"+", b"%20"),
        "escapes in lower case": body.replace(b"%2F", b"%2f"),
        "its order turned round": urlencode(fields[::-1]).encode(),
        "decoded": "&".join(f"{name}={value}" for name, value in fields).encode(),
        "as JSON": json.dumps(dict(fields)).encode(),
        "in UTF-16": body.decode().encode("utf-16"),
        "compressed": gzip.compress(body),
        "with a byte order mark": b"\xef\xbb\xbf" + body,
        "twice": body + body,
    }
    for name, changed in written.items():
        yield f"the body, {name}", Sent(changed, (*TYPE, *marks(at, good)))
    later = b"%d" % (int(at) + 1)
    yield "the time moved on by a second", Sent(body, (*TYPE, *marks(later, good)))


def _elsewhere(command: Body, body: bytes, at: bytes, good: bytes) -> Iterator[tuple[str, Sent]]:
    query = urlencode({"X-Slack-Request-Timestamp": at, "X-Slack-Signature": good})
    yield "signed in its query", Sent(body, TYPE, path=f"{DOOR}?{query}")
    yield "signed in its body", Sent(body + b"&" + query.encode(), TYPE)
    cookie = f"X-Slack-Request-Timestamp={at.decode()}; X-Slack-Signature={good.decode()}".encode()
    yield "signed in its cookie", Sent(body, (*TYPE, (b"Cookie", cookie)))
    underscored = ((b"X_Slack_Request_Timestamp", at), (b"X_Slack_Signature", good))
    yield "signed in headers with underscores", Sent(body, (*TYPE, *underscored))
    yield "its body in its query", Sent(b"", (*TYPE, *marks(at, good)), path=f"{DOOR}?{quote(body)}")
    claims = ((b"X-Forwarded-For", b"127.0.0.1"), (b"User-Agent", b"Slackbot 1.0 (+https://api.slack.com/robots)"))
    yield "from Slack, as it says", Sent(body, (*TYPE, *claims))
    socket = json.dumps({"envelope_id": "1", "type": "slash_commands", "payload": command}).encode()
    yield "an envelope of Socket Mode", Sent(socket, ((b"Content-Type", JSON),))


def malformed(command: Body, click: Body, form: Body, *, now: float) -> dict[str, Sent]:
    """Signed as by Slack, which would never send it: each is answered 400."""

    def mark(body: bytes, content_type: bytes = FORM, *more: tuple[bytes, bytes], **kept: Any) -> Sent:
        return Sent(body, (*signed(body, content_type, now=now), *more), **kept)

    def interaction(payload: Any) -> Sent:
        return mark(urlencode({"payload": json.dumps(payload)}).encode())

    def raw(payload: str) -> Sent:
        return mark(urlencode({"payload": payload}).encode())

    body, _ = encoded(command)
    event = {"type": "event_callback", "event_id": "Ev1", "team_id": "T0ACME", "event": {"type": "x"}}
    large = body + b"&more=" + b"a" * LARGEST  # all else is right
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(large), large)
    unpaired = {**click, "user": {"id": "U0\ud800"}}
    return {
        **{f"signed {method.decode()}": mark(body, method=method) for method in (b"GET", b"PUT", b"DELETE", b"HEAD")},
        "no type of body": Sent(body, marks(b"%d" % int(now), signature(b"%d" % int(now), body))),
        "two types of body": mark(body, FORM, (b"Content-Type", JSON)),
        "plain text": mark(body, b"text/plain"),
        "a form in parts": mark(body, b"multipart/form-data; boundary=a"),
        "another charset": mark(body, FORM + b"; charset=utf-16"),
        "a charset that is none": mark(body, FORM + b"; charset=\xff"),
        "said to be compressed": mark(gzip.compress(body), FORM, (b"Content-Encoding", b"gzip")),
        "an empty body": mark(b""),
        "an empty object": mark(b"{}", JSON),
        "bytes that are no UTF-8": mark(b"command=%2Faccess&text=\xff\xfe"),
        "escapes that are no UTF-8": mark(body + b"&more=%ff%fe"),
        "UTF-16": mark(body.decode().encode("utf-16")),
        "not a form": mark(b"command"),
        "a broken form": mark(body + b"&&="),
        "a field twice": mark(body + b"&user_id=U0LEA"),
        "too many fields": mark(body + b"".join(b"&f%d=1" % number for number in range(100))),
        "no command": mark(
            urlencode({**command, "command": ""} | {"comand": "/access"}).replace("command=&", "").encode()
        ),
        "a command by nobody": mark(urlencode({name: command[name] for name in command if name != "user_id"}).encode()),
        "a command with a payload": mark(body + b"&payload=%7B%7D"),
        "a command as JSON": mark(json.dumps(command).encode(), JSON),
        "a click as JSON": mark(json.dumps(click).encode(), JSON),
        "an event in a form": interaction(event),
        "a form said to be JSON": mark(body, JSON),
        "a payload that is empty": raw(""),
        "a payload that is no JSON": raw("{'type': 'block_actions'}"),
        "a payload cut off": raw(json.dumps(click)[:-1]),
        "a payload with more behind it": raw(json.dumps(click) + "{}"),
        "a payload that is a list": interaction([click]),
        "a payload that is a number": raw("1"),
        "a payload that is null": raw("null"),
        "a payload that is text": interaction("block_actions"),
        "a number that is none": raw('{"type":"block_actions","n":NaN}'),
        "a number without end": raw('{"type":"block_actions","n":-Infinity}'),
        "a number of 5,000 digits": raw('{"type":"block_actions","n":' + "9" * 5000 + "}"),
        "100,000 lists in each other": raw("[" * 100_000 + "]" * 100_000),
        "50,000 objects in each other": raw('{"a":' * 50_000 + "1" + "}" * 50_000),
        "half a character": interaction(unpaired),
        "no type": interaction({name: click[name] for name in click if name != "type"}),
        "a type that is a list": interaction({**click, "type": ["block_actions"]}),
        "a type that is an object": interaction({**click, "type": {}}),
        "a type that nobody knows": interaction({**click, "type": "interactive_message"}),
        "a click by nobody": interaction({**click, "user": None}),
        "a click by a name": interaction({**click, "user": "U0ANN"}),
        "a click by a number": interaction({**click, "user": {"id": 1}}),
        "a click on nothing": interaction({**click, "actions": []}),
        "a click on an object": interaction({**click, "actions": {"action_id": "a"}}),
        "a click without an action": interaction({**click, "actions": [{"type": "button", "block_id": "b"}]}),
        "a click nowhere": interaction({name: click[name] for name in click if name != "container"}),
        "a click in a list of workspaces": interaction({**click, "team": ["T0ACME"]}),
        "a click in a numbered enterprise": interaction({**click, "enterprise": 5}),
        "a click authorised by numbers": interaction({**click, "authorizations": [5]}),
        "a form without what was typed": interaction({**form, "view": {**form["view"], "state": None}}),
        "a form without blocks": interaction({**form, "view": {**form["view"], "blocks": []}}),
        "a form without its name": interaction({**form, "view": {**form["view"], "callback_id": None}}),
        "a form that is text": interaction({**form, "view": "V1"}),
        "an event about nothing": mark(json.dumps({**event, "event": None}).encode(), JSON),
        "an event without an id": mark(json.dumps({**event, "event_id": None}).encode(), JSON),
        "an event that is a list": mark(json.dumps([event]).encode(), JSON),
        "a challenge that is a number": mark(b'{"type":"url_verification","challenge":1}', JSON),
        "too large": mark(large),
        "too large, in one piece of unknown size": mark(large, framing=((b"Transfer-Encoding", b"chunked"),)),
        "too large, piece by piece": Sent(
            chunks, signed(large, FORM, now=now), framing=((b"Transfer-Encoding", b"chunked"),)
        ),
        "as long as an integer can be": mark(body, framing=((b"Content-Length", b"9" * 19),)),
    }


def no_http(command: Body, *, now: float) -> dict[str, Sent]:
    """Not even HTTP: each is answered 400 before anything of ours sees it."""
    body, _ = encoded(command)
    headers = signed(body, FORM, now=now)

    def framed(*framing: tuple[bytes, bytes]) -> Sent:
        return Sent(body, headers, framing=framing)

    return {
        "a length that is a word": framed((b"Content-Length", b"many")),
        "a negative length": framed((b"Content-Length", b"-1")),
        "two lengths": framed((b"Content-Length", b"1"), (b"Content-Length", b"%d" % len(body))),
        "an unknown encoding": framed((b"Transfer-Encoding", b"gzip")),
        "pieces that are none": Sent(body + b"\r\n", headers, framing=((b"Transfer-Encoding", b"chunked"),)),
        "a header with a zero byte": Sent(body, (*headers, (b"X-Other", b"a\x00b"))),
        "a header with no name": Sent(body, (*headers, (b"", b"value"))),
        "a header with a space in its name": Sent(body, (*headers, (b"X Slack", b"value"))),
        "a header without end": Sent(b"", raw=b"POST /slack/events HTTP/1.1\r\nX-Other: " + b"a" * 300_000),
        "no request": Sent(b"", raw=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        "a version that is none": Sent(b"", raw=b"POST /slack/events HTTP/one\r\nHost: bot.example\r\n\r\n"),
        "no host": Sent(b"", raw=b"POST /slack/events HTTP/1.1\r\n\r\n"),
    }
