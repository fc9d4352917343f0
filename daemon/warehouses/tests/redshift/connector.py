"""What Amazon's own driver gets from the face: `connector.py PORT`, the password on standard input. Says `fine` at the end."""

import decimal
import sys

import redshift_connector

PASSWORD = sys.stdin.readline().rstrip("\n")


def connect(password: str = PASSWORD) -> redshift_connector.Connection:
    return redshift_connector.connect(
        host="127.0.0.1", port=int(sys.argv[1]), database="postgres", user="admin", password=password, ssl=False
    )


def refused(connection: redshift_connector.Connection, sql: str, state: str) -> None:
    try:
        connection.cursor().execute(sql)
    except redshift_connector.ProgrammingError as error:
        assert state in str(error), error
        connection.rollback()
    else:
        raise AssertionError(f"{sql} is not refused")


with connect() as connection:
    cursor = connection.cursor()
    cursor.execute(
        "select 1::int as n, 12.30::numeric(10,2) as d, 'größe'::varchar as t, '{\"a\": [1]}'::json as s,"
        " '\\x6869'::bytea as b, null::date as x, true as y"
    )
    [row] = cursor.fetchall()
    assert list(row) == [1, decimal.Decimal("12.30"), "größe", '{"a": [1]}', "hi", None, True], row
    kinds = {name if isinstance(name, str) else name.decode(): kind for name, kind, *_ in cursor.description}
    assert (kinds["s"], kinds["b"]) == (4000, 6551), kinds
    cursor.execute("select %s::varchar, %s::int", ("it's \\ \"odd\" $1", 7))
    assert list(cursor.fetchall()[0]) == ["it's \\ \"odd\" $1", 7]
    cursor.execute("select n from generate_series(1, 20000) as g(n)")
    assert [row[0] for row in cursor.fetchall()] == list(range(1, 20001))
    cursor.execute("select version()")
    assert "Redshift 1.0" in cursor.fetchall()[0][0]
    refused(connection, "copy t to stdout", "0A000")
    refused(connection, "set extra_float_digits to 3", "22023")
    refused(connection, "select * from pg_range", "42P01")
try:
    connect("wrong")
except redshift_connector.Error as error:
    assert "28000" in str(error), error
else:
    raise AssertionError("a wrong password is taken")
print("fine")
