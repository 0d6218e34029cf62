"""Credentials: user and password pairs, or a file of password hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bonefx.errors import SettingsError
from bonefx.web.auth.rate_limit import LoginRateLimiter

HASH_KIND = "scrypt"
COST = 2**14  # of scrypt: 16 MB and about 50 ms for each attempt
BLOCK_SIZE, PARALLELISM, SALT_BYTES = 8, 1, 16
MAX_PASSWORD_LENGTH = 1024  # characters
AUTH_USAGE = (
    "use user:password pairs separated by commas, or the path of a file with lines user:hash"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Users and the hashes of their passwords.

    Attributes:
        hashes: Hash of each user's password; left out of repr.
        limiter: Counts failed attempts.
    """

    hashes: dict[str, str] = field(repr=False)
    limiter: LoginRateLimiter = field(default_factory=LoginRateLimiter, repr=False, compare=False)

    def verify(self, user: str, password: str) -> bool:
        """Return whether the password is the user's; takes equally long for unknown users."""
        user_hash = self.hashes.get(user)
        correct = _matches(password[:MAX_PASSWORD_LENGTH], user_hash or UNKNOWN_USER_HASH)
        return correct and user_hash is not None


def read_credentials(text: str) -> Credentials:
    """Read users and passwords.

    Args:
        text: `user:password` pairs separated by commas, or the path of a file with one line
            `user:hash` for each user, hashed by hash_password. Empty lines and lines that begin
            with # are skipped.

    Raises:
        SettingsError: The text is neither, or has a user twice. The message never contains a
            password.
    """
    file = Path(text)
    if ":" in text and not file.is_file():
        pairs = _by_user(text.split(","), "BONEFX_AUTH")
        return Credentials(hashes={user: hash_password(pairs[user]) for user in pairs})
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"BONEFX_AUTH names no readable file; {AUTH_USAGE}") from None
    entries = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    hashes = _by_user(entries, "the file of BONEFX_AUTH")
    if not hashes or not all(_is_hash(value) for value in hashes.values()):
        raise SettingsError(
            "the file of BONEFX_AUTH needs lines user:hash; make one with `python -m bonefx login`"
        )
    return Credentials(hashes=hashes)


def hash_password(password: str) -> str:
    """Hash a password with a random salt.

    Returns:
        "scrypt$salt$digest", both in hexadecimal.

    Source:
        RFC 7914, scrypt.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    return f"{HASH_KIND}${salt.hex()}${_scrypt(password, salt).hex()}"


def _by_user(entries: Iterable[str], source: str) -> dict[str, str]:
    """Return the secret of each user."""
    secret_of_user: dict[str, str] = {}
    for user, secret in (_pair(entry, source) for entry in entries):
        if user in secret_of_user:
            raise SettingsError(f"{source} has the user {user!r} twice; keep one of the entries")
        secret_of_user[user] = secret
    return secret_of_user


def _pair(text: str, source: str) -> tuple[str, str]:
    user, colon, secret = text.strip().partition(":")
    if not (user and colon and secret):
        raise SettingsError(f"{source} has an entry without user or password; {AUTH_USAGE}")
    return user, secret


def _is_hash(text: str) -> bool:
    kind, _, rest = text.partition("$")
    salt, _, digest = rest.partition("$")
    try:
        return (
            kind == HASH_KIND and len(bytes.fromhex(salt)) > 0 and len(bytes.fromhex(digest)) == 64
        )
    except ValueError:
        return False


def _matches(password: str, password_hash: str) -> bool:
    _, salt, digest = password_hash.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK_SIZE, p=PARALLELISM)


UNKNOWN_USER_HASH = hash_password(secrets.token_hex())
