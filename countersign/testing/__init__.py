"""For people who write a provider: the contract that every provider keeps, as a pytest class to subclass.

See docs/writing-a-provider.md. Needs the extra `testing`.
"""

from countersign.conformance.record import TestedOn
from countersign.testing.contract import ProviderContract
from countersign.testing.fixtures import MakeSpec
from countersign.testing.history import Histories, Scene, play
from countersign.testing.relay import Dialect, Relay
from countersign.testing.world import Fault, FaultKind, Imposter, Left, LiveSession, Obstacle, Refused, World

__all__ = [
    "Dialect",
    "Fault",
    "FaultKind",
    "Histories",
    "Imposter",
    "Left",
    "LiveSession",
    "MakeSpec",
    "Obstacle",
    "ProviderContract",
    "Refused",
    "Relay",
    "Scene",
    "TestedOn",
    "World",
    "play",
]
