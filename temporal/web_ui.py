"""Addresses under which the Web UI and our API find each other: the Web UI is shown as a part of the API."""

UI_PATH = "/temporal"
"""Path that the Web UI is configured with: our API serves it there, to those who may read what it shows."""
CODEC_PATH = "/codec"
"""Where the Web UI asks for payloads to be decoded: our API, of which it thus is a part."""
