"""What a process uses, as written by the program that watches it, and read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.hosts.programs import sampling
from history import NodeLife, read_resources

BUSY = "import sys, time; x = bytearray(64_000_000); print('ready', flush=True)\nwhile True: x[0] ^= 1"

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")


def test_a_busy_process_is_seen_to_use_its_processor_and_memory_until_it_ends(tmp_path: Path) -> None:
    lines = tmp_path / "1.jsonl"
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        argv = [sys.executable, "-I", "-S", "-c", sampling.SOURCE, str(busy.pid)]
        with lines.open("wb") as output, subprocess.Popen(argv, stdout=output) as sampler:
            while lines.read_bytes().count(b"\n") < 3:
                assert sampler.poll() is None
            busy.kill()
            assert sampler.wait(10) == 0, "it ends with what it watches"
    samples = read_resources(tmp_path, [NodeLife("n1", 1, 0, started_at=5_000)])
    assert len(samples) >= 3
    ages = [sample.time - 5_000 for sample in samples]
    assert ages == sorted(ages)
    assert ages[1] - ages[0] >= 900_000_000
    assert samples[-1].cpu_ns > samples[0].cpu_ns, "it did nothing but compute"
    assert all(sample.memory_bytes > 64_000_000 for sample in samples)
    assert all(sample.files is not None and sample.files >= 3 for sample in samples)


def test_a_process_that_has_ended_already_has_no_line() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    argv = [sys.executable, "-I", "-S", "-c", sampling.SOURCE, str(done.pid)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")


def test_opened_files_are_counted() -> None:
    before = sampling.sample(os.getpid())["files"]
    with open("/dev/null"), open("/dev/null"):
        assert sampling.sample(os.getpid())["files"] == before + 2


def test_a_line_cut_by_the_end_of_its_writer_is_passed_over(tmp_path: Path) -> None:
    whole = json.dumps({"age_ms": 10, "cpu_ms": 1, "memory_bytes": 4096})
    (tmp_path / "2.jsonl").write_text(whole + "\n" + whole[:20])
    lives = [NodeLife("n1", 1, 0, 0), NodeLife("n1", 2, 0, 1_000)]
    (only,) = read_resources(tmp_path, lives)
    assert (only.life, only.time, only.cpu_ns, only.files) == (2, 10_001_000, 1_000_000, None)
