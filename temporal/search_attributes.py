"""Make the search attributes of our workflows known to the server."""

from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client

from workflows.attributes import ALL


async def ensure(client: Client) -> list[str]:
    """Add those of our search attributes the namespace does not have yet, and return their names. Safe to repeat."""
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {key.name: key.indexed_value_type for key in ALL if key.name not in known.custom_attributes}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes={name: kind.value for name, kind in missing.items()},  # type: ignore[misc]
            )
        )
    return sorted(missing)
