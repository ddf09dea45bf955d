"""TLS in front of a server that has none: certificates of an authority of the test's own, and a door that speaks it."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which


class Authority:
    """Makes certificates with `openssl`, which every system with TLS has."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._name = name
        self.certificate = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(self._key)]
        self._openssl("req", "-x509", *key, "-out", str(self.certificate), "-subj", f"/CN={name}", "-days", "2")

    def server(self, host: str) -> ssl.SSLContext:
        """What a server shows that is called so."""
        request, key, certificate = (self._directory / f"{self._name}-{host}.{end}" for end in ("csr", "key", "pem"))
        names = self._directory / "names"
        names.write_text(f"subjectAltName=IP:{host}" if host[0].isdigit() else f"subjectAltName=DNS:{host}")
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key)]
        self._openssl("req", *new, "-out", str(request), "-subj", f"/CN={host}")
        signer = ["-CA", str(self.certificate), "-CAkey", str(self._key), "-CAcreateserial"]
        signed = ["-out", str(certificate), "-days", "2", "-extfile", str(names)]
        self._openssl("x509", "-req", "-in", str(request), *signer, *signed)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def _openssl(self, *arguments: str) -> None:
        program = which("openssl")
        assert program is not None, "the program openssl is needed: apt install openssl"
        subprocess.run([program, *arguments], check=True, capture_output=True, timeout=30)


@contextmanager
def door(context: ssl.SSLContext, behind: Path) -> Iterator[int]:
    """The port of a door that speaks TLS and hands everything to the unix socket behind it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_let_in, args=(listener, context, behind), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _let_in(listener: socket.socket, context: ssl.SSLContext, behind: Path) -> None:
    with suppress(OSError):
        while True:
            guest, _ = listener.accept()
            threading.Thread(target=_serve, args=(guest, context, behind), daemon=True).start()


def _serve(guest: socket.socket, context: ssl.SSLContext, behind: Path) -> None:
    with suppress(OSError), guest, socket.socket(socket.AF_UNIX) as server:
        server.connect(str(behind))
        with context.wrap_socket(guest, server_side=True) as inside:
            back = threading.Thread(target=_copy, args=(server, inside), daemon=True)
            back.start()
            _copy(inside, server)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65536):
            sink.sendall(some)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
