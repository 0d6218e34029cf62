"""How much memory and time the decoding of one file may take."""

from __future__ import annotations

from dataclasses import dataclass

from bonefx.films.discs.archives import MAX_FILM_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingLimits:
    """Limits of one file.

    The time grows with the size of the file, since a decoder has to do more for each byte, and who
    sends a file has to send each byte, too. It counts processor time, which is nearly the same on a
    busy machine; the time on the clock is limited for a decoder that waits forever.

    Attributes:
        memory_bytes: Heap of a decoding process. A film of 50 megapixels and 16 bit takes 1.0 GB.
        base_cpu_s: Processor time of a file of any size.
        cpu_s_per_mb: Further processor time for each megabyte. JPEG 2000 without loss, the slowest
            of all compressions, takes half of it.
        most_cpu_s: Largest processor time.
        patience: Time on the clock, as a multiple of the processor time.
        start_s: Time on the clock until a decoding process has started.
    """

    memory_bytes: int = 1_200_000_000
    base_cpu_s: float = 4.0
    cpu_s_per_mb: float = 0.5
    most_cpu_s: float = 60.0
    patience: float = 10.0
    start_s: float = 120.0

    def cpu_s(self, size_bytes: int) -> float:
        """Return the processor time that decoding a file of a size may take."""
        return min(self.most_cpu_s, self.base_cpu_s + self.cpu_s_per_mb * size_bytes / 1e6)

    def clock_s(self, size_bytes: int) -> float:
        """Return the time on the clock in which an answer about a file has to arrive.

        Args:
            size_bytes: Size of the file, or of the archive in which it is packed.
        """
        return self.patience * self.cpu_s(min(size_bytes, MAX_FILM_BYTES))
