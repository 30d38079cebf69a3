"""Ownership trades: one module per group of acts; the arrows are `protocol.transitions`, the money `settlement`."""

from countermark.chaincode.contracts.trade.delivery import cancel, charge, relay, send
from countermark.chaincode.contracts.trade.dispute import decide, dispute, open_package, remedy
from countermark.chaincode.contracts.trade.ending import enforce
from countermark.chaincode.contracts.trade.pay import pay
from countermark.chaincode.contracts.trade.receipt import accept, ack, check, confirm

__all__ = [
    "accept",
    "ack",
    "cancel",
    "charge",
    "check",
    "confirm",
    "decide",
    "dispute",
    "enforce",
    "open_package",
    "pay",
    "relay",
    "remedy",
    "send",
]
