"""Playlists, their questions and answers, cohorts; how often each moment of a recording was played."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

CASCADE, SET_NULL = "CASCADE", "SET NULL"


def _moment(name: str) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, videolib.db.UtcDateTime(timezone=True), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column:  # type: ignore[type-arg]
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _refers(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "cohorts",
        _text("id"),
        _text("name"),
        _number("created_by_id", nullable=True),
        _moment("created_at"),
        _refers("cohorts", "created_by_id", "users.id", SET_NULL),
        _key("cohorts", "id"),
        sa.UniqueConstraint("name", name=op.f("uq_cohorts_name")),
    )
    op.create_table(
        "cohort_members",
        _text("cohort_id"),
        _number("user_id"),
        _refers("cohort_members", "cohort_id", "cohorts.id", CASCADE),
        _refers("cohort_members", "user_id", "users.id", CASCADE),
        _key("cohort_members", "cohort_id", "user_id"),
    )
    op.create_index(op.f("ix_cohort_members_user_id"), "cohort_members", ["user_id"])
    op.create_table(
        "playlists",
        _text("id"),
        sa.Column("title", sa.JSON(), nullable=False),
        _text("description"),
        _text("audience"),
        sa.Column("due_on", sa.Date(), nullable=True),
        _number("revision"),
        _number("owner_id", nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _refers("playlists", "owner_id", "users.id", SET_NULL),
        _key("playlists", "id"),
    )
    op.create_index(op.f("ix_playlists_owner_id"), "playlists", ["owner_id"])
    op.create_index(op.f("ix_playlists_created_at"), "playlists", ["created_at"])
    op.create_table(
        "playlist_editors",
        _text("playlist_id"),
        _number("user_id"),
        _refers("playlist_editors", "playlist_id", "playlists.id", CASCADE),
        _refers("playlist_editors", "user_id", "users.id", CASCADE),
        _key("playlist_editors", "playlist_id", "user_id"),
    )
    op.create_index(op.f("ix_playlist_editors_user_id"), "playlist_editors", ["user_id"])
    op.create_table(
        "playlist_assignments",
        _text("id"),
        _text("playlist_id"),
        _number("user_id", nullable=True),
        _text("cohort_id", nullable=True),
        _number("by_id", nullable=True),
        _moment("assigned_at"),
        _refers("playlist_assignments", "playlist_id", "playlists.id", CASCADE),
        _refers("playlist_assignments", "user_id", "users.id", CASCADE),
        _refers("playlist_assignments", "cohort_id", "cohorts.id", CASCADE),
        _refers("playlist_assignments", "by_id", "users.id", SET_NULL),
        _key("playlist_assignments", "id"),
        sa.UniqueConstraint("playlist_id", "user_id", name=op.f("uq_playlist_assignments_playlist_id_user_id")),
        sa.UniqueConstraint("playlist_id", "cohort_id", name=op.f("uq_playlist_assignments_playlist_id_cohort_id")),
    )
    op.create_index(op.f("ix_playlist_assignments_user_id"), "playlist_assignments", ["user_id"])
    op.create_index(op.f("ix_playlist_assignments_cohort_id"), "playlist_assignments", ["cohort_id"])
    op.create_table(
        "playlist_items",
        _text("id"),
        _text("playlist_id"),
        _number("position"),
        _text("kind"),
        _text("title"),
        _text("entry_id", nullable=True),
        _number("start_ms"),
        _number("end_ms", nullable=True),
        _text("note"),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        _refers("playlist_items", "playlist_id", "playlists.id", CASCADE),
        _refers("playlist_items", "entry_id", "entries.id", SET_NULL),
        _key("playlist_items", "id"),
    )
    op.create_index("ix_playlist_items_playlist_id_position", "playlist_items", ["playlist_id", "position"])
    op.create_index(op.f("ix_playlist_items_entry_id"), "playlist_items", ["entry_id"])
    op.create_table(
        "questions",
        _text("id"),
        _text("item_id"),
        _number("at_ms"),
        _text("kind"),
        _text("text"),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("area", sa.JSON(), nullable=False),
        _text("feedback"),
        sa.Column("must_answer", sa.Boolean(), nullable=False),
        _moment("created_at"),
        _refers("questions", "item_id", "playlist_items.id", CASCADE),
        _key("questions", "id"),
    )
    op.create_index(op.f("ix_questions_item_id"), "questions", ["item_id"])
    op.create_table(
        "question_answers",
        _text("question_id"),
        _number("user_id"),
        sa.Column("first", sa.JSON(), nullable=False),
        sa.Column("first_is_right", sa.Boolean(), nullable=False),
        sa.Column("last", sa.JSON(), nullable=False),
        sa.Column("is_right", sa.Boolean(), nullable=False),
        _number("tries"),
        _moment("first_at"),
        _moment("last_at"),
        _refers("question_answers", "question_id", "questions.id", CASCADE),
        _refers("question_answers", "user_id", "users.id", CASCADE),
        _key("question_answers", "question_id", "user_id"),
    )
    op.create_index(op.f("ix_question_answers_user_id"), "question_answers", ["user_id"])
    with op.batch_alter_table("watch_records") as table:
        table.add_column(sa.Column("plays", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("watch_records") as table:
        table.alter_column("plays", server_default=None, existing_type=sa.JSON(), existing_nullable=False)
