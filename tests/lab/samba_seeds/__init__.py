"""Faults planted in a stopped Samba domain, each with a near miss; run by the system's Python, which has Samba's."""
