"""Spark behind the face: statements to Arrow tables and JSON cells, and what tables there are."""

import os
import re
import shutil
import tempfile
import threading

import pyarrow as pa

CATALOG = "spark_catalog"
NAMES = {
    "tinyint": "BYTE", "smallint": "SHORT", "int": "INT", "bigint": "LONG", "float": "FLOAT", "double": "DOUBLE",
    "string": "STRING", "binary": "BINARY", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP_NTZ", "void": "NULL", "variant": "VARIANT",
}


class Failed(Exception):
    """A statement that Spark refused or broke off; the message has its class and SQLSTATE."""

    def __init__(self, message, sql_state):
        super().__init__(message)
        self.sql_state = sql_state


def type_text(t):
    """A type as Databricks writes it."""
    kind = type(t).__name__
    if kind == "ArrayType":
        return f"ARRAY<{type_text(t.elementType)}>"
    if kind == "MapType":
        return f"MAP<{type_text(t.keyType)}, {type_text(t.valueType)}>"
    if kind == "StructType":
        def named(f):
            name = f.name if re.fullmatch(r"\w+", f.name) else "`" + f.name.replace("`", "``") + "`"
            return f"{name}: {type_text(f.dataType)}" + ("" if f.nullable else " NOT NULL")
        return "STRUCT<" + ", ".join(named(f) for f in t.fields) + ">"
    return t.simpleString().upper()


def column(position, name, t):
    """A column as the manifest and the catalog tell it."""
    plain, kind = t.simpleString(), type(t).__name__
    said = {"name": name, "type_text": type_text(t), "position": position}
    if kind == "DecimalType":
        said |= {"type_name": "DECIMAL", "type_precision": t.precision, "type_scale": t.scale}
    elif kind in ("ArrayType", "MapType", "StructType"):
        said["type_name"] = kind[:-4].upper()
    elif "interval" in plain:
        said |= {"type_name": "INTERVAL", "type_interval_type": plain.upper().removeprefix("INTERVAL ")}
    else:
        said["type_name"] = NAMES.get(plain, "STRING")
    # What Databricks leaves out, the type's text tells.
    if said["type_name"] == "TIMESTAMP_NTZ":
        said["type_name"] = "TIMESTAMP"
    return said


class Engine:
    """One Spark for all statements, each in a session of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="face-databricks-")
        self.ready = threading.Event()
        self.error = None
        self.spark = None
        self.folder_in_use = False

    def start(self):
        self.folder_in_use = True
        try:
            os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
            os.chdir(self.folder)
            from pyspark.sql import SparkSession
            b = SparkSession.builder.master("local[1]").appName("face")
            for key, value in {
                "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
                "spark.sql.shuffle.partitions": "1", "spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true",
                "spark.local.dir": self.folder, "spark.sql.warehouse.dir": os.path.join(self.folder, "warehouse"),
                "spark.driver.memory": "1g", "spark.sql.catalogImplementation": "in-memory", "spark.log.level": "OFF",
                "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={self.folder} -Duser.timezone=UTC",
            }.items():
                b = b.config(key, value)
            self.spark = b.getOrCreate()
        except Exception as e:  # the face tells it to whoever asks for a statement
            self.error = str(e)
        self.ready.set()

    def stop(self):
        if self.folder_in_use:  # what is just starting would make its folders anew
            self.ready.wait(14)
        if self.spark:
            self.spark.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def session(self, schema):
        session = self.spark.newSession()
        if schema and schema != "default":
            session.sql("USE `" + schema.replace("`", "``") + "`")
        return session

    def run(self, statement, body, inline):
        """Columns, and an Arrow table or rows of cells."""
        from pyspark.errors import PySparkException
        from pyspark.sql import functions as F
        if not self.ready.wait(120) or self.error:
            raise Failed(f"Spark did not start: {self.error}", "")
        context = self.spark.sparkContext
        context.setJobGroup(statement, statement, interruptOnCancel=True)
        try:
            session = self.session(body.get("schema"))
            args = {p["name"]: self.value(p) for p in body.get("parameters") or []}
            df = session.sql(body["statement"], args) if args else session.sql(body["statement"])
            fields = df.schema.fields
            columns = [column(i, f.name, f.dataType) for i, f in enumerate(fields)]
            if not fields:
                return columns, [], False
            limit, truncated = body.get("row_limit"), False
            df = df.toDF(*[f"c{i}" for i in range(len(fields))])
            if limit is not None:
                df = df.limit(int(limit) + 1)
            shown = [self.shown(F, f"c{i}", f.dataType, inline) for i, f in enumerate(fields)]
            table = df.select(*shown).toArrow()
            if limit is not None and table.num_rows > int(limit):
                table, truncated = table.slice(0, int(limit)), True
            if inline:
                return columns, [list(row) for row in zip(*[c.to_pylist() for c in table.columns])], truncated
            # Names as they are, also those that are there twice.
            return columns, table.rename_columns([f.name for f in fields]), truncated
        except PySparkException as e:
            state = e.getSqlState() or ""
            text = str(e).split("\n\nJVM stacktrace")[0]
            raise Failed(text if text.lstrip().startswith("[") else f"[{e.getCondition()}] {text}", state) from None
        except Exception as e:
            raise Failed(str(e).split("\n")[0], "") from None

    def cancel(self, statement):
        if self.spark:
            self.spark.sparkContext.cancelJobGroup(statement)

    @staticmethod
    def value(p):
        """A parameter as a literal, which is all that Spark takes."""
        from pyspark.sql import functions as F
        value, kind = p.get("value"), p.get("type", "STRING").upper()
        if value is None:
            return None
        if kind in ("BIGINT", "LONG"):
            return F.expr(f"{int(value)}L")
        if kind in ("INT", "SMALLINT", "TINYINT"):
            return int(value)
        if kind == "BOOLEAN":
            return value.lower() == "true"
        if kind == "STRING":
            return value
        return F.expr(f"{kind} '{value}'")

    @staticmethod
    def shown(F, name, t, inline):
        """A column as it is handed out: text for JSON, and for what Arrow has no type of."""
        kind, c = type(t).__name__, F.col(name)
        if "interval" in t.simpleString():
            return F.regexp_extract(c.cast("string"), "'([^']*)'", 1).alias(name)
        if kind == "VariantType" or (inline and kind in ("ArrayType", "MapType", "StructType")):
            return F.to_json(c, {"ignoreNullFields": "true"}).alias(name)
        if not inline:
            return c
        if kind == "TimestampType":
            return F.date_format(c, "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX").alias(name)
        if kind == "TimestampNTZType":
            return F.date_format(c, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS").alias(name)
        if kind == "BinaryType":
            return F.base64(c).alias(name)
        return c.cast("string").alias(name)

    def schemas(self):
        return [row[0] for row in self.spark.sql("SHOW SCHEMAS").collect()]

    def tables(self, schema):
        quoted = "`" + schema.replace("`", "``") + "`"
        out = []
        for row in self.spark.sql(f"SHOW TABLES IN {quoted}").collect():
            if row["isTemporary"]:
                continue
            name = row["tableName"]
            full = f"{quoted}.`{name}`"
            facts = {r[0]: r[1] for r in self.spark.sql(f"DESCRIBE TABLE EXTENDED {full}").collect()}
            columns = []
            for i, f in enumerate(self.spark.table(full).schema.fields):
                said = column(i, f.name, f.dataType) | {"nullable": f.nullable}
                if f.metadata.get("comment"):
                    said["comment"] = f.metadata["comment"]
                columns.append(said)
            table = {
                "name": name, "catalog_name": CATALOG, "schema_name": schema, "full_name": f"{CATALOG}.{schema}.{name}",
                "table_type": "VIEW" if facts.get("Type") == "VIEW" else "MANAGED", "columns": columns,
            }
            if facts.get("Comment"):
                table["comment"] = facts["Comment"]
            out.append(table)
        return out


def canned(rows, chunks, limit=None):
    """A big result without Spark: `chunks` Arrow tables, `rows` rows in all (`limit` at most), numbered from 0."""
    if limit is not None and int(limit) < rows:
        rows, chunks = int(limit), min(chunks, max(int(limit), 1))
    columns = [
        {"name": "id", "type_text": "BIGINT", "type_name": "LONG", "position": 0},
        {"name": "name", "type_text": "STRING", "type_name": "STRING", "position": 1},
        {"name": "amount", "type_text": "DECIMAL(18,2)", "type_name": "DECIMAL", "position": 2,
         "type_precision": 18, "type_scale": 2},
        {"name": "at", "type_text": "TIMESTAMP", "type_name": "TIMESTAMP", "position": 3},
    ]
    names = pa.array([f"customer number {i}" for i in range(1000)])
    tables = []
    for n in range(chunks):
        first, last = rows * n // chunks, rows * (n + 1) // chunks
        ids = pa.array(range(first, last), pa.int64())
        small = pa.compute.bit_wise_and(ids, 511)
        tables.append(pa.table({
            "id": ids, "name": names.take(small), "amount": small.cast(pa.decimal128(19, 0)).cast(pa.decimal128(18, 2)),
            "at": ids.cast(pa.timestamp("us", "Etc/UTC")),
        }))
    return columns, tables
