"""A workspace of Databricks in one process: the REST API as it is documented, with Spark as the engine behind it.

Prints one line of JSON with its ports and credentials, serves on 127.0.0.1, and ends when its standard input closes.
`--no-spark` leaves the engine out; then only canned results can be had: `SELECT * FROM canned(ROWS, CHUNKS)`.

Beside the API there are three routes for tests, without any credential:
  POST /__control/faults  a list of faults: {"kind", "method", "path" (a pattern), "store", "after", "count", ...}
                          kinds: status (status, headers, body), reset, hang, cut, longer, short, late (seconds)
  POST /__control/set     settings: see `Face.settings`; {"expire_tokens": true} ends every OAuth token there is
  GET  /__control/log     what came: method, path, and whether it was the store
"""

import base64
import datetime
import io
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Nothing is to be left in the folder of the sources.
sys.dont_write_bytecode = True

import pyarrow as pa
import pyarrow.compute  # noqa: F401  canned results are computed with it

import engine as engines

TOKEN, CLIENT_ID, CLIENT_SECRET, WAREHOUSE = "dapi-face-token", "face-client", "dose-face-secret", "face0wh"
STATEMENTS = "/api/2.0/sql/statements"


class Statement:
    def __init__(self, body):
        self.id = str(uuid.uuid4())
        self.body = body
        self.inline = body.get("disposition", "INLINE") == "INLINE"
        self.state, self.error = "PENDING", None
        self.columns, self.chunks, self.truncated, self.closed = [], [], False, False
        self.done = threading.Event()


class Face:
    def __init__(self, spark):
        self.engine = engines.Engine()
        self.spark = spark
        self.statements, self.files, self.tokens, self.faults, self.log = {}, {}, {}, [], []
        self.lock = threading.Lock()
        self.settings = {
            "chunk_rows": 5000,        # rows of a chunk
            "pending_polls": 0,        # so many answers say PENDING: a warehouse that starts
            "warehouse_state": "RUNNING",
            "link_seconds": 900,       # how long links hold
            "token_seconds": 3600,
            "truncated": False,        # every manifest says so
            "fail_after_running": "",  # a message: every statement runs, and then fails with it
            "page": 2,                 # items of a page in Unity Catalog
        }

    def execute(self, body):
        s = Statement(body)
        with self.lock:
            self.statements[s.id] = s
            s.pending = self.settings["pending_polls"]
        threading.Thread(target=self.work, args=(s,), daemon=True).start()
        wait = body.get("wait_timeout", "10s")
        s.done.wait(float(wait.rstrip("s")) if not s.pending else 0)
        if not s.done.is_set() and body.get("on_wait_timeout") == "CANCEL" and wait != "0s":
            self.cancel(s)
        return self.told(s)

    def work(self, s):
        try:
            found = re.fullmatch(r"\s*select \* from canned\((\d+), *(\d+)\)\s*", s.body["statement"], re.I)
            if found:
                s.columns, s.chunks = engines.canned(int(found[1]), int(found[2]), s.body.get("row_limit"))
                if s.inline:
                    s.chunks = [[list(row) for row in zip(*[c.cast("string").to_pylist() for c in t.columns])] for t in s.chunks]
            elif not self.spark:
                raise engines.Failed("[FEATURE_NOT_SUPPORTED] this face has no engine", "0A000")
            else:
                s.state = "RUNNING" if self.engine.ready.is_set() else "PENDING"
                s.columns, rows, s.truncated = self.engine.run(s.id, s.body, s.inline)
                size, count = self.settings["chunk_rows"], rows.num_rows if isinstance(rows, pa.Table) else len(rows)
                for at in range(0, count, size):
                    s.chunks.append(rows.slice(at, size) if isinstance(rows, pa.Table) else rows[at:at + size])
            if self.settings["fail_after_running"]:
                raise engines.Failed(self.settings["fail_after_running"], "XX000")
            size = sum(len(json.dumps(c)) for c in s.chunks) if s.inline else 0
            if size > 25 << 20:
                raise engines.Failed("Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result "
                                     "size of at most 26214400 bytes. Please use disposition=EXTERNAL_LINKS.", "")
            end = "SUCCEEDED"
        except engines.Failed as e:
            s.error, end = {"error_code": "BAD_REQUEST", "message": str(e), "sql_state": e.sql_state}, "FAILED"
        with self.lock:
            if s.state in ("PENDING", "RUNNING"):
                s.state = end
        s.done.set()

    def cancel(self, s):
        with self.lock:
            if s.state in ("PENDING", "RUNNING"):
                s.state = "CANCELED"
        self.engine.cancel(s.id)

    def told(self, s):
        reply = {"statement_id": s.id, "status": {"state": "CLOSED" if s.closed else s.state}}
        if s.pending > 0 and s.state != "CANCELED":
            s.pending -= 1
            return reply | {"status": {"state": "PENDING"}}
        if s.state == "FAILED":
            error = dict(s.error)
            state = error.pop("sql_state")
            reply["status"] |= {"error": error} | ({"sql_state": state} if state else {})
        if s.state != "SUCCEEDED" or s.closed:
            return reply
        counts = [len(c) for c in s.chunks]
        schema = {"column_count": len(s.columns)} | ({"columns": s.columns} if s.columns else {})
        offsets = [sum(counts[:i]) for i in range(len(counts))]
        manifest = {
            "format": s.body.get("format", "JSON_ARRAY"), "schema": schema, "total_chunk_count": len(counts),
            "total_row_count": sum(counts), "truncated": s.truncated or self.settings["truncated"],
        }
        if counts:
            manifest["chunks"] = [{"chunk_index": i, "row_offset": offsets[i], "row_count": n} for i, n in enumerate(counts)]
        return reply | {"manifest": manifest, "result": self.part(s, 0) if counts else {}}

    def part(self, s, n, short=False):
        counts = [len(c) for c in s.chunks]
        part = {"chunk_index": n, "row_offset": sum(counts[:n]), "row_count": counts[n]}
        if n + 1 < len(counts):
            part |= {"next_chunk_index": n + 1, "next_chunk_internal_link": f"{STATEMENTS}/{s.id}/result/chunks/{n + 1}"}
        if s.inline:
            return part | {"data_array": s.chunks[n][:-1] if short else s.chunks[n]}
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.settings["link_seconds"])
        link = f"http://127.0.0.1:{self.store_port}/results/{s.id}/{n}?X-Signature={uuid.uuid4().hex}&X-Ends={ends.timestamp()}"
        stamp = ends.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ends.microsecond // 1000:03}Z"
        return {"external_links": [part | {"byte_count": s.chunks[n].nbytes, "external_link": link, "expiration": stamp,
                                           "http_headers": {"x-face-key": s.id}}]}

    def chunk(self, s, n, short):
        table = s.chunks[n].slice(0, max(len(s.chunks[n]) - 1, 0)) if short else s.chunks[n]
        out = io.BytesIO()
        with pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table, max_chunksize=65536)
        return out.getvalue()

    def fault(self, method, path, store):
        with self.lock:
            for f in self.faults:
                if f.get("method", method) != method or f.get("store", store) != store or not re.search(f.get("path", ""), path):
                    continue
                f["after"] = f.get("after", 0) - 1
                if f["after"] >= 0 or f.setdefault("count", 1) <= 0:
                    continue
                f["count"] -= 1
                return f
        return None


class Stop(Exception):
    """The answer has been sent."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, OSError):
            self.close_connection = True

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        self.route, self.query = url.path, dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.route.startswith("/__control/"):
                self.control()
            self.face.log.append({"method": self.command, "path": self.path.split("?X-Sig")[0], "store": self.store})
            self.wrong = self.face.fault(self.command, self.route, self.store)
            self.begin_fault()
            self.stored() if self.store else self.workspace()
        except Stop:
            pass
        except BrokenPipeError:
            self.close_connection = True

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_GET

    def begin_fault(self):
        f = self.wrong
        kind = f and f["kind"]
        if kind == "reset":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            raise Stop
        if kind == "hang":
            self.close_connection = True
            self.connection.settimeout(f.get("seconds", 600))
            try:
                self.connection.recv(1)
            except OSError:
                pass
            raise Stop
        if kind == "late":
            time.sleep(f.get("seconds", 1))
        if kind == "status":
            self.wrong = None
            body = f.get("body", {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "injected"})
            body = body if isinstance(body, str) else json.dumps(body)
            self.answer(f.get("status", 503), body.encode(), headers=f.get("headers", {}))

    def answer(self, status, body=b"", kind="application/json", headers=None):
        f = getattr(self, "wrong", None)
        fault = f and f["kind"]
        length = len(body) + (100 if fault == "longer" else 0)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("x-request-id", uuid.uuid4().hex)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
            self.wfile.flush()
        if fault == "cut":
            self.close_connection = True
        if fault == "longer":
            time.sleep(f.get("seconds", 5))
            self.close_connection = True
        raise Stop

    def json(self, value, status=200):
        self.answer(status, json.dumps(value).encode())

    def refuse(self, status, code, message, **more):
        self.json({"error_code": code, "message": message} | more, status)

    def short(self):
        return bool(self.wrong and self.wrong["kind"] == "short")

    def control(self):
        if self.route.endswith("/log"):
            self.json(self.face.log)
        body = json.loads(self.content)
        if self.route.endswith("/faults"):
            self.face.faults = body
        if body and self.route.endswith("/set"):
            if body.pop("expire_tokens", False):
                self.face.tokens.clear()
            self.face.settings |= body
        self.json({})

    def stored(self):
        _, _, statement, n = self.route.split("/")
        if self.headers.get("Authorization"):
            self.answer(400, b"<Error><Code>InvalidArgument</Code>Only one auth mechanism allowed</Error>", "application/xml")
        if self.headers.get("x-face-key") != statement or float(self.query.get("X-Ends", 0)) < time.time():
            self.answer(403, b"<Error><Code>AccessDenied</Code>Request has expired</Error>", "application/xml")
        s = self.face.statements.get(statement)
        if s is None or s.closed:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")
        self.answer(200, self.face.chunk(s, int(n), self.short()), "application/vnd.apache.arrow.stream")

    def workspace(self):
        base = f"http://{self.headers.get('Host')}"
        if self.route == "/.well-known/databricks-config":
            self.json({"oidc_endpoint": f"{base}/oidc", "host_type": "WORKSPACE_HOST", "workspace_id": "1", "account_id": "a", "cloud": "AWS"})
        if self.route == "/oidc/.well-known/oauth-authorization-server":
            self.json({"authorization_endpoint": f"{base}/oidc/v1/authorize", "token_endpoint": f"{base}/oidc/v1/token"})
        if self.route == "/oidc/v1/token":
            self.token()
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not sent:
            self.json({"error_code": 401, "message": "Credential was not sent or was of an unsupported type for this API."}, 401)
        if sent != TOKEN and self.face.tokens.get(sent, 0) < time.time():
            self.json({"error_code": 403, "message": "Invalid access token."}, 403)
        parts = [urllib.parse.unquote(p) for p in self.route.strip("/").split("/")]
        if parts[:3] == ["api", "2.0", "sql"]:
            self.sql(parts[3:])
        elif parts[:3] == ["api", "2.1", "unity-catalog"]:
            self.unity(parts[3:])
        elif parts[:3] == ["api", "2.0", "fs"] and len(parts) > 4:
            self.volume(parts[3], "/" + "/".join(parts[4:]).rstrip("/"))
        elif parts[2:] == ["preview", "scim", "v2", "Me"]:
            self.json({"id": "1", "userName": "face@example.com", "displayName": "Face", "active": True,
                       "emails": [{"value": "face@example.com", "primary": True}], "groups": [{"display": "users"}]})
        self.refuse(404, "ENDPOINT_NOT_FOUND", f"No API found for '{self.command} {self.route}'")

    def token(self):
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        form = dict(urllib.parse.parse_qsl(self.content.decode()))
        if self.headers.get("Authorization") != f"Basic {expected}":
            self.json({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        if form.get("grant_type") != "client_credentials" or form.get("scope") != "all-apis":
            self.json({"error": "invalid_request", "error_description": "grant_type and scope are needed"}, 400)
        token, life = "eyJ" + uuid.uuid4().hex, self.face.settings["token_seconds"]
        self.face.tokens[token] = time.time() + life
        self.json({"access_token": token, "token_type": "Bearer", "expires_in": life, "scope": "all-apis"})

    def sql(self, parts):
        face = self.face
        match self.command, parts:
            case "GET", ["warehouses"]:
                self.json({"warehouses": [self.warehouse()]})
            case "GET", ["warehouses", id]:
                self.json(self.warehouse()) if id == WAREHOUSE else self.refuse(404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {id} does not exist.")
            case "POST", ["statements"]:
                body = json.loads(self.content)
                if body.get("warehouse_id") != WAREHOUSE:
                    self.refuse(404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {body.get('warehouse_id')} does not exist.")
                self.asked(body)
                self.json(face.execute(body))
            case command, ["statements", id, *rest]:
                s = face.statements.get(id)
                if s is None or s.closed:
                    self.refuse(404, "NOT_FOUND", f"The statement {id} was not found.")
                match command, rest:
                    case "GET", []:
                        self.json(face.told(s))
                    case "GET", ["result", "chunks", n] if int(n) < len(s.chunks):
                        self.json(face.part(s, int(n), self.short()))
                    case "POST", ["cancel"]:
                        face.cancel(s)
                        self.json({})
                    case "DELETE", []:
                        s.closed, s.chunks = True, []
                        self.json({})

    def asked(self, body):
        wait = body.get("wait_timeout", "10s")
        if wait != "0s" and not 5 <= int(wait.rstrip("s")) <= 50:
            self.refuse(400, "INVALID_PARAMETER_VALUE", "wait_timeout must be 0s or between 5s and 50s")
        if not body.get("statement"):
            self.refuse(400, "INVALID_PARAMETER_VALUE", "statement is required")
        way = body.get("disposition", "INLINE"), body.get("format", "JSON_ARRAY")
        if way not in (("INLINE", "JSON_ARRAY"), ("EXTERNAL_LINKS", "ARROW_STREAM")):
            self.refuse(400, "INVALID_PARAMETER_VALUE", f"this face has no {way[0]} with {way[1]}")

    def warehouse(self):
        state = self.face.settings["warehouse_state"]
        if self.face.spark and not self.face.engine.ready.is_set():
            state = "STARTING"
        return {"id": WAREHOUSE, "name": "face", "state": state, "warehouse_type": "PRO", "cluster_size": "Small"}

    def page(self, key, items):
        """A page as `max_results` asks; behind the first comes an empty one, as real ones are once in a while."""
        if "max_results" not in self.query:
            self.json({key: items} if items else {})
        size, token = self.face.settings["page"], self.query.get("page_token", "0")
        if token == "empty":
            self.json({"next_page_token": str(size)})
        at = int(token)
        reply = {key: items[at:at + size]} if items[at:at + size] else {}
        if at + size < len(items):
            reply["next_page_token"] = "empty" if at == 0 else str(at + size)
        self.json(reply)

    def unity(self, parts):
        engine = self.face.engine
        engine.ready.wait(120)
        catalog, schema = self.query.get("catalog_name"), self.query.get("schema_name")
        if parts == ["catalogs"]:
            self.page("catalogs", [{"name": engines.CATALOG, "catalog_type": "MANAGED_CATALOG"}])
        if catalog not in (None, engines.CATALOG):
            self.refuse(404, "CATALOG_DOES_NOT_EXIST", f"Catalog '{catalog}' does not exist.")
        if parts == ["schemas"]:
            names = [*engine.schemas(), "information_schema"]
            self.page("schemas", [{"name": n, "catalog_name": engines.CATALOG, "full_name": f"{engines.CATALOG}.{n}"} for n in names])
        if parts == ["tables"]:
            if schema not in engine.schemas():
                self.refuse(404, "SCHEMA_DOES_NOT_EXIST", f"Schema '{catalog}.{schema}' does not exist.")
            self.page("tables", engine.tables(schema))
        if parts[:1] == ["tables"] and len(parts) == 2:
            names = parts[1].split(".")
            if len(names) == 3 and names[1] in engine.schemas():
                for table in engine.tables(names[1]):
                    if table["name"] == names[2]:
                        self.json(table)
            self.refuse(404, "TABLE_DOES_NOT_EXIST", f"Table '{parts[1]}' does not exist.")

    def volume(self, kind, path):
        files = self.face.files
        gone = {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "FILES_API_RESOURCE_NOT_FOUND",
                             "domain": "filesystem.databricks.com"}]}
        stamp = "Wed, 21 Oct 2026 07:28:00 GMT"
        match self.command, kind:
            case "PUT", "files":
                if path in files and self.query.get("overwrite") != "true":
                    self.refuse(409, "ALREADY_EXISTS", "The file being created already exists.")
                files[path] = self.content
                self.answer(204)
            case "PUT", "directories":
                self.answer(204)
            case ("GET" | "HEAD"), "files" if path in files:
                self.answer(200, files[path], "application/octet-stream", {"last-modified": stamp})
            case "DELETE", "files" if path in files:
                del files[path]
                self.answer(204)
            case ("GET" | "HEAD"), "directories":
                inside = [p for p in sorted(files) if p.startswith(path + "/")]
                if not inside:
                    self.refuse(404, "NOT_FOUND", "The directory being accessed is not found.", **gone)
                names = sorted({path + "/" + p[len(path) + 1:].split("/")[0] for p in inside})
                self.json({"contents": [
                    {"path": p, "name": p.rsplit("/", 1)[1], "is_directory": p not in files}
                    | ({"file_size": len(files[p]), "last_modified": 1_790_000_000_000} if p in files else {}) for p in names]})
            case _, ("files" | "directories"):
                self.refuse(404, "NOT_FOUND", "The file being accessed is not found.", **gone)


def main():
    face = Face("--no-spark" not in sys.argv)
    servers = []
    for store in (False, True):
        handler = type("H", (Handler,), {"face": face, "store": store})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    face.port, face.store_port = (s.server_address[1] for s in servers)
    # What Spark or its launcher prints must not mix with the one line that is read.
    line, out = sys.stdout, os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(out, "w") as told:
        told.write(json.dumps({
            "port": face.port, "store_port": face.store_port, "token": TOKEN, "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET, "warehouse": WAREHOUSE, "catalog": engines.CATALOG}) + "\n")
    del line
    if face.spark:
        threading.Thread(target=face.engine.start, daemon=True).start()
    sys.stdin.buffer.read()
    face.engine.stop()
    os._exit(0)


if __name__ == "__main__":
    main()
