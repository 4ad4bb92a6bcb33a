"""The service for tests that kill it often: a process that has everything loaded forks one that answers, over and over.

`python -m tests.forked_service PORT PIDFILE`, with the settings in the environment. What answers is the application
behind waitress as `videolib serve` starts it, without a worker; its number stands in PIDFILE. It ends with its parent.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import signal
import sys
import time
from pathlib import Path

import structlog

from config.settings import load_settings
from videolib.web import create_app
from videolib.web.server import make_server

PR_SET_PDEATHSIG = 1


def answer(port: int, pid_file: Path) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    server = make_server(create_app(load_settings()), "127.0.0.1", port)
    draft = pid_file.with_suffix(".draft")
    draft.write_text(str(os.getpid()))
    draft.replace(pid_file)
    server.run()


def main(port: int, pid_file: Path) -> None:
    importlib.import_module("videolib.storage.s3_client")  # before the forks: boto3 takes its time
    while True:
        child = os.fork()
        if child == 0:
            answer(port, pid_file)
            os._exit(1)
        os.waitpid(child, 0)
        time.sleep(0.02)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
