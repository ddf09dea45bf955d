"""A reference endpoint for Countersign's provider `webhook`: Python's own library, and a file of SQLite.

    python receiver.py --listen 0.0.0.0:8443 --certificate tls.pem --private-key tls.key --keys keys --state state.db

`signed.py` decides which calls are believed, `reports.py` is the system that it gives access to.
"""

import argparse
import json
import logging
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from reports import Refused, Reports, now_us
from signed import Call, Keys, Unproven, is_stale

PATH = "/countersign"
_LARGEST = 64 * 1024
_SECONDS = 10

logger = logging.getLogger("receiver")


class Server(ThreadingHTTPServer):
    """TLS is spoken in each guest's own thread, so that a slow guest holds up no other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, keys: Keys) -> None:
        super().__init__(address, Handler)
        self.context, self.keys = context, keys
        self.reports: Reports | None = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A guest who hangs up or speaks no TLS; who it was and why is nobody's secret."""
        logger.info("a connection ended early: %s", type(sys.exception()).__name__)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "receiver"
    sys_version = ""
    timeout = _SECONDS
    disable_nagle_algorithm = True  # headers and body are two writes

    def setup(self) -> None:
        self.request.settimeout(_SECONDS)
        self.request = self._server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    # Countersign's side

    def do_POST(self) -> None:
        if self.path == "/session":
            self._log_in()
        elif self.path == PATH:
            self._answer_call()
        else:
            self._say(404)

    def _answer_call(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LARGEST:
            self.close_connection = True
            self._say(413)
            return
        body = self.rfile.read(int(length))
        try:
            call = self._server.keys.proven(self.headers, body)
        except Unproven:
            self._say(401)
            return
        status, said = self._said(call)
        answer = json.dumps(said).encode()
        self._say(status, answer, self._server.keys.answer(call, now_us(), status, answer))

    def _said(self, call: Call) -> tuple[int, dict[str, Any]]:
        if is_stale(call, now_us()):
            return 401, _error("bad_config", "The clocks of the caller and of this endpoint are too far apart.")
        try:
            if self._reports.is_replay(call.id):
                return 409, _error("conflict", "This call was answered before.")
            asked = json.loads(call.body)
            return 200, self._reports.answer(asked if isinstance(asked, dict) else {}, call.signed_at)
        except Refused as refused:
            return 422, _error(refused.kind, refused.sentence)
        except (ValueError, TypeError, RecursionError):
            return 400, _error("bad_config", "The call is no JSON that this endpoint can read.")

    # People's side

    def _log_in(self) -> None:
        session = self._reports.log_in(self._bearer())
        if session is None:
            self._say(403)
        else:
            self._say(200, json.dumps({"session": session}).encode())

    def do_GET(self) -> None:
        kind, _, report = self.path.strip("/").partition("/")
        if kind == "reports" and self._reports.may_read(self._bearer(), report):
            self._say(200, json.dumps({"report": report, "rows": [["2026-11-01", 1200], ["2026-11-02", 900]]}).encode())
        else:
            self._say(403)

    def do_DELETE(self) -> None:
        self._reports.log_out(self._bearer())
        self._say(204)

    def _bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def _reports(self) -> Reports:
        assert self._server.reports is not None
        return self._server.reports

    @property
    def _server(self) -> Server:
        assert isinstance(self.server, Server)
        return self.server

    def _say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Paths and statuses; no header, no body, so that neither a token nor a signature is in the log."""
        logger.info(format, *args)


def _error(kind: str, sentence: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "sentence": sentence}}


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--listen", default="127.0.0.1:8443", help="address and port; port 0 takes a free one")
    for name in ("--certificate", "--private-key", "--keys", "--state"):
        words.add_argument(name, type=Path, required=True)
    words.add_argument("--reports", default="sales,payroll", help="the names of the reports")
    words.add_argument("--takes", type=float, default=0.0, help="seconds until a grant is active, to see what waits")
    told = words.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(told.certificate, told.private_key)
    host, _, port = told.listen.rpartition(":")
    server = Server((host, int(port)), context, Keys(told.keys))
    address = f"https://{host}:{server.server_address[1]}"
    server.reports = Reports(told.state, frozenset(told.reports.split(",")), address, told.takes)
    print(f"listening on {address}{PATH}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
