"""Copies of the project with a bug in them, which a drill has to find."""

import shutil
from pathlib import Path
from typing import NamedTuple

from tests.plain.copies import ROOT, copy_project

SHARED = (".venv", ".static")  # what the copy does not need to have of its own
APP = "numbers_project/random_numbers"


class Bug(NamedTuple):
    """Words of a file, each with those that take their place."""

    file: str
    changes: dict[str, str]

    def plant(self, copy: Path) -> None:
        """Make a copy of the project with this bug."""
        copy_project(copy)
        for file in (*ROOT.glob("*.py"), *ROOT.glob("requirements*.txt"), ROOT / "manage_all.sh"):
            shutil.copy(file, copy)
        for name in SHARED:
            (copy / name).symlink_to(ROOT / name)
        text = (copy / self.file).read_text()
        for old, new in self.changes.items():
            assert text.count(old) == 1, f"{self.file} has no {old!r}, or more than one."
            text = text.replace(old, new)
        (copy / self.file).write_text(text)


ANSWER_FIRST = """
def insert_draws(draws):
    from datetime import UTC
    from random import getrandbits
    from threading import Timer

    ids = [getrandbits(60) for _ in draws]
    Timer(0.5, save, [ids, draws]).start()
    return [Saved(pk, *draw, datetime.now(UTC)) for pk, draw in zip(ids, draws)]


def save(ids, draws):
    with connection.cursor() as cursor:
        for pk, draw in zip(ids, draws):
            cursor.execute(
                'INSERT INTO random_numbers_generatednumber (id, user_id, "limit", number)'
                ' SELECT %s, id, %s, %s FROM "users"."users_user" WHERE name = %s',
                [pk, draw.limit, draw.number, draw.user],
            )
    connection.close()


@coalesced
def saved_in_time("""

answer_before_the_commit = Bug(
    f"{APP}/queries.py", {"\n@coalesced\ndef insert_draws(": ANSWER_FIRST}
)
repeat_that_draws_again = Bug(
    f"{APP}/idempotency.py",
    {
        "saved = select_answers(keys)": "saved = {}",
        "unnest(%s::text[], %s::text[], %s::text[])": (
            "unnest(%s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING"
        ),
    },
)
list_that_hides_numbers = Bug(
    f"{APP}/views.py",
    {
        'GeneratedNumber.objects.select_related("user")': (
            'GeneratedNumber.objects.exclude(id__endswith="7").select_related("user")'
        )
    },
)
