"""What a label says, for tools whose marks are a place and a label and answer nothing.

Answers to questions become labels such as ``claim: yes``; what a content answers stands in its own,
such as ``content named government``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from framescope.classifier import taxonomy
from framescope.classifier.records import SourceKind
from framescope.training.annotation.marking import FLAGS, NO, YES, Marked, MarkRole
from framescope.training.annotation.task import AnnotationError

_FLAT = re.compile(r"(?P<question>[^:]+): (?P<answer>.+)")


def flat(answers: Mapping[str, str]) -> list[str]:
    """Write answers as labels, ``claim: yes``, for tools whose labels have no answers."""
    return [f"{question}: {answer}" for question, answer in answers.items()]


def unflat(labels: Iterable[Any], where: str) -> dict[str, str]:
    """Read answers from such labels; refuse two that contradict each other."""
    answers: dict[str, str] = {}
    for label in labels:
        found = _FLAT.fullmatch(label) if isinstance(label, str) else None
        if found is None:
            raise AnnotationError(
                f"{where}: '{label}' is no label of ours; they are written 'claim: yes'"
            )
        question, answer = found["question"], found["answer"]
        if answers.setdefault(question, answer) != answer:
            raise AnnotationError(
                f"{where}: '{question}' is answered {answers[question]} and {answer}; keep one"
            )
    return answers


def content_label(answers: Mapping[str, str]) -> str:
    """Write what a content answers into its label: ``content named government``."""
    flags = [flag for flag in FLAGS if answers.get(flag) == YES]
    return " ".join([MarkRole.CONTENT, *filter(None, [answers.get("kind")]), *flags])


def mark_label(mark: Marked) -> str:
    """Give the label of a mark, for tools whose marks are a place and a label."""
    if mark.role is MarkRole.SPAN:  # "content" is a signal too
        return f"{MarkRole.SPAN} {mark.signal}" if mark.signal in list(MarkRole) else mark.signal
    return content_label(mark.answers) if mark.role is MarkRole.CONTENT else mark.role.value


def content_labels() -> list[str]:
    """List every label that a content may have."""
    found = []
    for kind in ("", *SourceKind):
        for state_media in (NO, YES):
            for government in (NO, YES):
                answers = {"kind": kind, "government": government, "state_media": state_media}
                found.append(content_label(answers))
    return found


def read_label(label: Any, where: str) -> tuple[MarkRole, str, dict[str, str]]:
    """Read such a label: the role, a span's signal, a content's answers."""
    words = label.split(" ") if isinstance(label, str) else []
    if words and words[0] == MarkRole.CONTENT and _told(words[1:]) is not None:
        return MarkRole.CONTENT, "", _told(words[1:]) or {}
    if label in (MarkRole.SOURCE, MarkRole.CUE, MarkRole.ANTECEDENT):
        return MarkRole(label), "", {}
    if words and words[0] == MarkRole.SPAN and " ".join(words[1:]) in taxonomy.NAMES:
        return MarkRole.SPAN, " ".join(words[1:]), {}
    names = [*taxonomy.NAMES, MarkRole.SOURCE, MarkRole.CUE, MarkRole.CONTENT, MarkRole.ANTECEDENT]
    if label not in taxonomy.NAMES:
        close = get_close_matches(str(label), names, n=1)
        hint = f"did you mean {close[0]}?" if close else "framescope signals lists those known"
        raise AnnotationError(f"{where}: unknown label '{label}'; {hint}")
    return MarkRole.SPAN, str(label), {}


def _told(words: Sequence[str]) -> dict[str, str] | None:
    answers: dict[str, str] = {}
    for word in words:
        if word in list(SourceKind) and not answers:
            answers["kind"] = word
        elif word in FLAGS and word not in answers:
            answers[word] = YES
        else:
            return None
    return answers
