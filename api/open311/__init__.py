"""Open311 (GeoReport v2): outside apps file and follow requests here, by the same intake and the same rules."""

from api.open311 import filing, requests, services

ROUTERS = (services.router, filing.router, requests.router)
