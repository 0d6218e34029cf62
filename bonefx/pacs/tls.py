"""TLS with modalities and a PACS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from bonefx.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Files of TLS, in PEM.

    Attributes:
        certificate: Certificate of bonefx, with its chain.
        key: Its private key, without a password.
        authority: Certificates of the authorities that peers' certificates are checked against;
            None to take films from peers without a certificate, and to check that of the PACS
            against the authorities of the system.
    """

    certificate: Path
    key: Path
    authority: Path | None = None

    def receiving(self) -> ssl.SSLContext:
        """Return the rules for peers that connect; TLS 1.2 or later.

        Raises:
            SettingsError: A file cannot be read, or they do not belong together.
        """
        context = self._context(ssl.Purpose.CLIENT_AUTH)
        if self.authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def sending(self) -> ssl.SSLContext:
        """Return the rules for a PACS that bonefx connects to; see receiving."""
        return self._context(ssl.Purpose.SERVER_AUTH)

    def _context(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(
                purpose, cafile=None if self.authority is None else str(self.authority)
            )
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except OSError as error:  # that of ssl, too
            raise SettingsError(
                f"the files of TLS cannot be used ({error.strerror or type(error).__name__}); "
                "check --tls-cert, --tls-key and --tls-ca"
            ) from None
        return context


def _no_password() -> str:
    """Refuse a key with a password; without this OpenSSL would ask for it in the terminal."""
    return ""
