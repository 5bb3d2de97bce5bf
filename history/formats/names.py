"""The names of all formats that histories are read in, for options and help; `reading` has their readers."""

from __future__ import annotations

ACKPROOF = "ackproof"
EDN, LOG, JSON, CSV, PARQUET = "jepsen-edn", "jepsen-log", "json", "csv", "parquet"
KEYED = "-independent"
"""The end of the name of a format whose values are `[key value]`, as `jepsen.independent` writes them."""
PORCUPINE = "porcupine-kv"
PLUME, AWDIT, COBRA = "plume", "awdit", "cobra"
DBCOP_BINCODE, DBCOP_JSON, DBCOP_TEXT = "dbcop", "dbcop-json", "dbcop-text"
OF_EVENTS = (EDN, LOG, JSON, CSV)
OF_TRANSACTIONS = (PLUME, DBCOP_BINCODE, DBCOP_JSON, DBCOP_TEXT, AWDIT, COBRA)
NAMES = (ACKPROOF, *OF_EVENTS, *(name + KEYED for name in OF_EVENTS), PORCUPINE, *OF_TRANSACTIONS)
"""All that --format takes."""
