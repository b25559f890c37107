"""Who may do what in the database: `python -m common.owners`.

It prints a table of the roles of the services, PUBLIC and all others but administrators: what each
may do with the schemas, tables, columns, sequences and functions, and which roles are members of
others. It reads DB_HOST, DB_PORT, DB_NAME, DB_SSLMODE and DB_SSLROOTCERT, and logs in as DB_USER
with DB_PASSWORD, or as the administrator where DB_ADMIN_USER is set. Any role may look.

    --check    compare with owners.txt, the table as it should be; exit with 1 if it differs
    --refused  try what DB_USER must not be able to do; exit with 1 if something is not refused

After a change of the models or of a grant, `./manage_all.sh owners > common/owners.txt`.
"""

import argparse
import difflib
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from django.core.exceptions import ImproperlyConfigured

from common import env
from common.database.errors import one_line
from common.provision import MAINTENANCE_DATABASES, connect, connect_as_admin
from common.refused import not_refused
from common.services import SERVICES

QUERY = Path(__file__).with_name("owners.sql")
COMMITTED = Path(__file__).with_name("owners.txt")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m common.owners")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare with common/owners.txt")
    choice.add_argument("--refused", action="store_true", help="try what has to be refused")
    options = parser.parse_args()
    with closing(log_in(env.text("DB_NAME", "random"))) as connection:
        cursor = connection.cursor()
        if options.refused:
            exit_with(not_refused(cursor, COMMITTED.read_text()) + entered_databases())
        elif options.check:
            exit_with(difference(table(cursor)))
        else:
            print(table(cursor), end="")


def log_in(database: str) -> Any:
    """Connect as DB_USER, or as the administrator."""
    if os.environ.get("DB_ADMIN_USER"):
        return connect_as_admin(database)
    return connect(database, env.text("DB_USER"), env.secret("DB_PASSWORD"))


def table(cursor: Any) -> str:
    """Return who may do what, one line for each object and role."""
    roles = [
        role
        for service in SERVICES
        for role in (service.role, service.owner_role, service.reader_role)
    ]
    cursor.execute(QUERY.read_text(), {"roles": roles})
    lines = [("OBJECT", "ROLE", "MAY"), *cursor.fetchall()]
    objects, names = (max(len(line[column]) for line in lines) for column in (0, 1))
    return "".join(f"{line[0]:{objects}}  {line[1]:{names}}  {line[2]}\n" for line in lines)


def difference(found: str) -> list[str]:
    """Return the differences between the table as it should be and the one that was found."""
    # Without the padding, which a longer name changes in every line.
    expected, actual = (
        [" ".join(line.split()) for line in text.splitlines()]
        for text in (COMMITTED.read_text(), found)
    )
    names = str(COMMITTED.name), "the database"
    return list(difflib.unified_diff(expected, actual, *names, lineterm="", n=0))


def entered_databases() -> list[str]:
    """Return a sentence for each database that DB_USER can enter, and must not."""
    entered = []
    for database in MAINTENANCE_DATABASES:
        try:
            log_in(database).close()
        except psycopg2.OperationalError:
            continue
        entered.append(f"entered: the database {database}")
    return entered


def exit_with(problems: list[str]) -> None:
    """Print problems, and exit with 1 if there are any."""
    if problems:
        print("\n".join(problems))
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except psycopg2.Error as error:
        sys.exit(f"The database cannot be read: {one_line(error)}")
    except ImproperlyConfigured as error:
        sys.exit(f"The database cannot be read: {error}")
