"""Times of what is pushed into a stream: late ones, holes, a clock that was set back."""
import math

MIN_GAP = 0.05  # seconds
SET_BACK = 1.0  # seconds: what is earlier than that was not late, the clock was set back
MAX_BREAKS = 10  # stretches in a row of one input each: the times mean something else


class InputClock:
    """Tells of each input whether a stretch begins with it.

    Args:
        fps: inputs per second, for those that come without a time.
        max_gap: longest time between two inputs of a stretch, seconds; default: 0.05 or 2.5 inputs, as in a file.
    """

    def __init__(self, fps: float, max_gap: float | None = None):
        if not (fps > 0 and math.isfinite(fps)):
            raise ValueError(f'fps={fps} should be positive')
        if max_gap is not None and not max_gap > 0:
            raise ValueError(f'max_gap={max_gap} should be positive, seconds')
        self.fps, self.max_gap = fps, max_gap or max(MIN_GAP, 2.5 / fps)
        self.count, self.breaks = 0, 0
        self.timed: bool | None = None
        self.last: float | None = None

    def read(self, time: float | None) -> float:
        """Time of an input, seconds; without one it comes ``1 / fps`` after the one before.

        Raises ``ValueError`` if it is not finite, or only some inputs have a time.
        """
        if self.timed not in (None, time is not None):
            raise ValueError('either every push has a time or none has')
        if time is not None and not math.isfinite(time):
            raise ValueError(f'time={time} should be finite, in seconds')
        self.timed, self.count = time is not None, self.count + 1
        return (self.count - 1) / self.fps if time is None else float(time)

    def lateness(self, time: float) -> float | None:
        """Seconds by which an input comes too late: another one was there already; None: it does not."""
        if self.last is None or not self.last - SET_BACK <= time <= self.last:
            return None
        return self.last - time

    def advance(self, time: float) -> str | None:
        """Go on to the time of an input that is not late; why a stretch begins with it, or None.

        Raises ``ValueError`` if every input is a stretch of its own.
        """
        last, self.last = self.last, time
        step = 0.0 if last is None else time - last
        if last is not None and 0 < step <= self.max_gap + 1e-9:
            self.breaks = 0
            return None
        self.breaks += 1
        if self.breaks > MAX_BREAKS:
            raise ValueError(f'the last {MAX_BREAKS} inputs are each more than max_gap={self.max_gap:.3g} s apart, now '
                             f'{step:g}: time should be in seconds; for a slow source pass its fps, or max_gap')
        if last is None:
            return 'begin'
        return f'no input for {step:.3g} s' if step > 0 else f'the clock was set back by {-step:.3g} s'
