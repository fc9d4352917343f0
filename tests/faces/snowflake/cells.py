"""Values of Arrow as the texts in which the SQL API puts them into JSON, and the types beside them."""

import datetime as dt
import decimal
import math

import pyarrow as pa

EPOCH = dt.date(1970, 1, 1)


def row_type(described):
    """Columns as `rowType` has them, from what fakesnow tells of a statement."""
    columns = []
    for column in described:
        kind = column["type"]
        columns.append(
            {
                "name": column["name"],
                "database": "",
                "schema": "",
                "table": "",
                "type": kind,
                "precision": column["precision"],
                "scale": column["scale"],
                "length": column["length"],
                "byteLength": column["byteLength"],
                "nullable": True,
                "collation": None,
            }
        )
    return columns


def rows(table, columns):
    """All rows of a table of Arrow, each cell as text or None."""
    if table is None:
        return []
    texts = [
        [None if value is None else text(value, column["type"]) for value in values(array)]
        for array, column in zip(table.columns, columns, strict=True)
    ]
    return [list(row) for row in zip(*texts, strict=True)]


def values(array):
    """The values of a column; times as whole nanoseconds, because Python's own hold no more than microseconds."""
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        unit = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[kind.unit]
        whole = array.cast(pa.int64())
        return [None if value is None else value * unit for value in whole.to_pylist()]
    return array.to_pylist()


def text(value, kind):
    """One cell."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "fixed":
        return format(value, "f") if isinstance(value, decimal.Decimal) else str(value)
    if kind == "real":
        if math.isnan(value):
            return "NaN"
        return ("inf" if value > 0 else "-inf") if math.isinf(value) else repr(value)
    if kind == "binary":
        return value.hex().upper()
    if kind == "date":
        return str((value - EPOCH).days)
    if kind == "time" or kind.startswith("timestamp"):
        seconds = decimal.Decimal(value).scaleb(-9)
        plain = format(seconds.quantize(decimal.Decimal("1e-9"), context=decimal.Context(prec=40)), "f")
        return f"{plain} 1440" if kind == "timestamp_tz" else plain
    return str(value)
