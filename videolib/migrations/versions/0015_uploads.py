"""Files on their way in, piece by piece."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("uploader_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("original_key", sa.String(), nullable=False),
        sa.Column("store_token", sa.String(), nullable=False),
        sa.Column("last_part", sa.Integer(), nullable=False),
        sa.Column("tail", sa.String(), nullable=False),
        sa.Column("tail_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest_state", sa.LargeBinary(), nullable=True),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.Column("recording_id", sa.String(), nullable=True),
        sa.Column("is_duplicate", sa.Boolean(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason_message", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", videolib.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_byte_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["uploader_id"], ["users.id"], name=op.f("fk_uploads_uploader_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_uploads_entry_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_uploads_recording_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("original_key", name=op.f("uq_uploads_original_key")),
    )
    for column in ("uploader_id", "state", "fingerprint", "last_byte_at"):
        op.create_index(op.f(f"ix_uploads_{column}"), "uploads", [column])
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_parts_upload_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_upload_parts")),
    )
