"""Milliseconds that Snowflake's own Python connector takes for rows out of fakesnow.

Usage: bench_connector.py ROWS; prints one JSON object. The table's columns are those of tests/faces/snowflake/canned.py.
"""

import atexit
import json
import shutil
import sys
import tempfile
import time

# fakesnow makes a folder as soon as it is imported, and leaves it.
tempfile.tempdir = tempfile.mkdtemp(prefix="bench-connector-")
atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)

import fakesnow
import snowflake.connector

ROWS = int(sys.argv[1])
SQL = f"""create table canned as select n::decimal(18,0) as id, (n % 100000 + (n % 100) / 100)::decimal(12,2) as amount, n / 7.0::double as ratio,
    'name ' || (n % 1000) as name, case when n % 5 = 0 then null else 'note ü ' || n end as note, date '2019-04-14' + (n % 2000)::int as day,
    timestamp '2020-09-13 12:26:40' + to_milliseconds(n * 1000 + n % 1000) as at, n % 2 = 1 as paid,
    (n * 1234567 + (n % 10000) / 10000)::decimal(38,4) as total, ['web', 'store', 'app'][n % 3 + 1] as kind
    from range({ROWS}) t(n)"""


def main():
    times = []
    with fakesnow.patch():
        connection = snowflake.connector.connect(database="db", schema="s")
        # The engine beneath fills the table: how is not what is measured.
        connection._duck_conn.execute(f"use db.s; {SQL}")
        for _ in range(3):
            cursor = connection.cursor()
            begun = time.perf_counter()
            cursor.execute("select * from canned")
            count = sum(len(rows) for rows in iter(lambda: cursor.fetchmany(10_000), []))
            times.append(time.perf_counter() - begun)
            assert count == ROWS, count
    print(json.dumps({"ms": sorted(times)[1] * 1000}))


main()
