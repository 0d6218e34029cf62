"""Let the C library keep freed memory, which a training step asks for again at once.

By default glibc gives each large activation back to the kernel and has it zeroed anew at the next
step. Keeping them made training steps of EfficientNet-B0 at 320 px 1.02 to 1.20 times as fast, in
three pairs on 2 idle cores.
"""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h
KEEP_BYTES = 2**31 - 1  # mallopt takes an int


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to keep what is freed; returns whether it listened.

    On systems without glibc nothing is done.

    Source:
        mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, KEEP_BYTES))
