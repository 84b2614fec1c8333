"""The sandbox as a server: a thread in this process, or a command that blocks.

What lives where, inside the folder: ``sandbox.sqlite3`` (tasks, money, idempotency keys, hosted names),
``token`` (mode 0600), ``media/``, ``inputs/`` (the media of tasks, by content), ``results/``, ``tmp/``.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from motion_widgets.sandbox.faults.plan import FaultPlan, InForce
from motion_widgets.sandbox.responses import UNITS
from motion_widgets.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any

    import uvicorn

    from motion_widgets.sandbox.faults.middleware import Chaos
    from motion_widgets.sandbox.fetch import Fetcher
    from motion_widgets.sandbox.ledger import Charge
    from motion_widgets.sandbox.rendering.worker import Worker

__all__ = ["Sandbox", "serve"]

DEFAULT_SPEED = 20.0
"""Clock factor: 2-3 minutes become 6-9 s, and a result's 24 hours become 72 minutes."""
_RESULT_LIFE = 24 * 3600.0  # s, as the provider's status example has it
_UPLOAD_LIFE = 72 * 3600.0  # s
_START_DEADLINE = 15.0  # s


class Sandbox:
    """An endpoint on this machine, serving `folder` until it is stopped.

    Parameters
    ----------
    folder : Path
        Where its state lives; made when missing. Several processes may serve the same one.
    port : int, default 0
        0: the port used last when it is free, else any free one.
    speed : float, optional
        Clock factor. Every length of time on the wire (how long a task takes, Retry-After, the life of
        results and uploads) is divided by it. 20 when left out.
    host : str
        Address to listen on.
    max_in_flight : int
        Tasks under way at once before a submit gets 429.
    result_life, upload_life : float
        Seconds that links live, before the clock factor.
    faults : FaultPlan, path or mapping, optional
        What goes wrong; see `FaultPlan`. Can be changed at any time by `Sandbox.faults`.

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
    ) -> None:
        self.folder = Path(folder)
        self.speed = DEFAULT_SPEED if speed is None else float(speed)
        if not 0 < self.speed < float("inf"):
            message = f"speed is {speed}; it must be a positive number, such as 20"
            raise ValueError(message)
        self.host = host
        self._wanted_port = port
        self._port = 0
        self._max_in_flight = max_in_flight
        self._result_life = result_life
        self._upload_life = upload_life
        self._in_force = InForce()
        self.faults = faults
        self._store: Store | None = None
        self._fetcher: Fetcher | None = None
        self._worker: Worker | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Base address, without a slash at the end."""
        if not self._port:
            message = "The sandbox is not running; call start() first."
            raise RuntimeError(message)
        return f"http://{self.host}:{self._port}"

    @property
    def token(self) -> str:
        """The sandbox's own bearer token, ``sandbox-…``. It opens nothing else."""
        return self._open().token

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def set_balance(self, usd: float) -> None:
        """Set the money left, in USD."""
        self._open().set_balance(round(usd * UNITS))

    @property
    def faults(self) -> FaultPlan | None:
        """The fault plan in force, with its counters. None: all goes well. Takes what `FaultPlan.read` takes.

        Raises
        ------
        PlanError
            The plan cannot be understood; the earlier one stays in force.
        """
        return self._in_force.plan

    @faults.setter
    def faults(self, plan: FaultPlan | Mapping[str, Any] | str | Path | None) -> None:
        self._in_force.plan = None if plan is None else FaultPlan.read(plan)

    @property
    def charges(self) -> list[Charge]:
        """The server's own books, oldest first: every charge, also those whose answer was lost."""
        return self._open().ledger.charges()

    def start(self) -> Self:
        """Serve from a daemon thread. Returns when it answers; does nothing when it already does.

        Raises
        ------
        OSError
            The port that was asked for is taken.
        RuntimeError
            It did not come up.
        """
        if self.running:
            return self
        import uvicorn

        from motion_widgets.sandbox.connection import Connection

        self._in_force.stopping = False
        store = self._open()
        listener = self._listen(store)
        self._port = listener.getsockname()[1]
        store.last_port = self._port
        application = self._application(store)
        config = uvicorn.Config(
            application,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http=Connection,
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
                message = "The sandbox did not start."
                raise RuntimeError(message)
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving; the folder keeps everything. Does nothing when it is not running."""
        self._in_force.stopping = True
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(10)
        if self._worker is not None:
            self._worker.stop()
        if self._fetcher is not None:
            self._fetcher.close()
        if self._store is not None:
            self._store.close()
        self._server = self._thread = self._worker = self._fetcher = self._store = None
        self._port = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _open(self) -> Store:
        if self._store is None:
            self._store = Store(self.folder)
        return self._store

    def _application(self, store: Store) -> Chaos:
        from motion_widgets.sandbox.app import Context, build
        from motion_widgets.sandbox.faults.middleware import Chaos
        from motion_widgets.sandbox.fetch import Fetcher
        from motion_widgets.sandbox.media import Media
        from motion_widgets.sandbox.rendering.worker import Worker

        media = Media(store, lambda: self.url)
        self._fetcher = Fetcher(store.folder, lambda: self.url, media.is_own)
        self._worker = Worker(store)
        self._worker.start()
        context = Context(
            store=store,
            media=media,
            fetcher=self._fetcher,
            worker=self._worker,
            speed=self.speed,
            max_in_flight=self._max_in_flight,
            result_life=self._result_life,
            upload_life=self._upload_life,
            base=lambda: self.url,
            faults=self._in_force,
        )
        return Chaos(build(context), self._in_force, store, self.speed, self._leave)

    async def _leave(self, over: Callable[[], bool]) -> None:
        from motion_widgets.sandbox.connection import be_away

        assert self._server is not None
        await be_away(self._server, lambda: _bound(self.host, self._port, listen=False), over)

    def _listen(self, store: Store) -> socket.socket:
        if self._wanted_port:
            return _bound(self.host, self._wanted_port)
        last = store.last_port
        if last:
            # Earlier links, kept in notebooks, live on when the port is the same.
            with contextlib.suppress(OSError):
                return _bound(self.host, last)
        return _bound(self.host, 0)


def _bound(host: str, port: int, *, listen: bool = True) -> socket.socket:
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


def serve(folder: Path, port: int = 0, speed: float | None = None, faults: str | Path | None = None) -> None:
    """Serve `folder` until interrupted, having printed the address, the token and a request to paste.

    Parameters
    ----------
    folder, port, speed
        As `Sandbox` takes them.
    faults : path, optional
        A fault plan, TOML or JSON.
    """
    with Sandbox(folder, port=port, speed=speed, faults=faults) as sandbox:
        body = {
            "model": "kling-v2-6-motion-control",
            "prompt": "参考画像のキャラクターの向きに合わせて振り向いて手を振る",
            "image_url": f"{sandbox.url}/media/sample/figure.png",
            "video_url": f"{sandbox.url}/media/sample/clip-6s.mp4",
            "character_orientation": "image",
            "mode": "std",
            "keep_original_sound": "yes",
            "watermark_info": {"enabled": False},
        }
        lines = [
            "SANDBOX: nothing here costs money. Ctrl-C stops it.",
            f"  url    {sandbox.url}",
            f"  token  {sandbox.token}",
            f"  folder {sandbox.folder.resolve()}",
            *([f"  faults {Path(faults).resolve()}"] if faults is not None else []),
            "",
            f"curl {sandbox.url}/v1/videos/generations \\",
            f"  -H 'Authorization: Bearer {sandbox.token}' -H 'Content-Type: application/json' \\",
            f"  -d '{json.dumps(body, ensure_ascii=False)}'",
            "",
            f"curl '{sandbox.url}/v1/tasks/TASK_ID?language=en' -H 'Authorization: Bearer {sandbox.token}'",
        ]
        print("\n".join(lines), flush=True)  # noqa: T201 - this is the command's face
        try:
            while sandbox.running:
                time.sleep(0.5)
        except KeyboardInterrupt:
            print("stopped; the folder keeps everything", flush=True)  # noqa: T201
