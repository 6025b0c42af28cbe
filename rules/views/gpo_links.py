"""Where group policies are linked, and which apply to an object: order, enforcement, blocking (MS-GPOL 3.2.5.1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from rules.interface import ObjectRef

#: Bits of a link's options (MS-GPOL 2.2.2) and of gPOptions.
LINK_DISABLED, LINK_ENFORCED, BLOCKS = 0x1, 0x2, 0x1
#: Levels of containers that are followed.
DEEPEST = 256
_LINK = re.compile(r"\[LDAP://([^\[\];]{0,2000});(\d{1,9})\]", re.I)
_GUID = re.compile(r"cn=(\{[0-9a-f-]{36}\}),", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of a container to a policy, by the policy's DN in lower case."""

    policy: str
    options: int

    @property
    def enabled(self) -> bool:
        """Takes effect."""
        return not self.options & LINK_DISABLED

    @property
    def enforced(self) -> bool:
        """Takes effect whatever the containers below say."""
        return bool(self.options & LINK_ENFORCED)

    @property
    def guid(self) -> str:
        """The policy's GUID in braces and lower case, or "" when the name holds none."""
        found = _GUID.search(f"{self.policy},")
        return found[1].lower() if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A domain's root, an organisational unit or a site, with its links from the lowest precedence to the highest."""

    ref: ObjectRef
    links: tuple[Link, ...]
    blocks: bool

    @property
    def dn(self) -> str:
        """Its DN in lower case."""
        return self.ref.dn.lower()


def links_of(text: str) -> tuple[Link, ...]:
    """Return the links of a gPLink value in its order: the last one wins over those before it."""
    return tuple(Link(policy=dn.lower(), options=int(options)) for dn, options in _LINK.findall(text))


def applied(dn: str, containers: Mapping[str, Container], sites: Iterable[Container] = ()) -> tuple[Link, ...]:
    """Return the links that apply to an object, from the lowest precedence to the highest.

    Links of containers farther away come first; a container that blocks inheritance keeps those above from the
    objects below it, but not the enforced ones, which come last, the highest container's at the very end.
    """
    path = [*sites, *chain(dn, containers)]
    plain: list[Link] = []
    enforced: list[tuple[Link, ...]] = []
    for container in path:
        if container.blocks:
            plain.clear()
        plain += [link for link in container.links if link.enabled and not link.enforced]
        enforced.append(tuple(link for link in container.links if link.enabled and link.enforced))
    return (*plain, *(link for links in reversed(enforced) for link in links))


def chain(dn: str, containers: Mapping[str, Container]) -> list[Container]:
    """Return the containers above an object, the domain's root first."""
    return list(reversed([containers[name] for name in above(dn.lower()) if name in containers]))


def above(dn: str) -> Iterator[str]:
    """Yield every DN above an object, an escaped comma being no separator."""
    for found in islice(re.finditer(r"(?<!\\),", dn), DEEPEST):
        yield dn[found.end() :]
