"""The unit in which tests measure work, where a clock would say what else the machine does."""

import time


def yardstick(repeat=5):
    """CPU seconds that a loop of a million steps takes, at least."""
    seconds = []
    for _ in range(repeat):
        began, state = time.process_time(), 1
        for _ in range(10**6):
            state = state * 16_807 % 2_147_483_647
        seconds.append(time.process_time() - began)
    return min(seconds)
