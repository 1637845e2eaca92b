"""What may happen to an enrollment at the processor."""

from __future__ import annotations

from dataclasses import dataclass

from enrollment_errors.sandbox.faults import Fault


@dataclass(frozen=True)
class Fate:
    """What happens to an enrollment at the processor. If ``held``, the back end does its work later. If ``answers``,
    too, a gateway has answered 504 by then, or the fault ``link`` has struck."""

    name: str
    link: Fault | None = None
    held: bool = False
    answers: bool = False
    groups_down: bool = False
    lookup_down: bool = False
    expiry_lost: bool = False

    def __str__(self) -> str:
        return self.name


_CUT = Fault(kind="cut", after_effect=True, times=1)
FATES = {
    fate.name: fate
    for fate in (
        Fate("all is well"),
        Fate("the link is slow", held=True),
        Fate("the link is slow, and nobody can be asked", held=True, groups_down=True),
        Fate("504, and the back end goes on", held=True, answers=True),
        Fate("504, the back end goes on, and nobody can be asked", held=True, answers=True, groups_down=True),
        Fate("cut, and the back end goes on", link=_CUT, held=True, answers=True),
        Fate("linked, and the answer is cut", link=_CUT),
        Fate("linked, the answer is cut, and nobody can be asked", link=_CUT, groups_down=True),
        Fate("not linked, and reset", link=Fault(kind="reset", times=1)),
        Fate("not linked: 503", link=Fault(kind="status", status=503, times=1)),
        Fate("not linked: 500", link=Fault(kind="status", status=500, times=1)),
        Fate("a gateway's page in place of an answer", link=Fault(kind="not_json", after_effect=True, times=1)),
        Fate("nobody can be asked", groups_down=True),
        Fate("a changed expiry is not answered", expiry_lost=True),
        Fate("the look-up is down", lookup_down=True),
    )
}
