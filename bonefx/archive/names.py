"""Names in the results: as the user gave them, or replaced by a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from bonefx.errors import SettingsError

KEY_BYTES = 32
PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How names are written; without a key they stay as they are.

    A hash without a key would not protect names that can be guessed, such as patient numbers.

    Source:
        RFC 2104, HMAC, with SHA-256.
    """

    key: bytes | None = None

    def written(self, name: str) -> str:
        """Return a name as it is written into results; an empty one stays empty."""
        if self.key is None or not name:
            return name
        return hmac.new(self.key, name.encode("utf-8", "surrogateescape"), "sha256").hexdigest()

    @property
    def fingerprint(self) -> str:
        """What tells two keys apart without giving them away."""
        return PLAIN if self.key is None else hashlib.sha256(b"bonefx" + self.key).hexdigest()


def read_key(path: Path) -> bytes:
    """Read the key of a file; make the file, readable to its owner alone, if there is none.

    Raises:
        SettingsError: The file cannot be read or written, or holds no key.
    """
    try:
        if not path.exists():
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(f"{secrets.token_hex(KEY_BYTES)}\n", encoding="ascii")
        key = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"the file of --hash-names cannot be used ({error.strerror}); choose another path"
        ) from error
    if len(key) < KEY_BYTES:
        raise SettingsError(
            f"the file of --hash-names holds {len(key)} bytes, a key has {KEY_BYTES} or more; "
            "name a file that does not exist, and a key is written into it"
        )
    return key
