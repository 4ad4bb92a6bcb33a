"""What an H.264 level promises a decoder: how large a picture may be and how many may come in a second."""

from __future__ import annotations

from fractions import Fraction

# H.264 table A-1: level_idc -> macroblocks a second, macroblocks a picture
LIMITS: dict[int, tuple[int, int]] = {
    10: (1_485, 99),
    11: (3_000, 396),
    12: (6_000, 396),
    13: (11_880, 396),
    20: (11_880, 396),
    21: (19_800, 792),
    22: (20_250, 1_620),
    30: (40_500, 1_620),
    31: (108_000, 3_600),
    32: (216_000, 5_120),
    40: (245_760, 8_192),
    41: (245_760, 8_192),
    42: (522_240, 8_704),
    50: (589_824, 22_080),
    51: (983_040, 36_864),
    52: (2_073_600, 36_864),
}
# a rate is measured, not stated
_RATE_TOLERANCE = Fraction(102, 100)


def fits_level(codec: str, width: int, height: int, fps: Fraction) -> bool:
    """Whether pictures of that size and rate are within the level that `codec` (`avc1.PPCCLL`) states."""
    limits = LIMITS.get(int(codec[-2:], 16))
    if limits is None:
        return False
    blocks = -(-width // 16) * -(-height // 16)
    return blocks <= limits[1] and blocks * fps <= limits[0] * _RATE_TOLERANCE
