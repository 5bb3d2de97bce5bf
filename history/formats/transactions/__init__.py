"""Readers of public data sets of transactions: plume, Cobra, dbcop and AWDIT.

These files hold sessions of transactions that read and write registers, without times. A million steps are
read into flat arrays (`log`); no object is made for a step. `reading` knows the formats by name and
recognizes them by content. What may not live here: judging.
"""

from history.formats.transactions.log import TransactionHistory, TransactionLog
from history.formats.transactions.reading import (
    TRANSACTION_FORMATS,
    read_transactions,
    recognized_transactions,
)

__all__ = [
    "TRANSACTION_FORMATS",
    "TransactionHistory",
    "TransactionLog",
    "read_transactions",
    "recognized_transactions",
]
