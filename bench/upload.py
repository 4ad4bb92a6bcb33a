"""An upload of many gigabytes while its server is killed: `python -m bench.upload [--gb 5] [--kills 20] [--s3]`.

The file is a generated stream that lies on no disk of the sender. Prints how long it took, what was sent twice, what
lay on the web host, and whether every byte is right. `--gb 40 --kills 20 --s3` is the large one.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import secrets
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from config.settings import child_environment, load_settings, set_environment
from tests.killed_uploads import digest_of_chunks, forked_service, upload_under_fire
from videolib.catalogue.people import add_user, make_token
from videolib.catalogue.uploads import Upload, list_parts
from videolib.children import start_s3_server
from videolib.commands.library import prepare_library
from videolib.commands.opening import set_up_logging
from videolib.db import Database
from videolib.digests import end_digest
from videolib.storage import open_store

PORT, MIB, GB = 8792, 1024 * 1024, 10**9
BLOCK = 4 * MIB


class Generated(io.RawIOBase):
    """A file whose bytes follow from their place: a random block, and at each block's beginning its number."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0
        self._block = random.Random(7).randbytes(BLOCK)

    def readable(self) -> bool:  # noqa: D102
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:  # noqa: D102
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:  # noqa: D102
        return self._at

    def read(self, size: int = -1) -> bytes:  # noqa: D102
        left = self._size - self._at
        wanted = left if size < 0 else min(size, left)
        pieces = []
        while wanted > 0:
            number, inside = divmod(self._at, BLOCK)
            block = b"\0\0\0\x18ftypmp42" + number.to_bytes(8, "big") + self._block[20:]
            pieces.append(block[inside : inside + wanted])
            self._at += len(pieces[-1])
            wanted -= len(pieces[-1])
        return b"".join(pieces)


def main(size: int, kills: int, piece: int, *, s3: bool) -> None:
    """Send it, end it, and compare every byte."""
    with tempfile.TemporaryDirectory(prefix="videolib-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        set_environment(VIDEOLIB_HOME=str(folder / "home"), VIDEOLIB_LOG_LEVEL="ERROR")
        if s3:
            access, secret = secrets.token_hex(8), secrets.token_hex(20)
            server = start_s3_server(folder / "s3", access_key=access, secret_key=secret)
            stack.callback(server.stop)
            url = f"s3://bench/library?endpoint={server.endpoint}&style=path"
            set_environment(AWS_ACCESS_KEY_ID=access, AWS_SECRET_ACCESS_KEY=secret, VIDEOLIB_STORE_URL=url)
        settings = load_settings()
        set_up_logging(settings.log_level)
        prepare_library(settings)
        database, originals = Database(settings.database_url), open_store(settings.originals_url)
        with database.writing() as session:
            token = make_token(session, add_user(session, "editor@bench.example", None, ["editor"]).email)
        with forked_service(child_environment(), PORT, folder) as service:
            outcome = upload_under_fire(service, Generated(size), token, name="long.mp4", piece=piece, kills=kills)
        with database.reading() as session:
            upload = session.get_one(Upload, outcome.url.rpartition("/")[2])
            parts = list_parts(session, upload.id)
        began = time.monotonic()
        originals.finish(upload.original_key, upload.growth, parts)
        end_s = time.monotonic() - began
        source = Generated(size)
        expected = digest_of_chunks(iter(lambda: source.read(BLOCK), b""))
        stored = digest_of_chunks(originals.open_range(upload.original_key))
        on_host = sum(path.stat().st_size for path in (folder / "home").rglob("*") if path.is_file())
        is_right = expected == stored == (end_digest(upload.digest_state) or stored)
    print("| store | GB | kills | s | MB/s | pieces | sent again | piece | ended in s | on the web host | right |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    again = outcome.pieces_sent - -(-size // piece)
    print(
        f"| {'S3' if s3 else 'folder'} | {size / GB:g} | {outcome.kills} | {outcome.seconds:.0f} "
        f"| {size / 1e6 / outcome.seconds:.0f} | {outcome.pieces_sent} | {again} | {piece // MIB} MiB | {end_s:.2f} "
        f"| {'the original' if not s3 else f'{on_host / 1e6:.1f} MB'} | {'yes' if is_right else 'NO'} |"
    )
    assert is_right
    assert again <= outcome.kills


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--piece-mib", type=int, default=16)
    parser.add_argument("--s3", action="store_true")
    asked = parser.parse_args()
    main(int(asked.gb * GB), asked.kills, asked.piece_mib * MIB, s3=asked.s3)
