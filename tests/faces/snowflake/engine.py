"""SQL by fakesnow, which puts DuckDB behind the language of Snowflake; and what fakesnow does not know."""

import re
import threading
import warnings

import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

import cells

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import fakesnow.instance
    import snowflake.connector.errors
    from fakesnow.converter import from_binding
    from fakesnow.rowtype import describe_as_rowtype

warnings.filterwarnings("ignore", module="fakesnow")

NAMES = re.compile(r"CURRENT_(USER|ROLE|WAREHOUSE|VERSION)\(\)", re.I)
VARIABLE = re.compile(r"GETVARIABLE\(\s*'([^']*)'\s*\)", re.I)
SET = re.compile(r"^\s*SET\s+(\w+)\s*=\s*(.*)$", re.I | re.S)


class SqlError(Exception):
    """What a statement failed with."""

    def __init__(self, code, state, message):
        super().__init__(message)
        self.code, self.state, self.message = code, state, message


def literal(value):
    """A text as Snowflake writes it."""
    return "NULL" if value is None else "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def split(text):
    """The statements of a text, as they are written."""
    parts, start = [], 0
    for token in sqlglot.Dialect.get_or_raise("snowflake").tokenize(text):
        if token.token_type == TokenType.SEMICOLON:
            parts.append(text[start : token.start])
            start = token.end + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


class Engine:
    """All databases, shared by all requests."""

    def __init__(self, config):
        self.config = config
        self.warehouses = config.get("warehouses", {"WH": "STARTED"})
        self.instance = fakesnow.instance.FakeSnow()
        self.lock = threading.Lock()
        own = {"database": config.get("database", "DB1"), "schema": config.get("schema", "S1")}
        self.instance.connect(own["database"], own["schema"])
        for statement in config.get("setup", []):
            self.run([statement], own | {"warehouse": next(iter(self.warehouses))})

    def run(self, statements, request):
        """Results `(columns, rows)` of the statements of one request, which are a session of their own."""
        # DuckDB's catalog is one; statements that change it must not meet.
        with self.lock:
            session = Session(self, request)
            return [session.run(statement) for statement in statements]


class Session:
    """What holds within one request."""

    def __init__(self, engine, request):
        self.config, self.request, self.warehouses = engine.config, request, engine.warehouses
        self.variables = {}
        self.connection = engine.instance.connect(request.get("database"), request.get("schema"))

    def run(self, statement):
        for answer in self.config.get("answers", []):
            if re.search(answer["match"], statement, re.I | re.S):
                if "error" in answer:
                    raise SqlError(*answer["error"])
                return answer["columns"], answer["rows"]
        if re.match(r"\s*SHOW\s+WAREHOUSES", statement, re.I):
            return self.shown_warehouses()
        if found := SET.match(statement):
            _, [[value]] = self.execute(f"SELECT {found[2]}", {})
            self.variables[found[1].upper()] = value
            return [text_column("status")], [["Statement executed successfully."]]
        self.need_warehouse(statement)
        return self.execute(self.rewritten(statement), self.request.get("bindings") or {})

    def shown_warehouses(self):
        columns = [text_column(name) for name in ("name", "state", "auto_resume")]
        return columns, [[name, state, "true"] for name, state in self.warehouses.items()]

    def current_warehouse(self):
        name = self.request.get("warehouse")
        return name if name in self.warehouses else None

    def need_warehouse(self, statement):
        if re.search(r"\bFROM\b", statement, re.I) and not re.match(r"\s*SHOW", statement, re.I):
            if self.current_warehouse() is None:
                raise SqlError("000606", "57P03", "No active warehouse selected in the current session.")

    def rewritten(self, statement):
        names = {
            "USER": self.config.get("user", "ALICE"),
            "ROLE": self.request.get("role") or "PUBLIC",
            "WAREHOUSE": self.current_warehouse(),
            "VERSION": "10.0.0",
        }
        statement = NAMES.sub(lambda found: literal(names[found[1].upper()]), statement)
        statement = VARIABLE.sub(lambda found: literal(self.variables.get(found[1])), statement)
        policies = self.config.get("row_policies", {})
        if not any(name.lower() in statement.lower() for name in policies):
            return statement
        tree = sqlglot.parse_one(statement, read="snowflake")
        if not isinstance(tree, exp.Query):
            return statement
        for table in list(tree.find_all(exp.Table)):
            if column := policies.get(table.name.upper()):
                table.replace(self.filtered(table, column))
        return tree.sql("snowflake")

    def filtered(self, table, column):
        """What a row access policy leaves of a table."""
        bare = table.copy()
        bare.set("alias", None)
        tenant = literal(self.variables.get("TENANT"))
        text = f"SELECT * FROM {bare.sql('snowflake')} WHERE {column} = {tenant}"
        return sqlglot.parse_one(text, read="snowflake").subquery(table.alias or table.name)

    def execute(self, statement, bindings):
        cursor = self.connection.cursor()
        values = tuple(from_binding(bindings[str(at)]) for at in range(1, len(bindings) + 1)) or None
        try:
            cursor.execute(statement, binding_params=values, server=True)
            columns = cells.row_type(describe_as_rowtype(cursor._describe_last_sql()))
        except (snowflake.connector.errors.ProgrammingError, snowflake.connector.errors.OperationalError) as error:
            raise SqlError(f"{error.errno:06d}", error.sqlstate, error.msg) from None
        except Exception as error:  # What fakesnow does not know fails in ways of its own.
            raise SqlError("001003", "42000", f"SQL compilation error: {error}") from None
        return columns, cells.rows(cursor._arrow_table, columns)


def text_column(name):
    return {"name": name, "type": "text", "precision": None, "scale": None, "length": 16777216, "nullable": True}
