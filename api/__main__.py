"""The API run as a service: `python -m api`, with uvicorn's own options."""

from typing import Any

import uvicorn

SERVING: dict[str, Any] = {
    "server_header": False,
    # A client's address is that of its connection, until somebody names the proxy to believe.
    "proxy_headers": False,
    # Longer than the minute for which proxies and clients keep one: a request on its way meets no connection closed.
    "timeout_keep_alive": 75,
}

if __name__ == "__main__":
    uvicorn.main(prog_name="python -m api", default_map={"app": "api.app:create_app", "factory": True, **SERVING})
