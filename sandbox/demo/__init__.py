"""`jiesu demo`: eighteen requests from receipt to closing, with weeks passing in a minute or so."""

from sandbox.demo.run import run

__all__ = ["run"]
