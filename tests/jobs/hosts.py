"""Hosts of results for tests: a real HTTP(S) server that answers as told, and names that lead to it."""

from __future__ import annotations

import datetime as dt
import errno
import re
import select
import socket
import ssl
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Host:
    """Serves one clip with Range and If-Range; `script` holds callables that answer in its place."""

    def __init__(self, clip, *, certificate=None):
        self.clip, self.etag, self.headers = clip, '"v1"', {}
        self.script = deque()
        self.asked: list[dict] = []
        self.names: list[str | None] = []
        self.let_go = threading.Event()
        handler = type("Handler", (_Handler,), {"host": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def half_and_hang(self, handler):
        """Send the first half of the clip, then nothing more."""
        handler.head(200, {"ETag": self.etag, "Content-Length": len(self.clip), **self.headers})
        handler.wfile.write(self.clip[: len(self.clip) // 2])
        handler.wfile.flush()
        self.let_go.wait(60)
        handler.close_connection = True

    def unknown_length(self, handler):
        """Send the clip without saying how long it is."""
        handler.head(200, {"ETag": self.etag, "Connection": "close", **self.headers})
        handler.wfile.write(self.clip)
        handler.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away is what is tested here."""


class _Handler(BaseHTTPRequestHandler):
    host: Host
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def do_GET(self):
        own = self.host
        own.asked.append({name.lower(): value for name, value in self.headers.items()})
        if own.script:
            own.script.popleft()(self)
            return
        headers = {"ETag": own.etag, **own.headers}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range") == own.etag:
            start, size = int(asked[1]), len(own.clip)
            rest = own.clip[start:]
            span = {"Content-Range": f"bytes {start}-{size - 1}/{size}", "Content-Length": len(rest)}
            self.head(206, headers | span)
            self.wfile.write(rest)
        else:
            self.head(200, headers | {"Content-Length": len(own.clip)})
            self.wfile.write(own.clip)


class Internet:
    """Public addresses that lead to a server here, and names for them. No packet leaves this machine."""

    def __init__(self, monkeypatch):
        self.names: dict[str, list[list[str]]] = {}
        self.routes: dict[str, int] = {}
        self.looked_up: list[str] = []
        self.connected: list[tuple[str, int]] = []
        real_look, real_connect = socket.getaddrinfo, socket.socket.connect

        def look(host, port, *rest, **options):
            name = host.decode() if isinstance(host, bytes) else host
            if name not in self.names:
                if name.endswith(".example"):
                    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
                return real_look(host, port, *rest, **options)
            self.looked_up.append(name)
            answers = self.names[name]
            found = answers.pop(0) if len(answers) > 1 else answers[0]
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (address, port)) for address in found]

        def connect(this, address):
            if not isinstance(address, tuple):
                return real_connect(this, address)
            self.connected.append(address[:2])
            if address[0] in self.routes:
                return real_connect(this, ("127.0.0.1", self.routes[address[0]]))
            if address[0] != "127.0.0.1":
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
            return real_connect(this, address)

        monkeypatch.setattr(socket, "getaddrinfo", look)
        monkeypatch.setattr(socket.socket, "connect", connect)


def tunnel(port, heard):
    """Start a proxy that leads every CONNECT to a port here; give its socket. `heard` takes their lines."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=pump, args=(client,), daemon=True).start()

    def pump(client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        heard.append(head.split(b"\r\n")[0].decode())
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            other = {client: server, server: client}
            while True:
                for ready in select.select(list(other), [], [], 60)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    other[ready].sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    return listening


_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def certificates(folder, *names):
    """Make an authority and a certificate of it for names; give the paths of both (PEM)."""
    now = dt.datetime.now(dt.UTC)
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test's authority")])

    def made(subject, key, *extensions):
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=root, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca, leaf = folder / "ca.pem", folder / "leaf.pem"
    # Python 3.13 verifies RFC 5280 to the letter: an authority says what its key may do and which it is.
    whose = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    signs = {name: name == "key_cert_sign" for name in _USAGES}
    ca.write_bytes(
        made(
            root,
            authority,
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.KeyUsage(**signs), True),
            (whose, False),
        )
    )
    mine = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(whose)
    leaf.write_bytes(made(mine, own, (alternatives, False), (issuer, False)) + private)
    return ca, leaf
