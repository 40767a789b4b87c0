"""Lengths of time, each with its unit in its name: _S are seconds, _US microseconds."""

SECOND_US = 1_000_000
FIVE_MINUTES_S = 300
QUARTER_S = 900  # a quarter of an hour: the offset of every zone is a multiple of it
HOUR_S = 3600
DAY_S = 86_400
MINUTE_US = 60 * SECOND_US
QUARTER_US = QUARTER_S * SECOND_US
HOUR_US = HOUR_S * SECOND_US
DAY_US = DAY_S * SECOND_US
DAY_MINUTES = 24 * 60
