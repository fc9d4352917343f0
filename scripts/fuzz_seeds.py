"""Writes the statements of the policy's lists into a folder, as the fuzz targets read them: a byte for the dialect, the text."""

import pathlib
import sys

LISTS = pathlib.Path(__file__).parent.parent / "daemon/policy/tests/policy/warehouse"
DIALECTS = ["postgres", "redshift", "snowflake", "databricks"]

corpus = pathlib.Path(sys.argv[1])
corpus.mkdir(parents=True, exist_ok=True)
for number, dialect in enumerate(DIALECTS):
    for kind in ["allow", "deny"]:
        text = (LISTS / f"{kind}-{dialect}.txt").read_text()
        lines = [line.split("| ")[-1] if kind == "deny" else line for line in text.splitlines() if line[:2] != "##"]
        for at, line in enumerate(filter(None, lines)):
            (corpus / f"{kind}-{dialect}-{at}").write_bytes(bytes([number]) + line.encode())
