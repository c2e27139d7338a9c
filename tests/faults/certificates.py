"""Certificates, good and bad, and the contexts that serve them."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING

import trustme
from tests.faults.server import HOST

if TYPE_CHECKING:
    from pathlib import Path


class Certificates:
    """An authority that clients trust, and servers of which they are to trust one only."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._stranger = trustme.CA()

    def write_authority(self, folder: Path) -> Path:
        """Write the authority's certificate to a file, for `SSL_CERT_FILE`."""
        path = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def client(self) -> ssl.SSLContext:
        """Return a client's context that trusts the authority."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def good(self, name: str = HOST) -> ssl.SSLContext:
        """Return a server's context that nothing is wrong with."""
        return _server(self._authority.issue_cert(name))

    def expired(self) -> ssl.SSLContext:
        """Return a server's context whose certificate ended a year ago."""
        end = dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
        return _server(self._authority.issue_cert(HOST, not_before=end - dt.timedelta(days=365), not_after=end))

    def wrong_host(self) -> ssl.SSLContext:
        """Return a server's context whose certificate is for another name."""
        return _server(self._authority.issue_cert("elsewhere.example"))

    def unknown_authority(self) -> ssl.SSLContext:
        """Return a server's context whose certificate comes from an authority that no client knows."""
        return _server(self._stranger.issue_cert(HOST))

    def self_signed(self) -> ssl.SSLContext:
        """Return a server's context whose certificate nobody but itself vouches for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with self._stranger.private_key_pem.tempfile() as key, self._stranger.cert_pem.tempfile() as certificate:
            context.load_cert_chain(certificate, key)
        return context


def _server(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context
