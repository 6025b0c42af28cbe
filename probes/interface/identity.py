"""Identity: what every server we speak to is told of us, set in one place of the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who looks, in the words each protocol has for it.

    ``contact`` is a mail address or a page where the administrators of a server can ask who we are; ``campaign`` names
    the campaign in a header of every HTTP request; ``ehlo`` is given to mail servers; ``ae_title`` to DICOM servers.
    """

    contact: str = ""
    campaign: str = ""
    ehlo: str = "audit-hygie.invalid"
    ae_title: str = "HYGIE"

    @property
    def user_agent(self) -> str:
        """The User-Agent of every HTTP request."""
        return f"Hygie/0.1 (mandated audit{f'; {self.contact}' if self.contact else ''})"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say who we are in every HTTP request."""
        campaign = {"X-Scan-Campaign": self.campaign} if self.campaign else {}
        return {"User-Agent": self.user_agent, **campaign}
