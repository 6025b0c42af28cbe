"""Accounts of people, and one's own tokens for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from scanner.store.accounts import Account, Role
from scanner.store.doors import Token
from scanner.store.errors import StoreError
from scanner.web.rights import TABLE, Right
from scanner.web.route import Action, Asked, Going, Page, Refused

#: Longest life of a token, in days.
_LONGEST = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Every account, and what each role may do."""

    accounts: tuple[Account, ...]
    table: dict[str, tuple[str, ...]]
    perimeters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One's own account, its rights and its tokens."""

    account: Account
    rights: tuple[str, ...]
    tokens: tuple[Token, ...]


def _accounts(asked: Asked) -> Accounts:
    return Accounts(
        accounts=asked.store.accounts.all(),
        table={role.value: tuple(right.value for right in Right if right in TABLE[role]) for role in Role},
        perimeters=tuple((p.id, p.name) for p in asked.declared()),
    )


def _add(asked: Asked) -> Going:
    form = asked.form
    login = form.get("login", "").strip()
    if not login or len(login) > 100:
        raise Refused(asked.say("Indiquez un identifiant.", "Give a login."))
    account = Account(
        login=login, name=form.get("name", "").strip() or login, role=_role(form), perimeters=_perimeters(form)
    )
    _taken(lambda: asked.store.accounts.add(account, form.get("password", "")))
    return Going(to="/accounts", told=asked.say("Compte créé.", "Account made."), data=login)


def _change(asked: Asked) -> Going:
    form, login = asked.form, asked.form.get("login", "")
    account = asked.store.accounts.of(login)
    if account is None:
        raise Refused(
            asked.say("Ce compte n’existe pas, ou il est fermé.", "There is no such account, or it is closed.")
        )
    if form.get("close"):
        if login == asked.identity.login:
            raise Refused(asked.say("On ne ferme pas son propre compte.", "One does not close one’s own account."))
        asked.store.accounts.close(login)
    else:
        changed = replace(account, role=_role(form), perimeters=_perimeters(form))
        _taken(lambda: asked.store.accounts.change(changed, form.get("password", "")))
    if login != asked.identity.login:
        asked.store.sessions.end_all(login)
    return Going(to="/accounts", told=asked.say("Compte modifié.", "Account changed."))


def _role(form: Mapping[str, str]) -> Role:
    try:
        return Role(form.get("role", ""))
    except ValueError:
        raise Refused(f"role: {', '.join(Role)}") from None


def _perimeters(form: Mapping[str, str]) -> tuple[str, ...] | None:
    """Perimeters separated by spaces or commas; a star is all."""
    text = form.get("perimeters", "").strip()
    return None if text == "*" else tuple(dict.fromkeys(text.replace(",", " ").split()))


def _taken(work: Callable[[], None]) -> None:
    try:
        work()
    except StoreError as error:
        raise Refused(str(error)) from error


def _own(asked: Asked) -> Own:
    return Own(
        account=asked.identity.account,
        rights=tuple(right.value for right in Right if asked.identity.may(right)),
        tokens=asked.store.tokens.of(asked.identity.login),
    )


def _issue(asked: Asked) -> Going:
    if asked.identity.scopes is not None:
        raise Refused("a token issues no token")
    wanted = set(asked.form.get("scopes", "").replace(",", " ").split())
    scopes = tuple(right.value for right in Right if right.value in wanted and asked.identity.may(right))
    days = asked.form.get("days", "90")
    if not scopes or not days.isdigit() or not 1 <= int(days) <= _LONGEST:
        raise Refused(asked.say("Choisissez des droits, et 366 jours au plus.", "Choose scopes, and 366 days at most."))
    secret, token = asked.store.tokens.issue(asked.identity.login, asked.form.get("label", "")[:100], scopes, int(days))
    told = asked.say("Jeton à copier maintenant : {}", "Token, to copy now: {}").format(secret)
    return Going(to="/me", told=told, data={"token": secret, "id": token.id})


def _revoke(asked: Asked) -> Going:
    id = asked.form.get("token", "")
    if id not in {token.id for token in asked.store.tokens.of(asked.identity.login)}:
        raise Refused(asked.say("Ce jeton n’existe pas.", "There is no such token."))
    asked.store.tokens.revoke(asked.identity.login, id)
    return Going(to="/me", told=asked.say("Jeton révoqué.", "Token revoked."))


ACCOUNTS = Page(
    path="/accounts",
    right=Right.ACCOUNTS,
    template="accounts.html",
    read=_accounts,
    returns=Accounts,
    title=("Comptes", "Accounts"),
)
ADD = Action(
    path="/accounts",
    right=Right.ACCOUNTS,
    do=_add,
    fields={
        "login": "its login",
        "name": "a name",
        "role": "admin, operator, auditor, analyst or establishment",
        "perimeters": "ids separated by spaces, or * for all",
        "password": "12 characters at least; empty for those who come by the identity provider",
    },
    title=("Créer un compte", "Make an account"),
)
CHANGE = Action(
    path="/accounts/change",
    right=Right.ACCOUNTS,
    do=_change,
    fields={
        "login": "whose",
        "role": "a role",
        "perimeters": "ids, or *",
        "password": "a new one, or empty",
        "close": "anything: close it",
    },
    title=("Modifier un compte", "Change an account"),
)
OWN = Page(
    path="/me", right=Right.ENTER, template="own.html", read=_own, returns=Own, title=("Mon compte", "My account")
)
ISSUE = Action(
    path="/me/tokens",
    right=Right.ENTER,
    do=_issue,
    fields={"label": "what for", "scopes": "rights, separated by spaces", "days": "how long, 366 at most"},
    title=("Créer un jeton", "Make a token"),
)
REVOKE = Action(
    path="/me/tokens/revoke",
    right=Right.ENTER,
    do=_revoke,
    fields={"token": "its id"},
    title=("Révoquer un jeton", "Revoke a token"),
)
