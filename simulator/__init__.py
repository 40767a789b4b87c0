"""A stand-in for CLIProxyAPI: its queue (RESP and HTTP on one port), its management API and realistic traffic.

It stands alone: nothing of the project's apps is imported, so it can serve tests, demo and benchmark alike.
"""

from simulator.catalog import Catalog
from simulator.cpa import Simulator

__all__ = ["Catalog", "Simulator"]
