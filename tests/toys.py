"""Toy data and a toy encoder: articles about invented places, with a planted signal to learn.

"vile", "wicked" and "shameless" are loaded language, "observers" are a vague source, and an article
with loaded language in it is hyperpartisan. Two made-up corpora share the articles: one labels
techniques (with their spans) and articles, the other sources only. They go by names that are known.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from framescope.classifier.records.article import Sentence, Span
from framescope.training.data.examples import Examples
from framescope.training.recipes import TransformerSettings

SIGNALS = ("vague_source", "any_technique", "loaded_language", "hyperpartisan")
TAGS = ("any_technique", "loaded_language")
LOADED = ("vile", "wicked", "shameless")
SHORT = TransformerSettings(
    epochs=2, learning_rate=1e-3, head_learning_rate=1e-2, batch_tokens=128, max_tokens=64, seed=3
)

_PLACES = ("Orrin", "Vesk", "Talmere", "Quill Bay", "Dunholt", "Marrow")
_THINGS = ("ferry", "mill", "harbour", "school", "bridge", "market", "tram", "reservoir")
_PLAIN = (
    "The council of {place} met on Tuesday to talk about the {thing}.",
    "Repairs of the {thing} in {place} will cost {number} crowns.",
    "“The {thing} opens at nine,” said the mayor of {place}.",
    "About {number} people in {place} use the {thing} every day.",
)
_VAGUE = (
    "Observers say the {thing} of {place} may close.",
    "Observers in {place} expect {number} new jobs at the {thing}.",
)
_RANTS = (
    "What a {loaded} scheme, this {thing} of {place}!",
    "The {loaded} men behind the {thing} in {place} took {number} crowns.",
    "Nobody in {place} asked for such a {loaded} {thing}.",
)


def article(number: int, rng: np.random.Generator, sentences: int = 5) -> list[Sentence]:
    """Sentences of one article, every other one of them partisan, one space apart."""
    name, found, start = f"toy/{number}", [], 0
    for index in range(sentences):
        kind = rng.random()
        templates = _RANTS if number % 2 and kind < 0.5 else _VAGUE if kind > 0.75 else _PLAIN
        said = str(rng.choice(templates))
        words = {"place": rng.choice(_PLACES), "thing": rng.choice(_THINGS)}
        words |= {"loaded": rng.choice(LOADED), "number": rng.integers(2, 900)}
        text = said.format(**words)
        found.append(Sentence(text, start, start + len(text), name, index))
        start += len(text) + 1
    return found


def loaded_spans(sentence: Sentence) -> tuple[Span, ...]:
    """The planted spans of a sentence."""
    return tuple(
        Span(sentence.start + at, sentence.start + at + len(word), "loaded_language")
        for word in LOADED
        if (at := sentence.text.find(word)) >= 0
    )


def rows_of(
    sentences: Sequence[Sentence], labels: np.ndarray, signals: Sequence[str], **columns: object
) -> Examples:
    """Rows of sentences; `columns` are other fields of `Examples`, for each row or for all."""
    names, n = np.array([s.article_id for s in sentences]), len(sentences)
    given = {"spans": ((),) * n, "citations": (None,) * n, "corpus": "toy", "article": names}
    given |= {"outlet": "", "group": names, "part": "train", **columns}
    arrays = {k: np.full(n, v) if isinstance(v, str) else v for k, v in given.items()}
    labels = np.asarray(labels, np.float32)
    return Examples(tuple(sentences), labels, tuple(signals), **arrays)


def examples(articles: int = 40, seed: int = 5) -> Examples:
    """A label matrix: two in four articles label techniques, two sources; a fifth validates."""
    rng = np.random.default_rng(seed)
    sentences = [s for number in range(articles) for s in article(number, rng)]
    numbers = np.array([int(s.article_id.removeprefix("toy/")) for s in sentences])
    partisan = {s.article_id for s in sentences if loaded_spans(s)}
    labels = np.full((len(sentences), len(SIGNALS)), np.nan, np.float32)
    techniques = numbers % 4 < 2
    for row, sentence in enumerate(sentences):
        if techniques[row]:
            loaded = float(bool(loaded_spans(sentence)))
            labels[row, 1:] = loaded, loaded, float(sentence.article_id in partisan)
        else:
            labels[row, 0] = float(sentence.text.startswith("Observers"))
    spans = tuple(
        loaded_spans(s) if on else () for s, on in zip(sentences, techniques, strict=True)
    )
    corpus = np.where(techniques, "house", "exchange")
    part = np.where(numbers // 4 % 5 == 4, "validation", "train")
    return rows_of(sentences, labels, SIGNALS, spans=spans, corpus=corpus, part=part)


def write_exchange(path: Path, articles: int = 40, first: int = 0, seed: int = 5) -> Path:
    """Write labelled articles as a user's file holds them, all signals on every sentence."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(first, first + articles):
        sentences, units, spans = article(number, rng), [], []
        for one in sentences:
            loaded, vague = loaded_spans(one), int(one.text.startswith("Observers"))
            labels = dict.fromkeys(("any_technique", "loaded_language"), int(bool(loaded)))
            place = {"start": one.start, "end": one.end}
            units.append({**place, "labels": {"vague_source": vague, **labels}})
            spans += ({"start": s.start, "end": s.end, "signal": s.signal} for s in loaded)
        record = {"id": str(number), "text": text_of(sentences), "sentences": units}
        record |= {"spans": spans, "labels": {"hyperpartisan": int(bool(spans))}}
        lines.append(json.dumps(record) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def unseen(articles: int = 6) -> list[Sentence]:
    """Sentences that no example holds."""
    rng = np.random.default_rng(99)
    return [s for number in range(1000, 1000 + articles) for s in article(number, rng)]


def ranked(scores: np.ndarray, positive: np.ndarray) -> float:
    """How often a positive stands above a negative (the area under the ROC curve)."""
    return float((scores[positive][:, None] > scores[~positive][None, :]).mean())


def outputs_of(trainer, sentences: Sequence[Sentence], tokens=None):
    """Return the tokens, the batch, and votes and tags of a trained network for some sentences."""
    import torch

    tokens = tokens or trainer.packer.tokenize_both(sentences)[0]
    batch = trainer.packer.batch(trainer.packer.pack(sentences, tokens), tokens)
    with torch.no_grad():
        embedded = trainer.network.embed(torch.from_numpy(batch.ids))
        votes, tags, *_ = trainer.network(embedded, torch.from_numpy(batch.mask))
    return tokens, batch, votes, tags


def logits_of(trainer, sentences: Sequence[Sentence], tokens=None) -> np.ndarray:
    """Log-odds of a trained network in float32; articles are not pooled."""
    from framescope.training.transformer.targets import pool

    _, batch, votes, tags = outputs_of(trainer, sentences, tokens)
    columns = [trainer.signals.index(tag) for tag in trainer.tags]
    found = np.zeros((len(sentences), len(trainer.signals)), np.float32)
    pooled = pool(votes, tags, trainer.network.gain.detach(), batch.places, columns)
    found[batch.places[:, 1]] = pooled.numpy()
    return found


def difference(one, other) -> float:
    """The largest between two networks' weights."""
    a, b = one.network.state_dict(), other.network.state_dict()
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def text_of(sentences: Sequence[Sentence]) -> str:
    """The text that holds the sentences of one article at their offsets."""
    return " ".join(s.text for s in sentences)


def make_encoder(folder: Path, hidden: int = 64, words: int = 400) -> Path:
    """Write a BERT of two layers with random weights, and a vocabulary of the toy articles.

    The vocabulary is not trained, since the trainers of tokenizers order ties at random.
    """
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel
    from transformers.utils import logging

    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    counts = Counter(
        word
        for sentence in examples(40).sentences
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(sentence.text))
    )
    letters = sorted(set("".join(counts)))
    frequent = sorted((w for w in counts if len(w) > 1), key=lambda word: (-counts[word], word))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = [*special, *letters, *(f"##{letter}" for letter in letters), *frequent][:words]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    ends = [(token, numbers[token]) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ends)
    logging.disable_progress_bar()
    torch.manual_seed(1)
    sizes = {"hidden_size": hidden, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 2 * hidden, "max_position_embeddings": 128}
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    words = tokenizer.get_vocab_size()
    config = BertConfig(vocab_size=words, initializer_range=0.05, **sizes, **dropout)
    folder.mkdir(parents=True, exist_ok=True)
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


BY_HAND = ("claim", "vague_source", "loaded_language", "hyperpartisan")


def save_by_hand(folder: Path) -> None:
    """Write a baseline of five words whose weights were made up: one a signal, "the" for none."""
    from framescope.classifier.models.base import Calibration
    from framescope.classifier.models.tfidf import Ngrams, TfidfModel

    terms = ("crowns", "observers", "the", "vile", "wicked")
    words = Ngrams("word", 1, 1, terms, np.ones(5, np.float32))
    weights = np.zeros((4, 5))
    weights[0, 0] = weights[1, 1] = weights[2, 3] = weights[3, 4] = 8.0
    intercepts = np.full(4, -2.0)
    TfidfModel(BY_HAND, (words,), weights, intercepts, Calibration.identity(BY_HAND)).save(folder)


MANIFEST_BY_HAND = {
    "name": "by-hand",
    "kind": "baseline",
    "signals": list(BY_HAND),
    "languages": ["en"],
    "thresholds": dict.fromkeys(BY_HAND, 0.5),
    "calibration": {signal: [1.0, 0.0] for signal in BY_HAND},
}
