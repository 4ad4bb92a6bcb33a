"""How pictures get their times: the clock shifted to zero, a constant rate laid on its grid, a chunk cut out.

Every chunk is counted on the clock of the whole package. It is made with one picture more than it has, the first of the
next one, so that its own last picture lasts exactly until then; packaging leaves that one out.
"""

from __future__ import annotations

from config.ladder import MAX_FPS
from ingest.chunks import EARLY_S, Span, pictures_before
from ingest.filters import Filter, filter_of
from ingest.plan import EncodePlan

# Timestamps of variable-rate video are counted in the 90 kHz of MPEG systems, which every player handles.
OWN_CLOCK_HZ = 90_000
# pictures decoded before a chunk's first one: deinterlacing looks at the one before, a gap repeats it
WARM_UP_S = 0.5
WARM_UP_PICTURES = 4
# a time after all others
_NEVER = 10**15


def time_filters(plan: EncodePlan, span: Span) -> tuple[Filter, ...]:
    """Return what puts every picture of a chunk at its time, and drops those of its neighbours."""
    return (_own_times if plan.own_clock else _even_times)(plan, span)


def entry_filters(plan: EncodePlan, span: Span) -> tuple[Filter, ...]:
    """Return what drops pictures from long before a chunk, which only had to be decoded, as early as can be."""
    warm_up_s = max(WARM_UP_S, float(WARM_UP_PICTURES / plan.fps))
    return (filter_of("trim", start=f"{plan.zero_s + span.start_s - warm_up_s:.6f}"),)


def _even_times(plan: EncodePlan, span: Span) -> tuple[Filter, ...]:
    shift = [filter_of("setpts", expr=_shifted(plan))] if plan.zero_s else []
    rate = f"{plan.fps.numerator}/{plan.fps.denominator}"
    # fills gaps with the last picture and drops doubles, so that frame n is at n/fps for every player
    # no start is stated inside: a chunk whose first pictures were missed is to begin late, and be noticed
    start = {"start_time": "0"} if span.start_s == 0 else {}
    even = filter_of("fps", fps=rate, **start)
    cut = {"start_pts": pictures_before(span.start_s, plan.fps)} if span.start_s else {}
    if span.end_s is not None:
        cut["end_pts"] = pictures_before(span.end_s, plan.fps) + 1
    return (*shift, even, *([filter_of("trim", **cut)] if cut else []))


def _own_times(plan: EncodePlan, span: Span) -> tuple[Filter, ...]:
    # the first picture is at zero, whatever its header says
    first = "if(eq(N,0),0,max(0,{}))" if span.start_s == 0 else "max(0,{})"
    steps = [filter_of("settb", expr=f"1/{OWN_CLOCK_HZ}"), filter_of("setpts", expr=first.format(_shifted(plan)))]
    if plan.thinned:
        # of a passage above 60 frames a second one picture for each sixtieth; 1 ms forgives rounded timestamps
        cell = f"floor(({{}}+{EARLY_S})*{MAX_FPS})"
        steps.append(filter_of("select", expr=f"isnan(prev_t)+gt({cell.format('t')},{cell.format('prev_t')})"))
    if span.end_s is not None:
        # the first picture after the end is kept; the one after that ends the work
        end = _ticks(span.end_s)
        steps.append(filter_of("setpts", expr=f"if(gte(PREV_INPTS,{end}),{_NEVER},PTS)"))
        steps.append(filter_of("trim", end_pts=_NEVER))
    if span.start_s > 0:
        steps.append(filter_of("trim", start_pts=_ticks(span.start_s)))
    return tuple(steps)


def _shifted(plan: EncodePlan) -> str:
    # setpts cuts fractions off, and one tick can be a whole frame: hence round()
    return f"round(PTS-{plan.zero_s:.6f}/TB)" if plan.zero_s else "PTS"


def _ticks(time_s: float) -> int:
    return round((time_s - EARLY_S) * OWN_CLOCK_HZ)
