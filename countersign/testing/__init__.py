"""For people who write a provider: the contract that every provider keeps, as a pytest class to subclass.

See docs/writing-a-provider.md. Needs the extra `testing`.
"""

from countersign.testing.contract import ProviderContract
from countersign.testing.fixtures import MakeSpec
from countersign.testing.world import Fault, FaultKind, LiveSession, Refused, World

__all__ = ["Fault", "FaultKind", "LiveSession", "MakeSpec", "ProviderContract", "Refused", "World"]
