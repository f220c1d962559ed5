"""TLS in front of a loopback server, with certificates of a self-made authority: what a private GitHub has."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """A certificate to trust, and a server's certificate and key that it has signed, as files."""

    trusted: Path
    chain: Path

    @classmethod
    def at(cls, folder: Path, *names: str, days: int = 1) -> Authority:
        """Makes one whose server has those names, beside 127.0.0.1.

        Args:
            days: from now, to the end of the server's certificate.
        """
        folder.mkdir()
        own, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Private authority {folder.name}")])
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
             "decipher_only"), False,
        )  # fmt: skip
        signs = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage)
        serves = x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **usage)
        root = (
            _begun(issuer, issuer, own.public_key(), own)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signs, critical=True)
            .sign(own, hashes.SHA256())
        )
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, names)]
        leaf = (
            _begun(x509.Name([]), issuer, server.public_key(), own, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(serves, critical=True)
            .add_extension(x509.SubjectAlternativeName(addresses), critical=True)
            .sign(own, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        key = server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        made = cls(folder / "authority.pem", folder / "server.pem")
        made.trusted.write_bytes(root.public_bytes(pem))
        made.chain.write_bytes(key + leaf.public_bytes(pem))
        return made


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    days: int = 1,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=min(days, 0), hours=-1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


@contextmanager
def in_front_of(port: int, chain: Path) -> Iterator[int]:
    """A port that speaks TLS, and hands what it gets to the other one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)

    def relay(raw: socket.socket) -> None:
        with (
            context.wrap_socket(raw, server_side=True) as outer,
            socket.create_connection(("127.0.0.1", port)) as inner,
        ):
            _join(outer, inner, [])

    with _serving(relay) as own:
        yield own


@contextmanager
def proxy(intruder: Path | None = None, answer: str = "200 OK") -> Iterator[tuple[str, list[bytes]]]:
    """An HTTP proxy's address, and all that it can read.

    Args:
        intruder: a certificate and its key, by which it would read what is meant for somebody else.
        answer: status and reason, if it lets nobody through.
    """
    seen: list[bytes] = []

    def relay(raw: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n") and (byte := raw.recv(1)):
            head += byte
        seen.append(head)
        verb, where, *_ = head.split()
        assert verb == b"CONNECT", "plain HTTP"
        host, _, port = where.decode().rpartition(":")
        raw.sendall(f"HTTP/1.1 {answer}\r\n\r\n".encode())
        if not answer.startswith("200"):
            return None
        with socket.create_connection((host, int(port))) as inner:
            if not intruder:
                return _join(raw, inner, seen)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(intruder)
            with context.wrap_socket(raw, server_side=True) as outer:
                seen.append(outer.recv(65_536))

    with _serving(relay) as own:
        yield f"http://127.0.0.1:{own}", seen


@contextmanager
def _serving(relay: Callable[[socket.socket], None]) -> Iterator[int]:
    def answer(raw: socket.socket) -> None:
        with contextlib.suppress(OSError, AssertionError), raw:
            relay(raw)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # else the thread goes on to accept, with this certificate
            server.join()


def _join(outer: socket.socket, inner: socket.socket, seen: list[bytes]) -> None:
    back = threading.Thread(target=_copy, args=(inner, outer, []), daemon=True)
    back.start()
    _copy(outer, inner, seen)
    back.join()


def _copy(source: socket.socket, target: socket.socket, seen: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            seen.append(data)
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
