"""The door over TCP under load, beside a FastAPI route that does the same on one uvicorn worker."""

import http.client
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import time
import urllib.request

PEER = '''
import hashlib, hmac
from fastapi import FastAPI, Header, HTTPException
app = FastAPI()
TOKENS = {kind: hashlib.sha256(token.encode()).digest() for kind, token in (("SWARM", "SWARM-a"), ("AGENT", "AGENT-b"))}
TABLES = [{"table_id": "orders", "schema_id": "main", "catalog_id": "shop", "source": "duckdb", "tags": [], "description": None,
           "columns": [{"name": n, "type": t} for n, t in (("id", "BIGINT"), ("tenant", "VARCHAR"), ("amount", "DOUBLE"))]}]
@app.get("/list_data")
async def list_data(authorization: str = Header(...)):
    swarm, _, agent = authorization.removeprefix("Bearer ").partition(";")
    for kind, token in (("SWARM", swarm), ("AGENT", agent)):
        if not hmac.compare_digest(TOKENS[kind], hashlib.sha256(token.encode()).digest()):
            raise HTTPException(401)
    return TABLES
'''


def load(url, credentials, seconds):
    """Requests a second at 200 clients, and the median latency in seconds; any reply but 200 ends the run."""
    out = subprocess.run(
        ["wrk", "-t2", "-c200", f"-d{seconds}s", "--latency", "-H", f"Authorization: {credentials}", url],
        capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"not every request was answered:\n{out}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
    return rate, float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]


def wait(url):
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


class Local(http.client.HTTPConnection):
    """The owner's socket."""

    def __init__(self, path):
        super().__init__("wharf")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def statement(connection, headers, rounds=1000):
    """Median seconds of one statement on a connection that stays open. No two texts are the same, so each is judged anew."""
    took = []
    for round in range(rounds):
        body = json.dumps({"query": f"select tenant, count(*) n from orders where id > {round} group by all"})
        begun = time.perf_counter()
        connection.request("POST", "/api/queries/execute", body, {"Content-Type": "application/json", **headers})
        reply = connection.getresponse()
        text = reply.read()
        took.append(time.perf_counter() - begun)
        if reply.status != 200:
            raise SystemExit(f"a statement failed: {text}")
    return statistics.median(took)


def door(wharf, env, folder, venv, report, with_and_without):
    """Rows of the table: requests a second here and there; a statement with and without somebody to hold to rules."""
    os.makedirs(f"{folder}/shop")
    with open(f"{folder}/shop/orders.csv", "w") as file:
        file.write("id,tenant,amount\n" + "".join(f"{i},acme,{i}.5\n" for i in range(1000)))
    run = lambda *args: subprocess.run([wharf, *args], env=env, check=True, capture_output=True, text=True).stdout.strip()
    run("source", "add", "shop", f"{folder}/shop")
    credentials = "Bearer " + run("token", "create", "swarm", "--label", "load", "--tenant", "acme") + ";" + run("token", "create", "agent", "--swarm", "load")
    run("table", "allow", "orders", "--to", "swarm:load")
    free = {**env, "WHARF_RATE_METADATA": "0", "WHARF_RATE_QUERY": "0", "WHARF_RATE_HEALTH": "0"}
    server = subprocess.Popen([wharf, "serve", "--listen", "127.0.0.1:0"], env=free, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peer = None
    try:
        address = json.loads(server.stdout.readline())["address"]
        load(f"{address}/list_data", credentials, 1)
        ours, latency = load(f"{address}/list_data", credentials, 5)
        with open(f"{folder}/peer.py", "w") as file:
            file.write(PEER)
        command = [f"{venv}/bin/python", "-m", "uvicorn", "peer:app", "--port", "18431", "--log-level", "critical"]
        peer = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait("http://127.0.0.1:18431/list_data")
        theirs, _ = load("http://127.0.0.1:18431/list_data", "Bearer SWARM-a;AGENT-b", 5)
        report(ours, theirs, latency)
        peer.terminate()
        peer.wait(10)
        peer = None
        run("policy", "set", "orders", "--filter", "tenant = :tenant", "--column", "amount=mask:bucket(10)")
        host, _, port = address.rpartition("/")[2].rpartition(":")
        agent = http.client.HTTPConnection(host, int(port))
        owner = Local(f"{env['WHARF_RUNTIME_DIR']}/wharfd.sock")
        who = {"Authorization": credentials}
        statement(agent, who, 50), statement(owner, {}, 50)
        with_and_without(statement(agent, who), statement(owner, {}))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        if peer:
            peer.terminate()
            peer.wait(10)
