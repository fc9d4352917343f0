"""What goes wrong on purpose.

A fault is an object: `on` (`submit`; `status`, a look that finds the statement running; `result`, one that finds it done;
`partition`, `cancel`, `any`), `after` (so many such requests pass before),
`times` (so many meet it; 1), `do`:

    status      answers `status`, with `body` and `retry_after` where they are told
    close       hangs up without a word
    silence     keeps the line open without a word
    cut         sends a part (`part`, a share) of the body that it announces, then hangs up
    length      announces half of the body
    gzip        cuts the packed body, and announces what is left
    slow        sends the body in pieces with `pause` seconds between
    short       leaves out the last row of a part
    truncated   tells code 391908
    expire      refuses the token from now on
    running     tells that the statement still runs
    fail        tells that the statement failed
"""


class Faults:
    def __init__(self, told):
        self.waiting = [dict(fault) for fault in told]

    def next(self, kind):
        """The fault that a request of this kind meets."""
        for fault in self.waiting:
            if fault.get("on", "any") not in ("any", kind):
                continue
            if fault.get("after", 0) > 0:
                fault["after"] -= 1
                continue
            if fault.setdefault("times", 1) > 0:
                fault["times"] -= 1
                return fault
        return None
