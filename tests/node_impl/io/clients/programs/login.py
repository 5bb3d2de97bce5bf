"""Python: logs in, and registers one instance; says whether it was taken."""

from __future__ import annotations

from typing import Final

HTTP: Final = """
import sys, nacos
client = nacos.NacosClient(sys.argv[1], namespace="public", username="nacos", password=sys.argv[2])
print(client.add_naming_instance("web", "10.0.0.1", 80, cluster_name="DEFAULT", ephemeral=False))
"""
GRPC: Final = """
import asyncio, os, sys
from v2.nacos import *

async def main():
    built = ClientConfigBuilder().server_address(sys.argv[1]).username("nacos").password(sys.argv[2]).build()
    naming = await NacosNamingService.create_naming_service(built)
    print(await naming.register_instance(
        RegisterInstanceParam(service_name="web", ip="10.0.0.1", port=80, ephemeral=False)), flush=True)
    os._exit(0)

asyncio.run(main())
"""
