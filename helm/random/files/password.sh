# Set the administrator's password in an existing data directory, without a running server.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    echo "There is no data yet: the first start sets the password."
elif ! getent passwd "$(id -u)" >/dev/null; then
    echo "The image has no user $(id -u), as PostgreSQL needs here: the password stays as it was."
else
    password=$(</run/secrets/admin/password)
    # -j: a statement ends with a semicolon and an empty line, so that a password may have lines.
    printf "ALTER ROLE postgres PASSWORD '%s';\n\n" "${password//\'/\'\'}" |
        postgres --single -j -D "$PGDATA" postgres >/dev/null
fi
