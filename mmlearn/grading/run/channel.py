"""How a worker tells what happened: signed lines of JSON, and the report that is read from them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field


@dataclass
class RunReport:
    """Per cell what the worker reported; whether it finished, and why not."""

    cells: dict[int, dict] = field(default_factory=dict)
    finished: bool = False
    out_of_time: bool = False
    trouble: str = ""


class Reporter:
    """Write signed JSON lines to a file descriptor that children do not inherit."""

    def __init__(self, descriptor: int, key: str):
        self.file = os.fdopen(descriptor, "w", encoding="utf-8")
        self.key, self.number = key, 0

    def __call__(self, message: dict) -> None:
        body = json.dumps(message)
        signature = sign(self.key, self.number, body)
        self.file.write(json.dumps({"body": body, "signature": signature}) + "\n")
        self.file.flush()
        self.number += 1


def sign(key: str, number: int, body: str) -> str:
    """Return the signature of line `number` of a report."""
    return hmac.new(bytes.fromhex(key), f"{number}:{body}".encode(), hashlib.sha256).hexdigest()


def read_lines(report: RunReport, out: bytes, key: str) -> int | None:
    """Add the signed lines of `out` to the report, up to the first that is not; return the kernel's
    process id."""
    kernel = None
    for number, line in enumerate(out.splitlines()):
        try:
            envelope = json.loads(line)
            if not secrets.compare_digest(
                envelope["signature"], sign(key, number, envelope["body"])
            ):
                break
            message = json.loads(envelope["body"])
        except (ValueError, KeyError, TypeError):
            break
        kernel = message.get("kernel", kernel)
        report.trouble = message.get("trouble", report.trouble)
        report.finished = report.finished or "finished" in message
        if "cell" in message:
            report.cells[message["cell"]] = message
    return kernel
