"""A big result that costs nothing to serve: one part, made once, told as often as was asked for."""

import functools
import gzip
import json
import re

CALL = re.compile(r"\bcanned\(\s*(\d+)\s*,\s*(\d+)\s*\)", re.I)

COLUMNS = [
    ("ID", "fixed", 18, 0),
    ("AMOUNT", "fixed", 12, 2),
    ("RATIO", "real", None, None),
    ("NAME", "text", None, None),
    ("NOTE", "text", None, None),
    ("DAY", "date", None, None),
    ("AT", "timestamp_ntz", 0, 9),
    ("PAID", "boolean", None, None),
    ("TOTAL", "fixed", 38, 4),
    ("KIND", "text", None, None),
]


def columns():
    return [
        {"name": name, "type": kind, "precision": precision, "scale": scale, "length": None, "nullable": True}
        for name, kind, precision, scale in COLUMNS
    ]


@functools.cache
def part(rows):
    """Rows of one part: their text, and it packed."""
    told = [
        [
            str(n),
            f"{n % 100000}.{n % 100:02}",
            repr(n / 7),
            f"name {n % 1000}",
            None if n % 5 == 0 else f"note ü {n}",
            str(18000 + n % 2000),
            f"{1600000000 + n}.{n % 1000:03}000000",
            "true" if n % 2 else "false",
            f"{n * 1234567}.{n % 10000:04}",
            ["web", "store", "app"][n % 3],
        ]
        for n in range(rows)
    ]
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    body = b'{"data":' + text + b"}"
    return text, len(body), gzip.compress(body, 6)
