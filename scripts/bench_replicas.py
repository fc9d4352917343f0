"""Copies of a table of PostgreSQL: what one takes beside psql and DuckDB by hand, and what readers feel of a refresh."""

import os
import statistics
import subprocess
import threading
import time

RUNS = 3
COLUMNS = """id bigint, customer int, name varchar, amount numeric(12,2), ratio double precision, day date, placed timestamp,
    flag boolean, code varchar, note varchar"""


def rows(count):
    """The table's rows: numbers, texts, times and NULLs, the same each time."""
    return f"""create table big as select i::bigint as id, (i * 7919 % 100000)::int as customer, 'name-' || (i * 104729 % 1000000) as name,
        ((i * 31337 % 100000000) / 100.0)::numeric(12,2) as amount, (i % 1000) / 7.0::double precision as ratio,
        date '2020-01-01' + (i % 1500)::int as day, timestamp '2020-01-01' + (i * 37 % 100000000) * interval '1 second' as placed,
        i % 3 = 0 as flag, 'C' || (i % 500) as code,
        case when i % 9 = 0 then null else 'some text, with a comma ' || (i % 1000) end as note
        from generate_series(1::bigint, {count}) i"""


def by_hand(once, postgres, duckdb, folder):
    """psql's copy to CSV, and DuckDB's load of it into a table of the same types."""
    csv, file = f"{folder}/hand.csv", f"{folder}/hand.duckdb"
    begun = time.perf_counter()
    with open(csv, "wb") as out:
        once(postgres.psql("copy big to stdout with (format csv, header)"), None, out)
    once([duckdb, file, "-c", f"create table big ({COLUMNS}); copy big from '{csv}' (header)"])
    took = time.perf_counter() - begun
    os.remove(csv)
    os.remove(file)
    return took


def replicas(bench, wharf, env, folder, count):
    """Rows of the table: how long, how much memory, and what readers of the copy feel meanwhile."""
    postgres = bench.Postgres(f"{folder}/pg-replicas")
    try:
        bench.once(postgres.psql(rows(count)))
        bench.once(postgres.psql("vacuum analyze big"))
        address = f"postgres://bench@{postgres.folder.replace('/', '%2F')}/postgres"
        bench.once([wharf, "source", "add", "far", address], env)
        bench.once([wharf, "replica", "add", "big", "--source", "far", "--table", "public.big"], env)
        ours, theirs, peaks = [], [], []
        for _ in range(RUNS):
            pid = bench.daemon_pid(env)
            bench.reset_peak(pid)
            ours.append(bench.once([wharf, "replica", "refresh", "big", "--full"], env)[0])
            peaks.append(bench.memory(pid, "VmHWM"))
            theirs.append(by_hand(bench.once, postgres, bench.DUCKDB, folder))
        peer = "psql \\copy, duckdb load"
        bench.row(f"replica of {count // 1_000_000} million rows x 10", statistics.median(ours), peer, statistics.median(theirs), 1)
        bench.figure("peak memory of the daemon meanwhile", max(peaks) / 1e6, 400, "MB")
        readers(bench, wharf, env, postgres)
    finally:
        postgres.stop()


def step_back(postgres):
    """In life the server is another machine; here it gets what nobody else wants of this one."""
    with open(f"{postgres.folder}/db/postmaster.pid") as file:
        server = file.readline().strip()
    # Where sessions share the processor as groups, what a process yields within its own is not enough.
    group = f"/proc/{server}/autogroup"
    if os.path.exists(group):
        with open(group, "w") as file:
            file.write("19")
    children = subprocess.run(["pgrep", "-P", server], capture_output=True, text=True, check=False).stdout.split()
    subprocess.run(["renice", "-n", "19", "-p", server, *children], stdout=subprocess.DEVNULL, check=True)


def readers(bench, wharf, env, postgres):
    """A statement on the copy, alone and while the copy is refreshed."""
    texts = (f"select code, count(*), sum(amount) from far.public.big where customer < {n} group by code order by code" for n in range(1000, 99000))

    def read():  # another statement each time, so that no kept result answers
        return bench.once([wharf, "query", next(texts), "--max-age", "1d", "--format", "csv"], env)[0]

    step_back(postgres)
    read()
    alone = [read() for _ in range(20)]
    refresh = threading.Thread(target=bench.once, args=([wharf, "replica", "refresh", "big", "--full"], env))
    refresh.start()
    meanwhile = []
    while refresh.is_alive():
        meanwhile.append(read())
    refresh.join()
    alone += [read() for _ in range(20)]
    bench.row("a reader of it during a refresh", statistics.median(meanwhile), "without one", statistics.median(alone), 1.1)
