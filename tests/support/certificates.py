"""A private authority and the certificates that it signs, made by openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """A server's certificate and its key."""

    path: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server that shows it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.path, self.key)
        return context


class Authority:
    """Signs certificates; whoever is to trust it is given its `path`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path, self._key = folder / "authority.pem", folder / "authority.key"
        signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # from Python 3.13 on no other is trusted
        made = ("-keyout", self._key, "-out", self.path, "-subj", "/CN=tests", "-days", "2")
        _openssl("req", "-x509", *NEW_KEY, *signs, *made)

    def sign(self, name: str, *, days: int = 2) -> Certificate:
        """A certificate for a host's name or address, such as IP:127.0.0.1; of 0 days one that has expired."""
        made = Certificate(self._folder / "server.pem", self._folder / "server.key")
        request, names = self._folder / "server.csr", self._folder / "names"
        names.write_text(f"subjectAltName={name}\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", *NEW_KEY, "-keyout", made.key, "-out", request, "-subj", "/CN=server")
        signed = ("-CA", self.path, "-CAkey", self._key, "-days", days, "-extfile", names)
        _openssl("x509", "-req", "-in", request, *signed, "-out", made.path)
        return made


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
