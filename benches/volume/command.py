"""Runs a command and reads what it cost. Shared by the scripts of this folder."""

import argparse
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import Callable


@dataclass
class Outcome:
    """What a finished command printed and used; times in seconds."""

    code: int
    wall: float
    user: float
    system: float
    peak: int  # bytes; never below the memory of the Python process that started the command
    out: str
    err: str

    @property
    def cpu(self) -> float:
        return self.user + self.system

    def json(self) -> dict:
        return json.loads(self.out)

    def complaint(self) -> str:
        """The line that says what went wrong."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(("error", "memory allocation"))]
        return (telling or lines or [f"exit code {self.code}"])[-1]


def run(command: list[str], before: Callable[[], None] | None = None) -> Outcome:
    """Runs `command` to its end; `before` is called in the new process first, to set limits."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=err, preexec_fn=before)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    return Outcome(
        child.returncode, wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024, *texts
    )


def radloom(binary: str, *arguments: object) -> Outcome:
    """Runs a verb of radloom with `--json`."""
    return run([binary, *map(str, arguments), "--json"])


def parser_of(documentation: str | None) -> argparse.ArgumentParser:
    """A parser of arguments that shows a script's own documentation."""
    plain = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(description=documentation, formatter_class=plain)


def verdict(failures: list[str], compared: int | None = None) -> int:
    """Prints what failed and gives the exit code; that nothing was compared is a failure, too."""
    if compared == 0:
        failures = [*failures, "nothing was compared"]
    for failure in failures:
        print(f"FAILED: {failure}")
    if not failures:
        print("passed")
    return 1 if failures else 0
