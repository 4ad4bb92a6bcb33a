"""Entries with versions, a state for the work on them, and peer review."""

import secrets

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def upgrade() -> None:
    """Add columns and tables; every entry gets its code, what was published its version. What is public stays so."""
    with op.batch_alter_table("entries") as table:
        table.add_column(sa.Column("code", sa.String(), nullable=True))
        table.add_column(sa.Column("pending", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("pending_state", sa.String(), nullable=True))
        table.add_column(sa.Column("reviewer_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("submitted_at", videolib.db.UtcDateTime(timezone=True), nullable=True))
        table.create_foreign_key(op.f("fk_entries_reviewer_id"), "users", ["reviewer_id"], ["id"])
    _give_codes()
    with op.batch_alter_table("entries") as table:
        table.alter_column("code", existing_type=sa.String(), nullable=False)
        table.alter_column("pending", existing_type=sa.JSON(), server_default=None)
        table.create_unique_constraint(op.f("uq_entries_code"), ["code"])
        table.create_index(op.f("ix_entries_reviewer_id"), ["reviewer_id"])
    _create_versions()
    _create_reviews()
    _keep_what_is_published()


def _give_codes() -> None:
    connection = op.get_bind()
    entries = sa.table("entries", sa.column("id", sa.String), sa.column("code", sa.String))
    given: set[str] = set()
    for entry_id in connection.scalars(sa.select(entries.c.id)).all():
        code = ""
        while not code or code in given:
            code = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
        given.add(code)
        connection.execute(sa.update(entries).where(entries.c.id == entry_id).values(code=code))


def _create_versions() -> None:
    op.create_table(
        "entry_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=True),
        sa.Column("package_id", sa.String(), nullable=True),
        sa.Column("review_id", sa.Integer(), nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_entry_versions_author_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_entry_versions_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_versions")),
    )
    op.create_index("uq_entry_versions_entry_number", "entry_versions", ["entry_id", "number"], unique=True)


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("reviewer_name", sa.String(), nullable=False),
        sa.Column("rubric", sa.String(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", videolib.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_reviews_entry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_reviews_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_entry_id"), "reviews", ["entry_id"], unique=False)
    op.create_table(
        "review_comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=True),
        sa.Column("field", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", videolib.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_review_comments_author_id")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_review_comments_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["resolved_by_id"], ["users.id"], name=op.f("fk_review_comments_resolved_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_comments")),
    )
    op.create_index(op.f("ix_review_comments_entry_id"), "review_comments", ["entry_id"], unique=False)
    op.create_table(
        "review_looks",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("seen_at", videolib.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_review_looks_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_review_looks_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_id", "user_id", name=op.f("pk_review_looks")),
    )
    op.create_index("ix_review_looks_user_id", "review_looks", ["user_id"], unique=False)


def _keep_what_is_published() -> None:
    """Each entry that was published once gets the version that its columns say now; earlier ones were not kept."""
    connection = op.get_bind()
    columns = {
        "title": sa.JSON, "summary": sa.JSON, "key_points": sa.JSON, "learning_objectives": sa.JSON,
        "content_type": sa.String, "difficulty": sa.String, "cn_grade": sa.String, "year_of_procedure": sa.Integer,
        "audience": sa.String, "details": sa.JSON,
    }  # fmt: skip
    others = {
        "id": sa.String, "version": sa.Integer, "recording_id": sa.String, "package_id": sa.String,
        "published_at": videolib.db.UtcDateTime, "updated_at": videolib.db.UtcDateTime,
    }  # fmt: skip
    entries = sa.table("entries", *(sa.column(name, kind) for name, kind in {**columns, **others}.items()))
    terms = sa.table("entry_terms", *(sa.column(name) for name in ("entry_id", "field", "term_id", "position")))
    versions = sa.table(
        "entry_versions",
        *(sa.column(name, sa.JSON) for name in ("document", "annotations")),
        *(sa.column(name) for name in ("entry_id", "number", "digest", "recording_id", "package_id")),
        *(sa.column(name) for name in ("author_name", "reason")),
        sa.column("created_at", videolib.db.UtcDateTime(timezone=True)),
    )
    for row in connection.execute(sa.select(entries).where(entries.c.version > 0)).mappings().all():
        document = {name: row[name] for name in columns if name != "details"} | dict(row["details"])
        mine = sa.select(terms).where(terms.c.entry_id == row["id"]).order_by(terms.c.field, terms.c.position)
        for link in connection.execute(mine).mappings():
            document.setdefault(link["field"], []).append(link["term_id"])
        connection.execute(
            sa.insert(versions).values(
                entry_id=row["id"],
                number=row["version"],
                document={name: value for name, value in document.items() if value not in (None, {}, [], "")},
                annotations=[],
                digest="",
                recording_id=row["recording_id"],
                package_id=row["package_id"],
                author_name="",
                reason="As it was when versions began to be kept.",
                created_at=row["published_at"] or row["updated_at"],
            )
        )
