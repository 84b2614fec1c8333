"""Appending to a file off the loop: in order, whole, and never behind a gap."""

from __future__ import annotations

import asyncio
import errno
import threading

import pytest

from motion_widgets.jobs.spool import Spool

CHUNKS = [bytes([number]) * (number * 37 + 1) for number in range(200)]


def test_all_that_came_is_there_in_order_behind_what_was(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")

    async def story():
        async with Spool(path) as spool:
            for chunk in CHUNKS:
                await spool.write(chunk)

    asyncio.run(story())
    assert path.read_bytes() == b"before" + b"".join(CHUNKS)


def test_what_came_before_an_error_of_the_network_is_kept(tmp_path):
    async def story():
        async with Spool(tmp_path / "file") as spool:
            await spool.write(b"some")
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(story())
    assert (tmp_path / "file").read_bytes() == b"some"


class Disk:
    """A file on a disk that is slow, and full once and never again."""

    def __init__(self, real, slow):
        self.real, self.slow, self.times = real, slow, 0

    def write(self, chunk):
        self.times += 1
        assert self.slow.wait(30)
        if self.times == 2:
            raise OSError(errno.ENOSPC, "full")
        return self.real.write(chunk)

    def flush(self):
        self.real.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.real.close()


def test_nothing_is_written_behind_what_the_disk_did_not_take(tmp_path):
    slow = threading.Event()

    async def story():
        spool = Spool(tmp_path / "file")
        spool._file = Disk(spool._file, slow)
        async with spool:
            for chunk in (b"one", b"two", b"three"):
                await spool.write(chunk)
            slow.set()
            while True:
                await spool.write(b"more")
                await asyncio.sleep(0)

    with pytest.raises(OSError, match="full"):
        asyncio.run(story())
    assert (tmp_path / "file").read_bytes() == b"one"


def test_a_slow_disk_holds_the_sender_up_and_not_the_loop(tmp_path, monkeypatch):
    monkeypatch.setattr("motion_widgets.jobs.spool._MOST", 100)
    slow, ticks = threading.Event(), []

    async def story():
        spool = Spool(tmp_path / "file")
        spool._file = Disk(spool._file, slow)
        spool._file.times = 100
        async with spool:
            sending = asyncio.create_task(send(spool))
            for _ in range(20):
                await asyncio.sleep(0)
                ticks.append(sending.done())
            slow.set()
            await sending

    async def send(spool):
        for _ in range(10):
            await spool.write(b"x" * 40)

    asyncio.run(story())
    assert not any(ticks)
    assert (tmp_path / "file").stat().st_size == 400
