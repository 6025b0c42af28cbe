"""The events of the audit log in words; one that is not here is told by its code."""

from __future__ import annotations

_NAMES = {
    "account-added": ("compte créé", "account made"),
    "account-changed": ("compte modifié", "account changed"),
    "attestation-kept": ("document joint", "document attached"),
    "attestation-withdrawn": ("document retiré", "document withdrawn"),
    "bundle-made": ("liasse envoyée", "bundle made"),
    "bundle-taken": ("liasse reçue", "bundle taken in"),
    "candidate-open": ("candidat rouvert", "candidate reopened"),
    "candidate-promoted": ("candidat promu", "candidate promoted"),
    "candidate-rejected": ("candidat rejeté", "candidate rejected"),
    "declared": ("déclaration enregistrée", "declaration recorded"),
    "dossier-frozen": ("dossier figé", "dossier frozen"),
    "evidence-made": ("dossier de preuve signé", "evidence pack signed"),
    "export": ("export", "export"),
    "identity-bound": ("identité rattachée", "identity bound"),
    "login-refused": ("connexion refusée", "login refused"),
    "purged": ("purge", "purge"),
    "register-completed": ("registre FINESS complété", "FINESS register completed"),
    "register-imported": ("registre FINESS importé", "FINESS register imported"),
    "order-cancelled": ("scan annulé avant d’avoir commencé", "scan cancelled before it began"),
    "resume-asked": ("reprise demandée", "resumption asked"),
    "scan-asked": ("scan demandé", "scan asked"),
    "scan-begun": ("scan commencé", "scan begun"),
    "scan-ended": ("scan terminé", "scan ended"),
    "scan-resumed": ("scan repris", "scan resumed"),
    "session-begun": ("connexion", "login"),
    "stop-asked": ("arrêt demandé", "stop asked"),
    "token-issued": ("jeton créé", "token made"),
    "token-revoked": ("jeton révoqué", "token revoked"),
    "waiver-granted": ("risque accepté", "risk accepted"),
    "waiver-withdrawn": ("acceptation retirée", "acceptance withdrawn"),
    "withdrawn": ("déclaration retirée", "declaration withdrawn"),
}


def event_name(event: str, language: str) -> str:
    """Return an event in words."""
    fr, en = _NAMES.get(event, (event, event))
    return en if language == "en" else fr
