"""An outlet as the build gathers it: a draft that evidence and hand rows fill in turn."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from classifier.sources import fold_name as fold
from classifier.sources import host_in
from classifier.values import Assessment, Control, Domain, Medium, Name, Role

# Letters that NFKD leaves whole.
_LATIN = str.maketrans(
    {"ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "ı": "i"}
)


@dataclass(eq=False)  # two that say the same are two still
class Draft:
    """What is gathered of one outlet; `classifier.values.outlet.Outlet` is what comes of it.

    Attributes
    ----------
    names : list of Name
        Other names than the main one.
    origin : str
        Where it was first met: ``hand``, ``matrix``, ``perennial``.
    id : str
        Empty until the build gives it one; a hand row's stands from the start.
    main_ambiguous : bool
        The main name means other things too.
    """

    name: str
    origin: str
    id: str = ""
    role: Role = Role.PUBLISHER
    medium: Medium = Medium.OTHER
    country: str | None = None
    wikidata: str | None = None
    names: list[Name] = field(default_factory=list)
    domains: list[Domain] = field(default_factory=list)
    control: Control | None = None
    assessments: list[Assessment] = field(default_factory=list)
    main_ambiguous: bool = False

    def add_name(self, name: Name) -> None:
        """Take a further name, unless it is there already or is the main one."""
        if not name.text:
            return
        if name.text != self.name and all(other.text != name.text for other in self.names):
            self.names.append(name)

    def add_domain(self, domain: Domain) -> None:
        """Take a further host, unless it is there already."""
        if all(other.host != domain.host for other in self.domains):
            self.domains.append(domain)

    def folded(self) -> set[str]:
        """Every name, folded."""
        return {fold(self.name), *(fold(name.text) for name in self.names)}


def slug(name: str) -> str:
    """Make an id of a name: lower-case ASCII letters and digits, joined by hyphens.

    Empty when the name has no letter that decomposes to ASCII (Chinese, Arabic).
    """
    plain = unicodedata.normalize("NFKD", name.translate(_LATIN).replace("'", "").replace("’", ""))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")


def host_of(address: str) -> str | None:
    """Take the host of an address as the tables write it.

    Lists carry slips of the pen that no reader would type: a comma at the end, ``ww.`` for
    ``www.``, and machines of a group, ``www3.``.

    Returns
    -------
    str or None
        None where there is no host.
    """
    host = host_in(address.strip().rstrip(", "))
    return host and re.sub(r"^www?\d?\.(?=[^.]+\.)", "", host)
