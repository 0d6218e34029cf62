"""Who may log in: user and password pairs, or a file of password hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from bonefx.errors import SettingsError
from bonefx.web.auth.rate_limit import LoginRateLimiter

KIND = "scrypt"
COST = 2**14  # of scrypt: 16 MB and some 50 ms a try
BLOCK, LANES, SALT_BYTES = 8, 1, 16
MAX_PASSWORD = 1024  # characters
AUTH_USAGE = "use user:password pairs with commas between, or the path of a file of such lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Users and hashes of their passwords; calling it tells whether one may enter.

    Attributes:
        hashes: By user; never shown.
        attempts: Who tried in vain of late.
    """

    hashes: dict[str, str] = field(repr=False)
    attempts: LoginRateLimiter = field(default_factory=LoginRateLimiter, repr=False, compare=False)

    def __call__(self, user: str, password: str) -> bool:
        """Tell whether the password is the user's, as slowly for a user whom nobody knows."""
        known = self.hashes.get(user)
        right = _matches(password[:MAX_PASSWORD], known or UNKNOWN_USER_HASH)
        return right and known is not None


def read_credentials(text: str) -> Credentials:
    """Read who may log in.

    Args:
        text: `user:password` pairs with commas between, or the path of a file with a line
            `user:hash` each, as hash_of writes them; empty lines and lines with # are skipped.

    Raises:
        SettingsError: It is neither; no message holds a password.
    """
    file = Path(text)
    if ":" in text and not file.is_file():
        pairs = [_pair(part, "BONEFX_AUTH") for part in text.split(",")]
        return Credentials(hashes={user: hash_password(password) for user, password in pairs})
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"BONEFX_AUTH names no readable file; {AUTH_USAGE}") from None
    kept = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    hashes = dict(_pair(line, "the file of BONEFX_AUTH") for line in kept)
    if not hashes or not all(_is_hash(value) for value in hashes.values()):
        raise SettingsError(
            "the file of BONEFX_AUTH needs lines user:hash; make one with `python -m bonefx login`"
        )
    return Credentials(hashes=hashes)


def hash_password(password: str) -> str:
    """Hash a password with a salt of its own, as a line's second half.

    Source:
        RFC 7914, scrypt.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    return f"{KIND}${salt.hex()}${_scrypt(password, salt).hex()}"


def _pair(text: str, place: str) -> tuple[str, str]:
    user, colon, secret = text.strip().partition(":")
    if not (user and colon and secret):
        raise SettingsError(f"{place} has an entry without user or password; {AUTH_USAGE}")
    return user, secret


def _is_hash(text: str) -> bool:
    kind, _, rest = text.partition("$")
    salt, _, digest = rest.partition("$")
    try:
        return kind == KIND and len(bytes.fromhex(salt)) > 0 and len(bytes.fromhex(digest)) == 64
    except ValueError:
        return False


def _matches(password: str, known: str) -> bool:
    _, salt, digest = known.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=LANES)


UNKNOWN_USER_HASH = hash_password(secrets.token_hex())
