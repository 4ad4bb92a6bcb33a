"""Comments are answered, and ask somebody to look."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a comment belong to another, and name whom it asks."""
    with op.batch_alter_table("review_comments") as table:
        table.add_column(sa.Column("parent_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("asked_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            op.f("fk_review_comments_parent_id"), "review_comments", ["parent_id"], ["id"], ondelete="CASCADE"
        )
        table.create_foreign_key(op.f("fk_review_comments_asked_id"), "users", ["asked_id"], ["id"])
        table.create_index(op.f("ix_review_comments_asked_id"), ["asked_id"])
