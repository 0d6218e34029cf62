"""Leave out the chunks of a PNG file that the picture does not need, where they are damaged."""

from __future__ import annotations

import zlib

SIGNATURE_BYTES = 8
NOT_DATA_BYTES = 12  # of a chunk: length, type, checksum
ANCILLARY = 0x20  # bit of the first letter of a type: small letters
TRANSPARENCY = b"tRNS"  # changes the picture


def without_damaged_extras(data: bytes) -> bytes:
    """Return a PNG file without ancillary chunks whose checksum is wrong, as viewers read it.

    Source:
        PNG specification (W3C), 5.3, Chunk layout, and 5.4, Chunk naming conventions.
    """
    kept, at = [data[:SIGNATURE_BYTES]], SIGNATURE_BYTES
    while at + NOT_DATA_BYTES <= len(data):
        end = at + NOT_DATA_BYTES + int.from_bytes(data[at : at + 4], "big")
        kind, chunk = data[at + 4 : at + 8], data[at:end]
        needed = not kind[0] & ANCILLARY or kind == TRANSPARENCY or end > len(data)
        if needed or zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big"):
            kept.append(chunk)
        at = end
    return b"".join([*kept, data[at:]])
