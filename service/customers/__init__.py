"""The customers API: the reference service, in two releases from one codebase."""
