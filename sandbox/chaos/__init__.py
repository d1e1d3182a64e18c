"""`jiesu chaos`: a recorded load of cases while processes are killed, and whether anything was lost or came twice."""

from sandbox.chaos.run import run

__all__ = ["run"]
