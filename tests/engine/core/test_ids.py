"""Ids: ours, ordered by time, never twice."""

from __future__ import annotations

import threading

from engine.core import ids


def test_ids_of_one_thread_only_grow() -> None:
    made = [ids.new() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_no_id_comes_twice_however_many_threads_ask() -> None:
    found: list[list[int]] = [[] for _ in range(8)]
    threads = [
        threading.Thread(target=lambda mine=mine: mine.extend(ids.new() for _ in range(5_000))) for mine in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [one for mine in found for one in mine]
    assert len(set(every)) == 40_000
    assert all(mine == sorted(mine) for mine in found)


def test_an_id_fits_into_a_signed_bigint_for_decades() -> None:
    assert 0 < ids.new() < 2**63
    # 41 bits of milliseconds since 2020 last until 2089.
    assert ids.new() >> 22 < 2**41


def test_a_forked_process_draws_bits_of_its_own() -> None:
    before = {ids.new() & 1023}
    for _ in range(20):
        ids.reseed()
        before.add(ids.new() & 1023)
    assert len(before) > 1
