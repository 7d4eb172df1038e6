"""What the reader did not understand in a calendar: codes with counts, or one code that refuses the whole."""

TOO_LARGE = "calendar_too_large"
NOT_A_CALENDAR = "not_a_calendar"

NO_START = "no_start"  # an event without a readable start: nothing is blocked
UNCLEAR_TIME = "unclear_time"  # only the start or the end is understood: blocked from or to midnight
NO_LENGTH = "no_length"  # ends when it starts: nothing is blocked
UNCLEAR_RULE = "unclear_rule"  # a recurrence that is not understood, or only in part
UNCLEAR_PERIOD = "unclear_period"  # of a list of busy periods
UNKNOWN_TIME_ZONE = "unknown_time_zone"  # read as Copenhagen's
UNKNOWN_COMPONENT = "unknown_component"
CUT_OFF = "cut_off"
NO_EVENTS = "no_events"


class Refused(Exception):
    """The only argument is the code of the problem."""
