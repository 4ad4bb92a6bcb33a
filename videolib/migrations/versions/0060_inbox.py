"""The inbox: messages to people, read or not, and whether they are told by mail."""

import sqlalchemy as sa
from alembic import op

from videolib.db import UtcDateTime

revision = "0060"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; a worker fills it from what there is cause for."""
    op.create_table(
        "inbox_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("thing_id", sa.String(), nullable=False),
        sa.Column("came_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("read_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("mail_after", UtcDateTime(timezone=True), nullable=True),
        sa.Column("mail_tries", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_inbox_messages_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_messages")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_inbox_messages_user_id_key")),
    )
    op.create_index("ix_inbox_messages_unread", "inbox_messages", ["user_id", "read_at"])
    op.create_index(op.f("ix_inbox_messages_mail_after"), "inbox_messages", ["mail_after"])
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("inbox_by_mail", sa.Boolean(), server_default=sa.true(), nullable=False))
