"""The contract of a provider: one pytest class to subclass.

A promise that a provider's capabilities leave out (no sessions, no secret) is turned round, not skipped: then the
provider has to say so.
"""

from countersign.testing.apartness import Apartness
from countersign.testing.claims import Claims
from countersign.testing.credentials import Credentials
from countersign.testing.honesty import Honesty
from countersign.testing.hostile import Hostile
from countersign.testing.naming import Naming
from countersign.testing.opening import Opening
from countersign.testing.outlasting import Outlasting
from countersign.testing.own_end import OwnEnd
from countersign.testing.privileges import Privileges
from countersign.testing.secrecy import Secrecy
from countersign.testing.settling import Settling
from countersign.testing.sharing import Sharing


class ProviderContract(
    Opening, Sharing, Apartness, OwnEnd, Claims, Credentials, Honesty, Outlasting, Settling, Hostile, Privileges,
    Secrecy, Naming,
):  # fmt: skip
    """Subclass it in a test module as `TestMyProvider`, with the fixtures of `ContractFixtures`."""
