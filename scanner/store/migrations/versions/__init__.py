"""One module a version, each after the one it names; a released one is never changed."""
