"""What can go wrong between a recording and its package: the ingest branch of the library's error family.

    VideolibError
    ├── IngestError      reason: a code of the contract; may_retry: whether trying again can help
    │   ├── Refused      the recording's own fault; never retried
    │   └── ToolFailed   ffmpeg or ffprobe died, hung or ran into a limit
    │       └── NoSpace  the disk filled up
    └── Cancelled        somebody asked to stop; not a failure

The sentences are for hospital editors; pages translate them by `code`, which is the reason.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Literal

from videolib.errors import VideolibError

Reason = Literal[
    "empty",
    "not_media",
    "still_image",
    "no_video",
    "encrypted",
    "truncated",
    "too_large",
    "too_short",
    "unsupported",
    "corrupt",
    "unsafe_reference",
    "tool_failed",
    "no_space",
    "store_unavailable",
]

_AGAIN = "Copy it from the recorder again and upload it again."
SENTENCES: dict[Reason, str] = {
    "empty": f"The file is empty (0 bytes). {_AGAIN}",
    "not_media": "This is not a video or DICOM file. Export the recording as MP4, MOV, AVI, MPEG or DICOM.",
    "still_image": "This is a still picture, not a video. Upload the recording itself.",
    "no_video": "The file holds no moving pictures, only sound or data. Upload the file with the video.",
    "encrypted": "The recording is encrypted or copy-protected. Export it again without protection.",
    "truncated": f"The file is incomplete: a part of the recording is missing. {_AGAIN}",
    "too_large": "The picture is larger than 8192 pixels on a side. Export the recording at 4K or less.",
    "too_short": "The recording holds not even one picture. Upload a longer part of it.",
    "unsupported": "This kind of recording cannot be read here. Export it as MP4 with H.264 and upload that.",
    "corrupt": f"The file is damaged and cannot be read. {_AGAIN}",
    "unsafe_reference": "This is a list of other files, not a recording. Upload the video itself.",
    "tool_failed": "The recording could not be converted. Try again, then tell your administrator.",
    "no_space": "There is not enough disk space to convert the recording. Tell your administrator.",
    "store_unavailable": "The video store does not answer. It will be tried again.",
}


class IngestError(VideolibError):
    """A recording did not become a package; `reason` is one of the contract's codes."""

    code = "tool_failed"
    may_retry = False

    def __init__(self, reason: Reason, message: str | None = None, *, may_retry: bool | None = None) -> None:
        super().__init__(message or SENTENCES[reason], code=reason)
        self.reason: Reason = reason
        if may_retry is not None:
            self.may_retry = may_retry


class Refused(IngestError):
    """The recording itself cannot be accepted: `Refused("truncated")`, or with a sentence of its own.

    `hints` are for who has the files at hand (the command line), never for pages or logs: they name files.
    """

    def __init__(
        self,
        reason: Reason,
        message: str | None = None,
        *,
        may_retry: bool | None = None,
        hints: Sequence[str] = (),
    ) -> None:
        super().__init__(reason, message, may_retry=may_retry)
        self.hints = tuple(hints)


def original_gone() -> IngestError:
    """The store has lost the original of a recording, and no further try brings it back."""
    return IngestError(
        "store_unavailable",
        "The original of this recording is not in the store. Bring it back from a backup, then try again.",
    )


class ToolFailed(IngestError):
    """A media tool failed; `stderr_tail` is for the log of operators, never for pages.

    `exit_status` is None when it had to be stopped, 128 + n when signal n ended it.
    """

    may_retry = True
    kind: Reason = "tool_failed"

    def __init__(self, message: str | None = None, *, stderr_tail: str = "", exit_status: int | None = None) -> None:
        super().__init__(self.kind, message)
        self.stderr_tail = stderr_tail
        self.exit_status = exit_status

    @property
    def is_inputs_fault(self) -> bool:
        """Whether the tool read the recording and gave up or crashed: it will do so again."""
        if self.exit_status is None or self.stderr_tail.startswith(("bwrap:", "prlimit:", "unshare:")):
            return False
        # a crash is the recording's doing as well; only what somebody else ended is not
        return self.exit_status not in {128 + signal.SIGKILL, 128 + signal.SIGTERM, 128 + signal.SIGXCPU}


class NoSpace(ToolFailed):
    """The disk filled up while something was written: the work waits until there is room."""

    kind: Reason = "no_space"

    @property
    def is_inputs_fault(self) -> bool:
        """No: the host's."""
        return False


class Cancelled(VideolibError):
    """The work was stopped because it was asked to stop."""

    code = "cancelled"

    def __init__(self, message: str = "The work was cancelled.") -> None:
        super().__init__(message)
