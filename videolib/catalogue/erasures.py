"""Receipts of what was erased: they stay when everything else is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from videolib.db import Base, new_id, utc_now


class Erasure(Base):
    """One erasure. The receipt is empty until everything is gone."""

    __tablename__ = "erasures"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    recording_id: Mapped[str | None]
    entry_ids: Mapped[list[str]] = mapped_column(default=list)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
