"""Who says what, as labels of tokens: what is tagged, what is linked, and what is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
import toys
from framescope.classifier import models
from framescope.classifier.records import SourceKind
from framescope.training.data import Examples, Mark, RowCitation
from framescope.training.transformer.targets import CitationTargets
from made import sentences, tokens_of

TEXTS = ("Tom Orr came", "He said the mill denied it", "It rained")
SIZES = (models.ROLE_COLUMNS, models.LINK_COLUMNS, models.KIND_COLUMNS)


def mark(number: int, words: str | None, texts: Sequence[str] = TEXTS) -> Mark | None:
    if words is None:
        return None
    start = texts[number].index(words)
    return Mark(number, start, start + len(words))


def cited(
    source: Mark | None,
    cue: Mark | None,
    *content: Mark | None,
    kind: SourceKind | None = SourceKind.NAMED,
    antecedent: Mark | None = None,
    government: bool = False,
) -> RowCitation:
    said = tuple(one for one in content if one is not None)
    return RowCitation(source, cue, said, kind, government, False, antecedent)


HE_SAID = cited(
    mark(1, "He"), mark(1, "said"), mark(1, "the mill denied it"), antecedent=mark(0, "Tom Orr")
)


def examples(
    *citations: Sequence[RowCitation] | None, texts: Sequence[str] = TEXTS, corpus: str = "house"
) -> Examples:
    """One article; of each sentence its citations, None where nobody marked any."""
    given = tuple(None if of is None else tuple(of) for of in citations)
    rows, corpora = sentences(*texts), np.array([corpus] * len(texts))
    return toys.rows_of(rows, np.zeros((len(texts), 0)), (), citations=given, corpus=corpora)


@dataclass
class Asked:
    """Where the loss wants outputs to go, by its gradient at outputs that say nothing.

    Of ``roles`` the tag, -1 where none is asked for; of ``links`` and ``kinds`` whether an answer
    is to be raised.
    """

    batch: models.Batch
    loss: float | None
    roles: np.ndarray
    links: np.ndarray
    kinds: np.ndarray

    def tags(self, row: int, role: str) -> str:
        """The tags of a sentence's tokens, as letters."""
        ((b, _, start, end),) = (place for place in self.batch.places if place[1] == row)
        of_row = self.roles[b, start:end, models.ROLES.index(role)]
        return "".join("?BIO"[tag + 1] for tag in of_row.tolist())

    def answers(self, role: str, passage: int = 0) -> list[int]:
        """The tokens of a passage that are to be found by whoever looks for a role."""
        return np.flatnonzero(self.links[passage, :, models.LINKED.index(role)]).tolist()

    def speaks(self, role: str, passage: int = 0) -> dict[int, list[str]]:
        """The kinds that tokens are to speak for as part of a role."""
        of = self.kinds[passage, :, models.SPEAKING.index(role)]
        return {
            at: [name for name, up in zip(models.KINDS, row.tolist(), strict=True) if up]
            for at, row in enumerate(of)
            if row.any()
        }


def batch_of(rows: Examples, passages: Sequence[Sequence[int]]) -> models.Batch:
    """A first token, then each sentence's words with a separator behind them."""
    sizes = [len(tokens_of(sentence).ids) for sentence in rows.sentences]
    longest = max(1 + sum(sizes[row] + 1 for row in passage) for passage in passages)
    mask = np.zeros((len(passages), longest), np.int64)
    places = []
    for b, passage in enumerate(passages):
        at = 1
        for row in passage:
            places.append((b, row, at, at + sizes[row]))
            at += sizes[row] + 1
        mask[b, :at] = 1
    return models.Batch(mask, mask, np.array(places))


def targets_of(rows: Examples) -> CitationTargets:
    return CitationTargets(rows, [tokens_of(s) for s in rows.sentences])


def asked(rows: Examples, passages: Sequence[Sequence[int]] = ((0, 1, 2),)) -> Asked:
    batch = batch_of(rows, passages)
    shape = batch.ids.shape
    roles, links, kinds = (torch.zeros(*shape, size) for size in SIZES)
    # All look for the same: who is to be found has to answer to that.
    links[..., : len(models.LINKED) * models.LINK_SIZE] = 1.0
    outputs = [one.requires_grad_() for one in (roles, links, kinds)]
    loss = targets_of(rows).loss(tuple(outputs), batch)
    if loss is not None:
        loss.backward()
    pulls = [
        np.zeros((*shape, size)) if one.grad is None else -one.grad.numpy()
        for one, size in zip(outputs, SIZES, strict=True)
    ]
    tags = pulls[0].reshape(*shape, len(models.ROLES), len(models.TAGS))
    size = len(models.LINKED), models.LINK_SIZE
    answers = pulls[1][..., size[0] * size[1] :].reshape(*shape, *size)
    of_kinds = pulls[2].reshape(*shape, len(models.SPEAKING), len(models.KINDS))
    number = None if loss is None else loss.item()
    tags = np.where((tags != 0).any(-1), tags.argmax(-1), -1)
    return Asked(batch, number, tags, answers.sum(-1) > 1e-9, of_kinds > 1e-9)


def test_tokens_of_marks_are_tagged_and_the_others_lie_outside() -> None:
    found = asked(examples([], [HE_SAID], []))
    tags = [found.tags(1, role) for role in models.ROLES]
    assert tags == ["BOOOOO", "OBOOOO", "OOBIII", "OOOOOO"]
    # A content is to find its source and its cue, and a source its antecedent in the row before.
    answers = [found.answers(role) for role in models.LINKED]
    assert answers == [[5], [6], [1, 2]]
    assert {found.tags(row, role) for row in (0, 2) for role in models.ROLES} == {"OOO", "OO"}


def test_special_tokens_and_rows_that_nobody_marked_are_not_asked() -> None:
    found = asked(examples(None, [HE_SAID], None))
    assert found.tags(0, "content") == "???"
    assert found.tags(2, "content") == "??"
    inside = np.zeros(found.roles.shape[1], np.bool_)
    inside[5:11] = True  # behind the first token, three words and a separator
    assert ((found.roles[0] >= 0) == inside[:, None]).all()


def test_of_contents_that_share_words_the_longer_is_the_outer_one() -> None:
    inner = cited(mark(1, "the mill"), mark(1, "denied"), mark(1, "it"))
    for given in ([HE_SAID, inner], [inner, HE_SAID]):
        found = asked(examples([], given, []))
        tags = [found.tags(1, role) for role in models.ROLES]
        assert tags == ["BOBIOO", "OBOOBO", "OOBIII", "OOOOOB"]


def test_a_source_in_another_row_is_tagged_there() -> None:
    texts = ("Tom Orr spoke", "Never again")
    on = cited(mark(0, "Tom Orr", texts), None, mark(1, "Never again", texts))
    found = asked(examples([], [on], texts=texts), [(0, 1)])
    assert found.tags(0, "source") == "BIO"
    assert found.tags(1, "content") == "BI"
    # In another passage it is looked for in vain.
    found = asked(examples([], [on], texts=texts), [(0,), (1,)])
    assert (found.answers("source", passage=1), found.answers("source", passage=0)) == ([0], [])
    assert found.tags(0, "source") == "OOO"


def test_what_is_not_there_is_to_be_looked_for_in_vain_and_never_in_padding() -> None:
    nobody = cited(None, None, mark(2, "rained"), kind=None)
    found = asked(examples([], [HE_SAID], [nobody]), [(0, 1), (2,)])
    assert (found.answers("source"), found.answers("source", passage=1)) == ([5], [0])
    assert found.answers("cue", passage=1) == [0]
    assert found.answers("antecedent", passage=1) == [], "nobody looks for who nobody is"


def test_the_words_of_a_source_and_of_its_cue_speak_for_its_kind() -> None:
    council = cited(mark(1, "the mill"), mark(1, "denied"), mark(1, "it"),
                    kind=SourceKind.UNNAMED, government=True)  # fmt: skip
    found = asked(examples([], [council], []))
    said = ["unnamed", "government"]
    assert found.speaks("source") == {7: said, 8: said}
    assert found.speaks("cue") == {9: said}
    reportedly = cited(None, mark(1, "said"), mark(1, "the mill"), kind=SourceKind.VAGUE)
    found = asked(examples([], [reportedly], []))
    assert (found.speaks("source"), found.speaks("cue")) == ({}, {6: ["vague"]})


def test_a_corpus_of_a_wider_sense_counts_half_and_teaches_no_antecedents() -> None:
    plain = cited(mark(1, "He"), mark(1, "said"), mark(1, "it"))
    none = cited(None, mark(1, "said"), mark(1, "it"))
    rows = [], [none], []
    ours, wider = (asked(examples(*rows, corpus=name)) for name in ("house", "polnear"))
    assert wider.loss == pytest.approx(ours.loss / 2)
    assert asked(examples([], [plain], [])).answers("antecedent") == [0]
    assert asked(examples([], [plain], [], corpus="polnear")).answers("antecedent") == []


def test_the_loss_is_computed_on_the_device_of_the_outputs() -> None:
    rows = examples([], [HE_SAID], [])
    batch = batch_of(rows, [(0, 1, 2)])
    # As on a GPU, of which no number is read: this device has none.
    outputs = [torch.zeros(*batch.ids.shape, size, device="meta") for size in SIZES]
    assert targets_of(rows).loss(outputs, batch).is_meta


def test_all_earlier_words_for_whoever_is_meant_are_found() -> None:
    texts = ("Tom Orr came", "He left", "Later he spoke")
    first = cited(mark(1, "He", texts), None, antecedent=mark(0, "Tom Orr", texts))
    then = cited(mark(2, "he", texts), None, antecedent=mark(1, "He", texts))
    for corpus in ("house", "gap"):
        rows = examples((), (first,), (then,), texts=texts, corpus=corpus)
        found = asked(rows)
        assert found.answers("antecedent") == [1, 2, 5]
        assert found.tags(1, "source") == ("BO" if corpus == "house" else "??")
