"""Damaged files are repeatable and of every sort."""

from __future__ import annotations

from consilience.testing import FOREIGN, mutants

DATA = bytes(range(256)) * 8


def test_same_seed_same_mutants_another_seed_others() -> None:
    first, again, other = (list(mutants(DATA, seed, 60)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_about_as_many_as_asked_for_and_of_every_sort() -> None:
    made = dict(mutants(DATA, 1, 60))
    assert 55 <= len(made) <= 65
    assert made["empty"] == b""
    cut = [len(d) for n, d in made.items() if n.startswith("truncated")]
    assert min(cut) < 16 < 512 < max(cut) < len(DATA)
    flipped = [d for n, d in made.items() if n.startswith("bits flipped")]
    assert len(flipped) >= 25
    assert all(len(d) == len(DATA) and d != DATA for d in flipped)


def test_an_empty_file_can_be_damaged_too() -> None:
    assert all(isinstance(data, bytes) for _, data in mutants(b"", 1, 20))


def test_foreign_heads_fit_into_a_head() -> None:
    assert all(0 < len(head) <= 4096 for head in FOREIGN.values())
