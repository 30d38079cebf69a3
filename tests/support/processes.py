"""Child processes whose lines on stderr can be waited for."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

WAIT_S = 30.0


class Process:
    """A child process; `environment` is added to that of the tests."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, errors="replace", env={**os.environ, **(environment or {})}
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_line(self, pattern: str) -> re.Match[str]:
        found: list[re.Match[str]] = []

        def look() -> bool:
            found[:] = [match for line in self.lines if (match := re.search(pattern, line))]
            return bool(found) or self._ended

        with self._changed:
            self._changed.wait_for(look, WAIT_S)
        assert found, f"no {pattern!r} in:\n" + "".join(self.lines)
        return found[0]

    def wait_count(self, pattern: str, count: int) -> None:
        """Wait until `count` lines match `pattern`."""

        def look() -> bool:
            return self._ended or sum(re.search(pattern, line) is not None for line in self.lines) >= count

        with self._changed:
            assert self._changed.wait_for(look, WAIT_S), "".join(self.lines)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
