"""The paid endpoint of these tests in a process of its own, which counts whatever its clients suffer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.jobs.endpoint import SERVER, Endpoint


@dataclass
class Counts:
    """What the server saw and charged, by its own count."""

    bodies: dict[str, list[bytes]]
    """By idempotency key, the body of every POST that arrived."""
    charges: dict[str, str]
    """By task id, the key that it was charged to."""

    @property
    def twice(self) -> list[str]:
        """Keys that paid more than once."""
        return [key for key, times in Counter(self.charges.values()).items() if times > 1]


class PaidServer:
    """An `Endpoint` served by another process, as a context.

    `hold` makes the next POST wait, and `arrived` tells when it is there; `go` lets it go on.
    """

    def __init__(self, clip: bytes, *, honours_keys: bool):
        self._line, end = SERVER.Pipe()
        self._end = end
        self._process = SERVER.Process(target=_serve, args=(clip, honours_keys, end), daemon=True)

    def __enter__(self):
        self._process.start()
        self._end.close()
        self.url = self._line.recv()
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.join(30)
        self._line.close()

    def hold(self, when):
        """``"charged"``: it is charged at once; ``"uncharged"``: when it goes on; ``"lost"``: never."""
        self._line.send(("hold", when))

    def work(self, polls):
        """Answer the next polls that the task is still being worked on."""
        self._line.send(("work", polls))

    def arrived(self):
        assert self._line.poll(60), "no POST came"
        assert self._line.recv() == "arrived"

    def go(self):
        self._line.send(("go", None))

    def counts(self) -> Counts:
        self._line.send(("counts", None))
        return self._line.recv()


def _serve(clip, honours_keys, line):
    endpoint = Endpoint(clip)
    endpoint.honours_keys = honours_keys
    endpoint._server.handle_error = lambda *_: None  # most of its clients die
    line.send(endpoint.url)

    def held(when):
        gate = SERVER.Event()
        gates.append(gate)

        def answer(post):
            if when == "charged":
                endpoint.accept(post.key)
            line.send("arrived")
            gate.wait(60)
            return None if when == "uncharged" else "reset"

        return answer

    gates = []
    while True:
        what, value = line.recv()
        if what == "hold":
            endpoint.next_post.append(held(value))
        elif what == "work":
            endpoint.next_poll.extend([endpoint.working()] * value)
        elif what == "go":
            gates.pop().set()
        elif what == "counts":
            bodies = {}
            for post in list(endpoint.posts):
                bodies.setdefault(post.key, []).append(post.body)
            line.send(Counts(bodies, dict(endpoint.charges)))
