# ruff: noqa: E402
from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from framescope.classifier.errors import TrainingError
from framescope.training.transformer.run import Checkpoint, seed_step
from safetensors.torch import load_file, save_file
from torch import nn

RUN = {"settings": {"epochs": 2}, "rows": 5}


class Network(nn.Module):
    """Three layers; the middle one takes no part, as a pooler that nothing reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.idle = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


def started() -> tuple[Network, torch.optim.AdamW]:
    torch.manual_seed(0)
    network = Network()
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "lr": 0.1},
        {"params": [p for p in network.parameters() if p.ndim == 1], "lr": 0.01},
    ]
    return network, torch.optim.AdamW(groups, fused=True)


def step(network: Network, optimizer: torch.optim.AdamW, number: int) -> None:
    torch.manual_seed(number)
    network(torch.randn(8, 3)).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def same(a: Network, b: Network) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


@pytest.fixture
def saved(tmp_path):
    """A checkpoint after three steps, and the run it is of."""
    network, optimizer = started()
    for number in range(3):
        step(network, optimizer, number)
    Checkpoint(tmp_path / "run", RUN).save(3, network, optimizer)
    return tmp_path / "run", network, optimizer


def test_no_checkpoint_starts_at_0(tmp_path) -> None:
    network, optimizer = started()
    assert Checkpoint(tmp_path, RUN).restore(network, optimizer) == 0
    assert same(network, started()[0])


def test_goes_on_as_if_it_had_never_stopped(saved) -> None:
    folder, network, optimizer = saved
    resumed, its_optimizer = started()
    assert Checkpoint(folder, RUN).restore(resumed, its_optimizer) == 3
    assert same(resumed, network)
    for number in range(3, 6):
        step(network, optimizer, number)
        step(resumed, its_optimizer, number)
    assert same(resumed, network)


def test_every_parameters_state_is_its_own(saved) -> None:
    folder, _, optimizer = saved
    network, its_optimizer = started()
    Checkpoint(folder, RUN).restore(network, its_optimizer)
    wanted, found = optimizer.state_dict()["state"], its_optimizer.state_dict()["state"]
    assert found.keys() == wanted.keys()
    assert len(found) == 4  # not those of the idle layer
    for index, state in wanted.items():
        assert all(torch.equal(found[index][key], value) for key, value in state.items())


def test_the_last_save_counts_and_nothing_else_is_left(saved) -> None:
    folder, network, optimizer = saved
    step(network, optimizer, 3)
    Checkpoint(folder, RUN).save(4, network, optimizer)
    again = started()
    assert Checkpoint(folder, RUN).restore(*again) == 4
    assert same(again[0], network)
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]


def test_an_interrupted_write_leaves_the_one_before(saved, monkeypatch) -> None:
    folder, network, optimizer = saved

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("framescope.training.transformer.run.save_file", full)
    with pytest.raises(OSError, match="No space"):
        Checkpoint(folder, RUN).save(9, network, optimizer)
    assert Checkpoint(folder, RUN).restore(*started()) == 3


@pytest.mark.parametrize("run", [{"settings": {"epochs": 3}, "rows": 5}, {**RUN, "rows": 6}, {}])
def test_a_checkpoint_of_another_run_is_refused(saved, run) -> None:
    with pytest.raises(TrainingError, match="other settings or data; delete it, or choose another"):
        Checkpoint(saved[0], run).restore(*started())


def _truncate(path, data) -> None:
    path.write_bytes(data[: len(data) // 2])


def _empty(path, data) -> None:
    path.write_bytes(b"")


def _rubbish(path, data) -> None:
    path.write_bytes(b"\xff" * 4000)


def _no_metadata(path, data) -> None:
    save_file(load_file(path), path)


def _broken_metadata(path, data) -> None:
    save_file(load_file(path), path, {"step": "3", "run": "{"})


def _odd_step(path, data) -> None:
    save_file(load_file(path), path, {"step": "three", "run": json.dumps(RUN)})


def _no_tensors(path, data) -> None:
    save_file({}, path, {"step": "3", "run": json.dumps(RUN)})


def _other_shapes(path, data) -> None:
    tensors = {name: torch.zeros(2, 2) for name in load_file(path)}
    save_file(tensors, path, {"step": "3", "run": json.dumps(RUN)})


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _empty,
        _rubbish,
        _no_metadata,
        _broken_metadata,
        _odd_step,
        _no_tensors,
        _other_shapes,
    ],
)
def test_a_damaged_checkpoint_is_one_clear_line(saved, damage) -> None:
    path = saved[0] / "checkpoint.safetensors"
    damage(path, path.read_bytes())
    with pytest.raises(TrainingError) as raised:
        Checkpoint(saved[0], RUN).restore(*started())
    message = str(raised.value)
    assert message.startswith(f"{path}: damaged checkpoint (")
    assert message.endswith("; delete it to start anew")
    assert "\n" not in message


def test_discarding_removes_the_folder_only_when_nothing_else_is_in_it(saved) -> None:
    folder = saved[0]
    other = folder / "notes.txt"
    other.write_text("mine")
    Checkpoint(folder, RUN).discard()
    assert list(folder.iterdir()) == [other]
    other.unlink()
    Checkpoint(folder, RUN).discard()
    assert not folder.exists()
    Checkpoint(folder, RUN).discard()  # and again


def test_each_step_draws_its_own_and_always_the_same() -> None:
    def draw(seed: int, step: int) -> list[float]:
        seed_step(seed, step)
        return torch.rand(3).tolist()

    draws = {(seed, step): tuple(draw(seed, step)) for seed in (1, 2) for step in (0, 1, 2)}
    assert len(set(draws.values())) == 6
    assert tuple(draw(2, 1)) == draws[2, 1]
