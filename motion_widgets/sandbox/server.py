"""The sandbox as a server on a thread of this process.

What is where in its folder: ``sandbox.sqlite3`` (tasks, balance, idempotency keys, hosted names), ``token``
(mode 0600), ``media/``, ``inputs/`` (the media of tasks, by content), ``results/``, ``tmp/``.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from motion_widgets.sandbox.faults.plan import ActivePlan, FaultPlan
from motion_widgets.sandbox.price import UNITS
from motion_widgets.sandbox.store import Store
from motion_widgets.sandbox.truth import TRUTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import uvicorn

    from motion_widgets.sandbox.balance import Charge
    from motion_widgets.sandbox.faults.middleware import FaultMiddleware
    from motion_widgets.sandbox.truth import Plant

__all__ = ["DEFAULT_SPEED", "Sandbox"]

DEFAULT_SPEED = 20.0
"""Clock factor: 2-3 minutes become 6-9 s, and a result's 24 hours become 72 minutes."""
_RESULT_LIFE = 24 * 3600.0  # s, as in the provider's status example
_UPLOAD_LIFE = 72 * 3600.0  # s
_START_DEADLINE = 15.0  # s


class Sandbox:
    """An endpoint on this machine that serves `folder` until it is stopped.

    Parameters
    ----------
    folder : Path
        Where its state is kept; created when missing. Several processes may serve the same one.
    port : int, default 0
        0: the port used last when it is free, else any free one.
    speed : float, optional
        Clock factor. Every length of time on the wire (how long a task takes, Retry-After, the life of
        results and uploads) is divided by it. None: 20.
    host : str
        Address to listen on.
    max_in_flight : int
        Tasks in flight before a submit gets 429.
    result_life, upload_life : float
        Seconds that links are valid, before the clock factor.
    faults : FaultPlan, path or mapping, optional
        What goes wrong; see `FaultPlan`. Can be changed at any time through `Sandbox.faults`.
    public : bool
        Fetch no link that leads to this machine or a private network, its own media excepted.
    truth : mapping, optional
        What is planted in results, by the value of a setting. None: nothing. Can be changed at any time
        through `Sandbox.truth`, for the results that are drawn from then on.

    Examples
    --------
    >>> with Sandbox(Path("here")) as sandbox:  # doctest: +SKIP
    ...     print(sandbox.url)
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        speed: float | None = None,
        host: str = "127.0.0.1",
        max_in_flight: int = 20,
        result_life: float = _RESULT_LIFE,
        upload_life: float = _UPLOAD_LIFE,
        faults: FaultPlan | Mapping[str, Any] | str | Path | None = None,
        public: bool = False,
        truth: Mapping[str, Plant] | None = TRUTH,
    ) -> None:
        self.truth = truth
        self._public = public
        self.folder = Path(folder)
        self.speed = DEFAULT_SPEED if speed is None else float(speed)
        if not 0 < self.speed < float("inf"):
            raise ValueError(f"speed is {speed}; it must be a positive number, such as 20")
        self.host = host
        self._wanted_port = port
        self._port = 0
        self._limits: dict[str, Any] = {
            "max_in_flight": max_in_flight,
            "result_life": result_life,
            "upload_life": upload_life,
        }
        self._active = ActivePlan()
        self.faults = faults
        self._store: Store | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._cleanup = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """Base address, without a trailing slash."""
        if not self._port:
            raise RuntimeError("The sandbox is not running; call start() first.")
        return f"http://{self.host}:{self._port}"

    @property
    def token(self) -> str:
        """The sandbox's own bearer token, ``sandbox-…``, which is good for nothing else."""
        return self._open().token

    @property
    def running(self) -> bool:
        """Whether it is serving."""
        return self._thread is not None and self._thread.is_alive()

    def set_balance(self, usd: float) -> None:
        """Set the money left, in USD."""
        self._open().balance.set(round(usd * UNITS))

    @property
    def faults(self) -> FaultPlan | None:
        """The active fault plan with its counters. None: nothing goes wrong.

        Whatever `FaultPlan.read` accepts can be assigned.

        Raises
        ------
        PlanError
            The plan is not valid; the earlier one stays active.
        """
        return self._active.plan

    @faults.setter
    def faults(self, plan: FaultPlan | Mapping[str, Any] | str | Path | None) -> None:
        self._active.plan = None if plan is None else FaultPlan.read(plan)

    @property
    def charges(self) -> list[Charge]:
        """Every charge, oldest first, including those whose response was lost."""
        return self._open().balance.charges()

    def start(self) -> Self:
        """Serve from a daemon thread. Return once it responds; do nothing when it already runs.

        Raises
        ------
        OSError
            The requested port is taken.
        RuntimeError
            It did not start.
        """
        if self.running:
            return self
        import uvicorn

        from motion_widgets.sandbox.connection import BACKLOG, LARGEST_HEAD, Connection

        self._active.stopping = False
        store = self._open()
        try:
            listener = self._listen(store)
        except OSError:
            self.stop()
            raise
        self._port = listener.getsockname()[1]
        store.last_port = self._port
        config = uvicorn.Config(
            self._application(store),
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http=Connection,
            backlog=BACKLOG,
            h11_max_incomplete_event_size=LARGEST_HEAD,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_DEADLINE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("The sandbox did not start.")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving; the folder keeps everything. Does nothing when it is not running."""
        self._active.stopping = True
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(10)
        self._cleanup.close()
        self._server = self._thread = self._store = None
        self._port = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _open(self) -> Store:
        if self._store is None:
            self._store = Store(self.folder)
            self._cleanup.callback(self._store.close)
        return self._store

    def _application(self, store: Store) -> FaultMiddleware:
        """Build the application, and start what works behind it."""
        from motion_widgets.sandbox.app import AppContext, build_app
        from motion_widgets.sandbox.faults.middleware import FaultMiddleware
        from motion_widgets.sandbox.fetch import Fetcher
        from motion_widgets.sandbox.media import HostedMedia
        from motion_widgets.sandbox.rendering.worker import Worker

        media = HostedMedia(store, lambda: self.url)
        worker = Worker(store, lambda: self.truth)
        self._cleanup.callback(worker.stop)
        worker.start()
        context = AppContext(
            store=store,
            media=media,
            fetcher=Fetcher(store, lambda: self.url, media.is_own, public=self._public),
            worker=worker,
            faults=self._active,
            base=lambda: self.url,
            speed=self.speed,
            **self._limits,
        )
        return FaultMiddleware(build_app(context), self._active, store, self.speed, self._stop_listening)

    async def _stop_listening(self, over: Callable[[], bool]) -> None:
        from motion_widgets.sandbox.connection import stop_listening

        assert self._server is not None
        await stop_listening(self._server, lambda: _bind(self.host, self._port, listen=False), over)

    def _listen(self, store: Store) -> socket.socket:
        if not self._wanted_port and store.last_port:
            # Earlier links, kept in notebooks, stay valid when the port is the same.
            with contextlib.suppress(OSError):
                return _bind(self.host, store.last_port)
        return _bind(self.host, self._wanted_port)


def _bind(host: str, port: int, *, listen: bool = True) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there the same option would let two processes share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        if listen:
            listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
