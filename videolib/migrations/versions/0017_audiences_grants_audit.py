"""Audiences that name hospitals, programmes and people; grants; the chain of the audit."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and columns; who may see what stays as it is."""
    moment = videolib.db.UtcDateTime(timezone=True)
    op.create_table(
        "groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
    )
    op.create_table(
        "group_members",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_group_members_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_group_members_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_group_members")),
    )
    op.create_index(op.f("ix_group_members_group_id"), "group_members", ["group_id"])
    op.create_table(
        "grants",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hospital_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("granted_by_id", sa.Integer(), nullable=True),
        sa.Column("granted_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["granted_by_id"], ["users.id"], name=op.f("fk_grants_granted_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["hospital_id"], ["groups.id"], name=op.f("fk_grants_hospital_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_grants_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "hospital_id", "name", name=op.f("pk_grants")),
    )
    op.create_table(
        "entry_audiences",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_entry_audiences_entry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", "token", name=op.f("pk_entry_audiences")),
    )
    op.create_index(op.f("ix_entry_audiences_token"), "entry_audiences", ["token"])
    op.add_column("entries", sa.Column("visible_from", moment, nullable=True))
    op.add_column("entries", sa.Column("visible_until", moment, nullable=True))
    op.create_table(
        "audit_checkpoints",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("before", moment, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_checkpoints")),
    )
    with op.batch_alter_table("audit_events") as table:
        table.add_column(sa.Column("sequence", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("previous", sa.String(), nullable=True))
        table.add_column(sa.Column("digest", sa.String(), nullable=True))
        table.create_unique_constraint(op.f("uq_audit_events_sequence"), ["sequence"])
