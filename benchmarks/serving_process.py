"""A server in a process of its own, for measurements and tests of it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import requests
from timing import memory_mib

_START_SECONDS = 300


class ServerProcess:
    """``preread serve`` in a process."""

    def __init__(self, indexes: Mapping[str, Path], *options: str, port: int = 0) -> None:
        """Start it and wait until it takes requests.

        Args:
            indexes: Folders by name.
            options: More of the command line.
            port: 0: one that is free.

        Raises:
            SystemExit: If it does not start; with its log.
        """
        self._log = tempfile.NamedTemporaryFile(suffix=".log")  # noqa: SIM115  # as long as it runs
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        named = [f"{name}={path}" for name, path in indexes.items()]
        command = [sys.executable, "-m", "preread.pipeline", "serve", *named]
        begin = time.monotonic()
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port), *options], stderr=self._log, env=os.environ
        )
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > begin + _START_SECONDS:
                self.kill()
                raise SystemExit(f"the server did not start:\n{self.log()}")
            time.sleep(0.05)
        self.seconds_to_ready = time.monotonic() - begin

    def memory_mib(self) -> tuple[float, float]:
        """Resident memory: its own, and pages of files that are mapped (the index's, mostly)."""
        return memory_mib(self._process.pid)

    def log(self) -> str:
        """What it has logged."""
        return Path(self._log.name).read_text("utf-8")

    def events(self) -> list[dict[str, Any]]:
        """What it has logged, line by line; ``event`` is empty where a line is no JSON."""
        found = []
        for line in self.log().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                found.append({"event": "", "line": line})
        return found

    def metric(self, name: str) -> float:
        """A number of /metrics, by its name and labels; 0 where it is not there yet."""
        lines = requests.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        found = [line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{name} ")]
        return float(found[0]) if found else 0.0

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def __enter__(self) -> Self:
        """Use as a context: it is told to stop at the end."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it; a second signal if it does not."""
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
