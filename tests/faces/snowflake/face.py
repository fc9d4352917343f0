"""Snowflake's SQL API (version 2) on a port of this machine, with real SQL behind it and faults on demand.

    python face.py '{"tokens": ["secret"], "setup": ["create table t(a int)"]}'

prints `{"port": N}` and serves until its standard input closes. Keys of the configuration: `tokens`, `oauth`, `keys`
(`account`, `user`, `public_key`), `database`, `schema`, `user`, `setup` (statements), `warehouses` (name to state), `roles`,
`row_policies` (table to column), `answers` (`match`, then `columns` and `rows` or `error`), `partition_rows`, `looks` (how
often a statement is found running), `faults` (faults.py).

Beside the API: `POST /control/faults` sets faults, `GET /control/log` tells what was asked, `POST /control/log` forgets it.
`select ... canned(ROWS, PARTS)` is answered without any SQL; `system$wait(SECONDS)` in a statement makes it last.
"""

import asyncio
import gzip
import json
import os
import re
import shutil
import sys
import tempfile
import urllib.parse
import uuid

# fakesnow makes a folder as soon as it is imported, and leaves it; here it goes with this process.
tempfile.tempdir = tempfile.mkdtemp(prefix="face-snowflake-")

import canned
from credentials import Credentials
from engine import Engine, SqlError, split, text_column
from faults import Faults

PATH = re.compile(r"/api/v2/statements(?:/([\w.-]+?))?(/cancel)?$")
WAIT = re.compile(r"system\$wait\(\s*([\d.]+)\s*\)", re.I)


class Result:
    """Rows in parts."""

    def __init__(self, columns, rows, size):
        self.columns = columns
        self.parts = [rows[at : at + size] for at in range(0, len(rows), size)] or [[]]
        self.counts = [len(part) for part in self.parts]

    def text(self, number):
        return json.dumps(self.parts[number], ensure_ascii=False).encode()

    def packed(self, number):
        return gzip.compress(b'{"data":' + self.text(number) + b"}", 6)


class Canned:
    """The same part over and over."""

    def __init__(self, rows, parts):
        self.columns, self.counts = canned.columns(), [rows // parts] * parts

    def text(self, number):
        return canned.part(self.counts[number])[0]

    def packed(self, number):
        return canned.part(self.counts[number])[2]


class Statement:
    """A statement on its way: `result` or `error` once `done`."""

    def __init__(self, looks):
        self.handle = str(uuid.uuid4())
        self.done = asyncio.Event()
        self.looks = looks
        self.result = self.error = self.children = None


class Face:
    def __init__(self, config):
        self.config = config
        self.engine = Engine(config)
        self.credentials = Credentials(config)
        self.faults = Faults(config.get("faults", []))
        self.statements, self.requests, self.log = {}, {}, []

    # One connection.

    async def talk(self, reader, writer):
        try:
            while request := await heard(reader):
                await self.answer(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError, Hangup):
            pass
        finally:
            writer.close()

    async def answer(self, request, writer):
        method, path, query, headers, body = request
        if path.startswith("/control/"):
            return await said(writer, 200, self.control(method, path, body))
        found = PATH.match(path)
        if not found:
            return await said(writer, 404, b'{"message":"no such path"}')
        handle, cancel = found[1], found[2]
        kind = "cancel" if cancel else "submit" if not handle else "partition" if "partition" in query else "status"
        if kind == "status" and (known := self.statements.get(handle)) and known.done.is_set() and known.looks <= 0:
            kind = "result"
        self.log.append({"kind": kind, "query": query, "handle": handle, "body": json.loads(body or b"null"), "headers": headers})
        fault = self.faults.next(kind) or {"do": None}
        if fault["do"] == "expire":
            self.credentials.revoke(headers)
        if fault["do"] == "status":
            more = {"Retry-After": fault["retry_after"]} if "retry_after" in fault else {}
            return await said(writer, fault["status"], json.dumps(fault.get("body", {})).encode(), more)
        if fault["do"] == "close":
            raise Hangup
        if fault["do"] == "silence":
            return await asyncio.sleep(3600)
        if refusal := self.credentials.refusal(headers):
            return await told(writer, 401, code=refusal[0], message=refusal[1])
        if fault["do"] == "running":
            return await told(writer, 202, **running(handle or "nowhere"))
        if fault["do"] == "fail":
            return await told(writer, 422, code="100038", sqlState="22018", message="Numeric value 'x' is not recognized", statementHandle=handle)
        if kind == "submit":
            status, reply, packed = await self.submit(query, json.loads(body))
        else:
            status, reply, packed = self.look(kind, handle, query, fault)
        await spoiled(writer, status, reply, packed, fault)

    def control(self, method, path, body):
        if path == "/control/faults":
            self.faults = Faults(json.loads(body))
        elif method == "POST":
            self.log.clear()
        else:
            return json.dumps(self.log).encode()
        return b"{}"

    # Statements.

    async def submit(self, query, body):
        known = self.statements.get(self.requests.get(query.get("requestId")))
        if known is None or query.get("retry") != "true":
            known = Statement(self.config.get("looks", 0))
            self.requests[query.get("requestId")] = known.handle
            self.statements[known.handle] = known
            known.task = asyncio.create_task(self.run(known, body))
        if query.get("async") == "true":
            return 202, json.dumps(running(known.handle)).encode(), False
        await asyncio.wait([known.task], timeout=45)
        return self.look("status", known.handle, {}, {"do": None})

    async def run(self, statement, body):
        try:
            results = await asyncio.wait_for(self.results(body), body.get("timeout") or None)
            if len(results) == 1:
                statement.result = results[0]
            else:
                statement.result = Result([text_column("multiple statement execution")], [["Multiple statements executed successfully."]], 1)
                statement.children = [self.child(result) for result in results]
        except SqlError as error:
            statement.error = 422, error.code, error.state, error.message
        except asyncio.CancelledError:
            statement.error = 422, "000604", "57014", "SQL execution canceled"
        except TimeoutError:
            statement.error = 408, "000630", "57014", "Statement reached its statement or warehouse timeout and was canceled."
        statement.done.set()

    def child(self, result):
        child = Statement(0)
        child.result, child.task = result, None
        child.done.set()
        self.statements[child.handle] = child
        return child.handle

    async def results(self, body):
        parameters = body.get("parameters") or {}
        roles, role = self.config.get("roles"), body.get("role")
        if roles is not None and role is not None and role not in roles:
            raise SqlError("390189", "08001", f"Role '{role}' specified in the connect string does not exist or not authorized.")
        if found := canned.CALL.search(body["statement"]):
            return [Canned(int(found[1]), int(found[2]))]
        if found := WAIT.search(body["statement"]):
            await asyncio.sleep(float(found[1]))
            return [Result([text_column("wait")], [["waited"]], 1)]
        statements = split(body["statement"])
        count = int(parameters.get("MULTI_STATEMENT_COUNT", "1"))
        if count and count != len(statements):
            raise SqlError("000008", "0A000", f"Actual statement count {len(statements)} did not match the desired statement count {count}.")
        if len(statements) > 1 and body.get("bindings"):
            raise SqlError("390142", "08000", "Bindings are not supported with several statements.")
        size = self.config.get("partition_rows", 10000)
        told = await asyncio.to_thread(self.engine.run, statements, body)
        most = int(parameters.get("ROWS_PER_RESULTSET", "0")) or None
        return [Result(columns, rows[:most], size) for columns, rows in told]

    def look(self, kind, handle, query, fault):
        statement = self.statements.get(handle)
        if statement is None:
            return 422, json.dumps({"code": "000709", "message": f"Statement {handle} not found"}).encode(), False
        if kind == "cancel":
            if statement.task:
                statement.task.cancel()
            body = {"code": "000604", "sqlState": "57014", "message": "SQL execution canceled", "statementHandle": handle}
            return 200, json.dumps(body).encode(), False
        if not statement.done.is_set() or statement.looks > 0:
            statement.looks -= 1
            return 202, json.dumps(running(handle)).encode(), False
        if statement.error:
            status, code, state, message = statement.error
            return status, json.dumps({"code": code, "sqlState": state, "message": message, "statementHandle": handle}).encode(), False
        result, number = statement.result, int(query.get("partition", 0))
        if kind == "partition" and number > 0:
            if fault["do"] == "short":
                return 200, gzip.compress(json.dumps({"data": result.parts[number][:-1]}).encode()), True
            return 200, result.packed(number), True
        return 200, self.whole(statement, result, fault), False

    def whole(self, statement, result, fault):
        head = {
            "code": "391908" if fault["do"] == "truncated" else "090001",
            "sqlState": "00000",
            "message": "Statement executed successfully.",
            "statementHandle": statement.handle,
            "statementStatusUrl": f"/api/v2/statements/{statement.handle}",
            "createdOn": 1620151584132,
            "resultSetMetaData": {
                "numRows": sum(result.counts),
                "format": "jsonv2",
                "rowType": result.columns,
                "partitionInfo": [{"rowCount": count, "uncompressedSize": count * 100} for count in result.counts],
            },
        }
        if statement.children:
            head["statementHandles"] = statement.children
        rows = result.text(0)
        if fault["do"] == "short":
            rows = json.dumps(result.parts[0][:-1]).encode()
        return json.dumps(head).encode()[:-1] + b',"data":' + rows + b"}"


def running(handle):
    return {
        "code": "333334",
        "message": "Asynchronous execution in progress. Use provided query id to perform query monitoring and management.",
        "statementHandle": handle,
        "statementStatusUrl": f"/api/v2/statements/{handle}",
    }


class Hangup(Exception):
    """The line is cut on purpose."""


async def heard(reader):
    """The next request of a connection, or None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    path, _, query = target.partition("?")
    return method, urllib.parse.unquote(path), dict(urllib.parse.parse_qsl(query)), headers, body


async def told(writer, status, **body):
    await said(writer, status, json.dumps(body).encode())


async def said(writer, status, body, more=None, length=None):
    headers = {"Content-Type": "application/json", "Content-Length": len(body) if length is None else length} | (more or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body)
    await writer.drain()


async def spoiled(writer, status, body, packed, fault):
    """Says what was to be said, in the way that a fault tells."""
    more = {"Content-Encoding": "gzip"} if packed else {}
    match fault["do"]:
        case "cut":
            await said(writer, status, body[: int(len(body) * fault.get("part", 0.5))], more, len(body))
            raise Hangup
        case "length":
            await said(writer, status, body, more, len(body) // 2)
            raise Hangup
        case "gzip":
            whole = body if packed else gzip.compress(body)
            await said(writer, status, whole[: len(whole) * 2 // 3], {"Content-Encoding": "gzip"})
        case "slow":
            await said(writer, status, b"", more, len(body))
            step = len(body) // 5 + 1
            for at in range(0, len(body), step):
                writer.write(body[at : at + step])
                await writer.drain()
                await asyncio.sleep(fault.get("pause", 0.05))
        case _:
            await said(writer, status, body, more)


def configuration(arguments):
    """JSON as an argument, or the file that an argument names as @FILE: an argument cannot be long."""
    if not arguments:
        return {}
    text = arguments[0]
    if text.startswith("@"):
        with open(text[1:], encoding="utf-8") as file:
            text = file.read()
    return json.loads(text)


async def main():
    face = Face(configuration(sys.argv[1:]))
    server = await asyncio.start_server(face.talk, "127.0.0.1", 0, limit=1 << 20)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    # Whoever started it holds the other end, and is gone when that closes.
    await asyncio.to_thread(sys.stdin.buffer.read)
    # Connections and statements that are still open are nobody's any more: nothing is told of their end.
    shutil.rmtree(tempfile.tempdir, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
