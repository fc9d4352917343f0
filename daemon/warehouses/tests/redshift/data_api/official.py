"""What AWS's own client gets from the face of the Data API: `official.py BASE`. Says `fine` at the end."""

import sys
import uuid

import boto3
import botocore.config
import botocore.exceptions


def client(**more: str):
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    return boto3.client("redshift-data", region_name="eu-west-1", endpoint_url=sys.argv[1], config=config, **more)


def refused(code: str, call, **arguments) -> None:
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"{code} is not refused")


data = client()
place = {"WorkgroupName": "analytics", "Database": "postgres"}
sql = (
    "select :n::int as n, 12.30::numeric(10,2) as d, 'größe'::varchar(9) as t, '{\"a\": [1]}'::json as s, '\\x616263'::bytea as b,"
    " null::date as x, true as y, 123.456787109375::float4 as f, :t::varchar as p"
)
values = [{"name": "n", "value": "7"}, {"name": "t", "value": "it's \\ :n"}]
begun = data.execute_statement(Sql=sql, Parameters=values, **place)
told = data.describe_statement(Id=begun["Id"], WaitTimeSeconds=20)
assert (told["Status"], told["HasResultSet"], told["ResultRows"]) == ("FINISHED", True, 1), told
result = data.get_statement_result(Id=begun["Id"])
[row] = [[next(iter(cell.values())) for cell in record] for record in result["Records"]]
assert row == [7, "12.30", "größe", '{"a": [1]}', "YWJj", True, True, 123.456787109375, "it's \\ :n"], row
kinds = [(column["typeName"], column["precision"], column["scale"]) for column in result["ColumnMetadata"]]
assert kinds[:5] == [("int4", 10, 0), ("numeric", 10, 2), ("varchar", 9, 0), ("super", 4194304, 0), ("varbyte", 64000, 0)]
assert result["TotalNumRows"] == 1

batch = ["set transaction read only", "select n from generate_series(1, 2500) as g(n)"]
token = str(uuid.uuid4())
begun = data.batch_execute_statement(Sqls=batch, ClientToken=token, **place)
again = data.batch_execute_statement(Sqls=batch, ClientToken=token, **place)
assert begun["Id"] == again["Id"]
told = data.describe_statement(Id=begun["Id"], WaitTimeSeconds=20)
parts = told["SubStatements"]
assert [(part["Status"], part["HasResultSet"]) for part in parts] == [("FINISHED", False), ("FINISHED", True)], told
pages = list(data.get_paginator("get_statement_result").paginate(Id=parts[1]["Id"]))
numbers = [record[0]["longValue"] for page in pages for record in page["Records"]]
assert len(pages) == 3 and numbers == list(range(1, 2501))

begun = data.execute_statement(Sql="selec 1", **place)
told = data.describe_statement(Id=begun["Id"], WaitTimeSeconds=20)
assert told["Status"] == "FAILED" and "syntax error" in told["Error"], told
begun = data.execute_statement(Sql="select pg_sleep(1000)", **place)
while data.describe_statement(Id=begun["Id"])["Status"] != "STARTED":
    pass
assert data.cancel_statement(Id=begun["Id"])["Status"] is True
assert data.describe_statement(Id=begun["Id"], WaitTimeSeconds=20)["Status"] == "ABORTED"

refused("ValidationException", data.cancel_statement, Id=begun["Id"])
refused("ValidationException", data.execute_statement, Sql="select 1", Database="postgres", WorkgroupName="nowhere")
refused("ValidationException", data.execute_statement, Sql="select 1", Parameters=values, **place)
refused("ResourceNotFoundException", data.describe_statement, Id=str(uuid.uuid4()))
refused("InvalidSignatureException", client(aws_secret_access_key="wrong", aws_access_key_id="AKIDOFTESTS").execute_statement, Sql="select 1", **place)
refused("UnrecognizedClientException", client(aws_secret_access_key="x", aws_access_key_id="AKIDNOBODY").execute_statement, Sql="select 1", **place)
print("fine")
