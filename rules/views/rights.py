"""Which entries of a DACL let somebody take control of an object, by kind of object (MS-ADTS 5.1.3.2, schema GUIDs)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from probes.facts.descriptor import Ace, Descriptor

_CREATE, _DELETE, _SELF, _WRITE, _CONTROL, _WRITE_DACL, _WRITE_OWNER = 0x1, 0x2, 0x8, 0x20, 0x100, 0x40000, 0x80000
_GENERIC_ALL, _GENERIC_WRITE, _FULL = 0x10000000, 0x40000000, 0xF01FF


class Target(StrEnum):
    """What kind of object a right is held on; it decides which rights matter."""

    USER = "user"
    COMPUTER = "computer"
    GROUP = "group"
    HOLDER = "adminsdholder"
    ROOT = "root"
    CONTAINER = "container"
    POLICY = "policy"
    TEMPLATE = "template"
    STORE = "store"
    #: A container, asked only whether a delegated managed service account can be made in it.
    NURSERY = "nursery"
    OTHER = "other"


class Right(StrEnum):
    """A right by which its holder takes control of the object, under the name auditors use for it."""

    FULL = "GenericAll"
    WRITE_DACL = "WriteDacl"
    WRITE_OWNER = "WriteOwner"
    OWNER = "Owner"
    WRITE_ALL = "GenericWrite"
    WRITE_SOME = "WriteProperty"
    WRITE_MEMBER = "WriteMember"
    RESET_PASSWORD = "ResetPassword"
    ADD_KEY = "WriteKeyCredentialLink"
    ADD_ALLOWED_TO_ACT = "WriteAllowedToActOnBehalf"
    GET_CHANGES = "GetChanges"
    DCSYNC = "DCSync"
    WRITE_LINK = "WriteGPLink"
    WRITE_LINK_OPTIONS = "WriteGPOptions"
    WRITE_SPN = "WriteSPN"
    WRITE_ALT_SECURITY = "WriteAltSecurityIdentities"
    WRITE_DELEGATION = "WriteAllowedToDelegateTo"
    WRITE_UAC = "WriteUserAccountControl"
    WRITE_SCRIPT = "WriteScriptPath"
    WRITE_READERS = "WriteGroupMSAMembership"
    CREATE_CHILD = "CreateChild"
    DELETE_CHILD = "DeleteChild"
    ENROLL = "Enroll"


#: Rights usable alone, at the more serious of the two levels of ANSSI's control points. The split is ours: ANSSI does
#: not publish it right by right.
DIRECT = frozenset(
    {
        Right.FULL, Right.WRITE_DACL, Right.WRITE_OWNER, Right.OWNER, Right.WRITE_ALL, Right.WRITE_MEMBER,
        Right.RESET_PASSWORD, Right.ADD_KEY, Right.ADD_ALLOWED_TO_ACT, Right.DCSYNC, Right.WRITE_LINK,
    }
)  # fmt: skip

_ACCOUNTS = frozenset({Target.USER, Target.COMPUTER, Target.HOLDER})
_GROUPS = frozenset({Target.GROUP, Target.HOLDER})
_LINKED = frozenset({Target.ROOT, Target.CONTAINER})
#: Properties and property sets by GUID: the right, and the kinds of objects that have them.
_PROPERTIES: dict[str, tuple[tuple[Right, frozenset[Target]], ...]] = {
    "bf9679c0-0de6-11d0-a285-00aa003049e2": ((Right.WRITE_MEMBER, _GROUPS),),
    "bc0ac240-79a9-11d0-9020-00c04fc2d4cf": ((Right.WRITE_MEMBER, _GROUPS),),
    "f3a64788-5306-11d1-a9c5-0000f80367c1": ((Right.WRITE_SPN, _ACCOUNTS),),
    "00fbf30c-91fe-11d1-aebc-0000f80367c1": ((Right.WRITE_ALT_SECURITY, _ACCOUNTS),),
    "e48d0154-bcf8-11d1-8702-00c04fb96050": ((Right.WRITE_SPN, _ACCOUNTS), (Right.WRITE_ALT_SECURITY, _ACCOUNTS)),
    "5b47d60f-6090-40b2-9f37-2a4de88f3063": ((Right.ADD_KEY, _ACCOUNTS),),
    "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79": ((Right.ADD_ALLOWED_TO_ACT, _ACCOUNTS),),
    "800d94d7-b7a1-42a1-b14d-7cae1423d07f": ((Right.WRITE_DELEGATION, _ACCOUNTS),),
    "bf967a68-0de6-11d0-a285-00aa003049e2": ((Right.WRITE_UAC, _ACCOUNTS),),
    "4c164200-20c0-11d0-a768-00aa006e0529": ((Right.ADD_ALLOWED_TO_ACT, _ACCOUNTS), (Right.WRITE_UAC, _ACCOUNTS)),
    "bf9679a8-0de6-11d0-a285-00aa003049e2": ((Right.WRITE_SCRIPT, frozenset({Target.USER, Target.HOLDER})),),
    # The property set of log-on information holds scriptPath.
    "5f202010-79a5-11d0-9020-00c04fc2d4cf": ((Right.WRITE_SCRIPT, frozenset({Target.USER, Target.HOLDER})),),
    "888eedd6-ce04-df40-b462-b8a50e41ba38": ((Right.WRITE_READERS, _ACCOUNTS),),
    "f30e3bbe-9ff0-11d1-b603-0000f80367c1": ((Right.WRITE_LINK, _LINKED),),
    "f30e3bbf-9ff0-11d1-b603-0000f80367c1": ((Right.WRITE_LINK_OPTIONS, _LINKED),),
}
_DELEGATED = "0feb936f-47b3-49f2-9386-1dedc2c23765"
_MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
_RESET = "00299570-246d-11d0-a768-00aa006e0529"
_ENROLL = frozenset({"0e10c968-78fb-11d2-90d4-00c04f79dc55", "a05b8cc2-17bc-4802-a710-e7c15ab866a2"})
_CHANGES, _CHANGES_ALL = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
#: Classes of children by which control is gained: user, computer, group, inetOrgPerson, gMSA, dMSA, organizationalUnit.
_CHILDREN = frozenset(
    {
        "", "bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a86-0de6-11d0-a285-00aa003049e2",
        "bf967a9c-0de6-11d0-a285-00aa003049e2", "4828cc14-1437-45bc-9b07-ad6f015e5f28",
        "7b8b558a-93a5-4af7-adca-c017e67f1057", "0feb936f-47b3-49f2-9386-1dedc2c23765",
        "bf967aa5-0de6-11d0-a285-00aa003049e2",
    }
)  # fmt: skip
#: The classes of the objects of a kind, as an entry that flows down names the one it is for: users and inetOrgPerson,
#: computers, both with managed accounts (gMSA, dMSA), and groups.
_MANAGED = frozenset({"7b8b558a-93a5-4af7-adca-c017e67f1057", "0feb936f-47b3-49f2-9386-1dedc2c23765"})
_CLASSES = {
    Target.USER: _MANAGED | {"bf967aba-0de6-11d0-a285-00aa003049e2", "4828cc14-1437-45bc-9b07-ad6f015e5f28"},
    Target.COMPUTER: _MANAGED | {"bf967a86-0de6-11d0-a285-00aa003049e2"},
    Target.GROUP: frozenset({"bf967a9c-0de6-11d0-a285-00aa003049e2"}),
}
_PARTIAL = frozenset({Target.POLICY, Target.TEMPLATE, Target.STORE, Target.OTHER})
#: (trustee of a deny entry, trustee of an allow entry) -> whether the first stands for the second too.
Covers = Callable[[str, str], bool]
EVERYONE = "S-1-1-0"


def granted(ace: Ace, target: Target) -> frozenset[Right]:
    """Return the rights that an entry's mask and types stand for on a kind of object, whether granted or denied."""
    mask, kind = ace.mask, ace.object_type
    found: set[Right] = set()
    if mask & _GENERIC_ALL or (mask & _FULL == _FULL and not kind):
        mask |= _FULL
        found.add(Right.FULL)
    if mask & _WRITE_DACL:
        found.add(Right.WRITE_DACL)
    if mask & _WRITE_OWNER:
        found.add(Right.WRITE_OWNER)
    if mask & (_WRITE | _GENERIC_WRITE):
        found |= _writes(kind, target)
    if mask & (_SELF | _GENERIC_WRITE) and kind in {"", _MEMBER} and target in _GROUPS:
        found.add(Right.WRITE_MEMBER)
    if mask & _CONTROL:
        found |= _controls(kind, target)
    if target in _LINKED and kind in _CHILDREN:
        found |= {Right.CREATE_CHILD} if mask & _CREATE else set()
        found |= {Right.DELETE_CHILD} if mask & _DELETE and target is Target.CONTAINER else set()
    if mask & _CREATE and (target is Target.STORE or (target is Target.NURSERY and kind in {"", _DELEGATED})):
        found.add(Right.CREATE_CHILD)
    return frozenset(found)


def _writes(kind: str, target: Target) -> set[Right]:
    if not kind:
        every = {right for rights in _PROPERTIES.values() for right, on in rights if target in on}
        return every | {Right.WRITE_ALL}
    found = {right for right, on in _PROPERTIES.get(kind, ()) if target in on}
    return found or ({Right.WRITE_SOME} if target in _PARTIAL else set())


def _controls(kind: str, target: Target) -> set[Right]:
    found: set[Right] = set()
    if target in _ACCOUNTS and kind in {"", _RESET}:
        found.add(Right.RESET_PASSWORD)
    if target is Target.TEMPLATE and (not kind or kind in _ENROLL):
        found.add(Right.ENROLL)
    if target is Target.ROOT:
        found |= {Right.GET_CHANGES} if kind in {"", _CHANGES} else set()
        found |= {Right.DCSYNC} if kind in {"", _CHANGES_ALL} else set()
    return found


def holdings(
    descriptor: Descriptor, target: Target, covers: Covers, *, children: bool = False
) -> dict[str, frozenset[Right]]:
    """Return who holds which rights on an object, by SID, its owner included.

    Explicit entries come before inherited ones and, among each, denials before grants, as Windows keeps them; a denial
    under a condition refuses nothing for sure, and is left out. With ``children``, the entries that flow down to
    objects of the kind are read instead, and the owner is left out.
    """
    if descriptor.dacl is None:
        return {EVERYONE: frozenset({Right.FULL})}
    read = [a for a in descriptor.dacl if (_flows(a, target) if children else not a.inherit_only)]
    aces = [a for a in read if not (a.deny and a.conditional)]
    aces.sort(key=lambda a: (a.inherited, not a.deny))
    denied: list[tuple[str, frozenset[Right]]] = []
    held: dict[str, set[Right]] = {}
    for ace in aces:
        rights = granted(ace, target)
        if not rights:
            continue
        if ace.deny:
            denied.append((ace.sid, rights))
            continue
        refused = {right for sid, no in denied if covers(sid, ace.sid) for right in no}
        left = rights - refused
        if refused & rights:
            left -= {Right.FULL, Right.WRITE_ALL}
        held.setdefault(ace.sid, set()).update(left)
    if descriptor.owner and not children:
        held.setdefault(descriptor.owner, set()).add(Right.OWNER)
    return {sid: frozenset(found) for sid in held if (found := _paired(sid, held, covers))}


def _flows(ace: Ace, target: Target) -> bool:
    """Tell whether an entry flows down to objects of a kind."""
    return bool(ace.flags & 0x02) and (not ace.inherited_type or ace.inherited_type in _CLASSES.get(target, ()))


def _paired(sid: str, held: dict[str, set[Right]], covers: Covers) -> set[Right]:
    """Replication needs both of its rights, one's own or those of a group one belongs to: one alone is no control."""
    both = {Right.GET_CHANGES, Right.DCSYNC}
    if not held[sid] & both:
        return held[sid]
    all_of_it = held[sid].union(*(rights & both for other, rights in held.items() if covers(other, sid)))
    return (held[sid] - both) | ({Right.DCSYNC} if both <= all_of_it else set())


def told(rights: Iterable[Right]) -> str:
    """Return the rights in words, the widest only where it includes the others."""
    found = set(rights)
    for wide in (Right.FULL, Right.WRITE_ALL):
        if wide in found:
            keep = {Right.OWNER} if wide is Right.FULL else set(DIRECT) - {Right.WRITE_MEMBER, Right.WRITE_LINK}
            found = {wide} | (found & keep)
            break
    return ", ".join(sorted(right.value for right in found))
