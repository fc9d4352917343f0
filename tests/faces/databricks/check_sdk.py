"""Drives the face with the official SDK: what that cannot read, no face of Databricks would answer.

Arguments: the port, the token, the client id, its secret, the warehouse, the catalog. Prints `ok` at the end.
"""

import io
import sys

import pyarrow as pa
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied, AlreadyExists
from databricks.sdk.service.sql import Disposition, Format, StatementParameterListItem, StatementState

port, token, client_id, client_secret, warehouse, catalog = sys.argv[1:]
host = f"http://127.0.0.1:{port}"
clients = [
    WorkspaceClient(host=host, token=token, auth_type="pat"),
    WorkspaceClient(host=host, client_id=client_id, client_secret=client_secret, auth_type="oauth-m2m"),
]


def finished(w, reply):
    while reply.status.state in (StatementState.PENDING, StatementState.RUNNING):
        reply = w.statement_execution.get_statement(reply.statement_id)
    return reply


for w in clients:
    assert w.current_user.me().user_name == "face@example.com"
    assert [x.id for x in w.warehouses.list()] == [warehouse]
    assert w.warehouses.get(warehouse).state.value in ("STARTING", "RUNNING")

    small = finished(w, w.statement_execution.execute_statement(
        "select :n + 1 as n, cast(null as string) as nothing, array(1, 2) as l", warehouse, wait_timeout="30s",
        parameters=[StatementParameterListItem(name="n", value="41", type="INT")]))
    assert small.status.state == StatementState.SUCCEEDED, small.status
    assert small.result.data_array[0][0] == "42" and small.result.data_array[0][2] == "[1,2]", small.result
    assert [c.type_text for c in small.manifest.schema.columns] == ["INT", "STRING", "ARRAY<INT>"]

    big = finished(w, w.statement_execution.execute_statement(
        "select id, cast(id as string) as text from range(12000)", warehouse, wait_timeout="0s",
        disposition=Disposition.EXTERNAL_LINKS, format=Format.ARROW_STREAM))
    assert big.manifest.total_chunk_count == 3 and big.manifest.total_row_count == 12000
    rows, chunk = [], big.result
    while True:
        link = chunk.external_links[0]
        with_credential = requests.get(link.external_link, headers=link.http_headers | {"Authorization": "Bearer x"})
        assert with_credential.status_code == 400
        bytes_ = requests.get(link.external_link, headers=link.http_headers).content
        table = pa.ipc.open_stream(bytes_).read_all()
        assert len(table) == link.row_count
        rows += table["id"].to_pylist()
        if link.next_chunk_index is None:
            break
        chunk = w.statement_execution.get_statement_result_chunk_n(big.statement_id, link.next_chunk_index)
    assert rows == list(range(12000))

    failed = finished(w, w.statement_execution.execute_statement("selec 1", warehouse, wait_timeout="30s"))
    assert failed.status.state == StatementState.FAILED and "PARSE_SYNTAX_ERROR" in failed.status.error.message

    w.statement_execution.execute_statement("create schema if not exists from_sdk", warehouse, wait_timeout="30s")
    for name in ("a", "b", "c"):
        w.statement_execution.execute_statement(
            f"create table if not exists from_sdk.{name} (id bigint comment 'the key', name string)", warehouse, wait_timeout="30s")
    assert [c.name for c in w.catalogs.list()] == [catalog]
    assert {"default", "from_sdk", "information_schema"} <= {s.name for s in w.schemas.list(catalog)}
    tables = {t.name: t for t in w.tables.list(catalog, "from_sdk")}
    assert set(tables) == {"a", "b", "c"} and tables["b"].columns[0].comment == "the key"
    assert w.tables.get(f"{catalog}.from_sdk.c").columns[1].type_text == "STRING"

    path = f"/Volumes/{catalog}/from_sdk/models/a b#1.yaml"
    w.files.upload(path, io.BytesIO(b"one: 1\n"), overwrite=True)
    try:
        w.files.upload(path, io.BytesIO(b"two"), overwrite=False)
        raise AssertionError("it was overwritten")
    except AlreadyExists:
        pass
    assert w.files.download(path).contents.read() == b"one: 1\n"
    assert [e.path for e in w.files.list_directory_contents(path.rsplit("/", 1)[0])] == [path]
    w.files.delete(path)
    try:
        w.files.download(path)
        raise AssertionError("it is still there")
    except NotFound:
        pass

for method, kind in ((lambda w: w.tables.get(f"{catalog}.from_sdk.zzz"), NotFound), (lambda w: w.warehouses.get("nope"), NotFound)):
    try:
        method(clients[0])
        raise AssertionError("it is not there")
    except kind:
        pass
try:
    WorkspaceClient(host=host, token="dapi-wrong", auth_type="pat").current_user.me()
    raise AssertionError("it was let in")
except PermissionDenied:
    pass
print("ok")
