"""Who takes part: admission, confirmation, waitlist, groups, attendee lists."""
