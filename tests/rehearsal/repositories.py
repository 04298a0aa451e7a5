"""Git repositories for tests."""

import subprocess
from pathlib import Path


def git(directory: Path, *arguments: str) -> str:
    """What git prints, as somebody with a name."""
    identity = ["-c", "user.name=Jane", "-c", "user.email=jane@example.com"]
    done = subprocess.run(["git", "-C", directory, *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def trees(repository: Path) -> int:
    """How many working trees a repository has."""
    return git(repository, "worktree", "list", "--porcelain").count("worktree ")
