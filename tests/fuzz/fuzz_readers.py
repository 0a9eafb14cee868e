"""Fuzzer over the readers: damaged files give an image or a sentence, nothing else.

Regions are among them: ImageJ's files, autosaves, results tables, and the operations
on outlines that whoever drew them did not foresee. So are reference sets, conversions
between devices, published tables of reference values, and tables of people.

Files of every format are damaged and read in processes of their own, with limits on
time and memory. A finding is a crash, a hang, an error of another kind, a message that
is no sentence or names the person in the file, a picture that is not what it says, or
memory that a header made us take.

    python -m tests.fuzz.fuzz_readers --cases 20000 --seed 1 --jobs 2
    python -m tests.fuzz.fuzz_readers --replay FILE
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import MARKER, Seed, make_seeds
from tests.fuzz.worker import Outcome, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

READERS: Final = "tests.fuzz.worker:read_case"
CPU_LIMIT_S: Final = 10.0
WALL_LIMIT_S: Final = 60.0
_START_LIMIT_S: Final = 120.0
_TICK_S: Final = 0.5
_RENEW_BEYOND: Final = 500_000_000
_KEPT: Final = 3
"""Findings of one kind that are written down; the others are counted."""

_WEIGHTS: Final = {
    "dicom": 40,
    "tiff": 14,
    "gif": 7,
    "png": 5,
    "jpeg": 4,
    "bmp": 3,
    "mp4": 5,
    "mov": 3,
    "avi": 5,
    "asf": 2,
    "matroska": 2,
    "mpeg": 1,
    "roi": 5,
    "roizip": 3,
    "autosave": 3,
    "table": 3,
    "shapes": 4,
    "study": 4,
    "reference": 3,
    "conversion": 2,
    "spreadsheet": 3,
    "people": 3,
}
_REAL_SHARE: Final = 0.25


@dataclass(frozen=True)
class Case:
    """A damaged file."""

    number: int
    kind: str
    content: bytes
    origin: str = ""


@dataclass(frozen=True)
class Finding:
    """What must not be, and the file that brought it about."""

    case: Case
    outcome: Outcome
    said: str = ""


@dataclass
class Report:
    """Counts by format and outcome, and the findings."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    like: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    slowest: float = 0.0

    def add(self, case: Case, outcome: Outcome, said: str = "") -> bool:
        """Count an outcome; return whether it is a finding to be written down."""
        self.largest = max(self.largest, outcome.rss_growth)
        self.slowest = max(self.slowest, outcome.seconds)
        if not outcome.problem:
            self.counts[case.kind, outcome.word] += 1
            return False
        self.counts[case.kind, "FOUND"] += 1
        key = f"{outcome.word} {outcome.where}"
        self.like[key] += 1
        if self.like[key] > _KEPT:
            return False
        self.findings.append(Finding(case, outcome, said))
        return True

    def words(self) -> list[str]:
        """Return counts by format and outcome, and like findings by their number."""
        rows: dict[str, list[str]] = defaultdict(list)
        for (kind, word), count in sorted(self.counts.items()):
            rows[kind].append(f"{word} {count}")
        parts = [f"{kind}: {', '.join(words)}" for kind, words in rows.items()]
        found = [f"{count} × {key}" for key, count in self.like.most_common()]
        return [*found, "; ".join(parts)]


def cases(seeds: Sequence[Seed], number: int, seed: int) -> Iterator[Case]:
    """Yield damaged files, the same ones for the same seeds and the same seed."""
    made: dict[str, list[Seed]] = defaultdict(list)
    real: dict[str, list[Seed]] = defaultdict(list)
    for one in seeds:
        (real if one.name.startswith("real-") else made)[one.kind].append(one)
    kinds = [kind for kind in _WEIGHTS if made[kind]]
    weights = [_WEIGHTS[kind] for kind in kinds]
    for i in range(number):
        # Each case has chances of its own, so that one can be made again alone.
        chance = random.Random(f"{seed}:{i}")
        kind = chance.choices(kinds, weights)[0]
        is_real = bool(real[kind]) and chance.random() < _REAL_SHARE
        chosen = chance.choice((real if is_real else made)[kind])
        content = mutate(chance, chosen, chance.choice(seeds))
        yield Case(i, kind, content, chosen.name)


class _Worker:
    """A process that reads; another takes its place when it ends."""

    def __init__(self, target: str, folder: Path, cpu_s: float, wall_s: float) -> None:
        self._target, self._cpu_s, self._wall_s = target, cpu_s, wall_s
        handle, name = tempfile.mkstemp(dir=folder, suffix=".txt")
        os.close(handle)
        self._capture = Path(name)
        self._said = 0
        self.case: Case | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.connection: Connection = ours
        self.process: BaseProcess = context.Process(
            target=work, args=(theirs, str(self._capture), self._target), daemon=True
        )
        self.process.start()
        theirs.close()
        if not ours.poll(_START_LIMIT_S):
            raise RuntimeError("The worker does not start.")
        try:
            ours.recv()
        except EOFError:
            raise RuntimeError(f"The worker ended: {self._new_words()}") from None

    def give(self, case: Case) -> None:
        """Send a case."""
        self.case = case
        self._began = time.monotonic()
        self._cpu_began = self._cpu()
        self.connection.send((case.number, case.kind, case.content))

    def take(self) -> tuple[Case, Outcome, str]:
        """Return what came of the case; a process that has ended is a finding."""
        case, self.case = self.case, None
        if case is None:
            raise RuntimeError("There is no case.")
        try:
            outcome = self.connection.recv()
            said = self._new_words()
            if outcome.reserved > _RENEW_BEYOND:
                # The peak of a process never falls, and would hide the next one.
                self.end()
                self._start()
        except (EOFError, ConnectionResetError):
            self.process.join()
            said = self._new_words()
            code = self.process.exitcode
            place = _package_place(said)
            outcome = Outcome(
                case.number, "crash", problem=f"ended with {code}", where=place
            )
            self._start()
        if not outcome.problem and MARKER.lower() in said.lower():
            outcome = Outcome(
                case.number, "leak", problem="on the standard output", where="output"
            )
        return case, outcome, said

    def expired(self) -> tuple[Case, Outcome, str] | None:
        """Return a finding if the case takes too long, after ending the process."""
        case = self.case
        if case is None:
            return None
        wall, cpu = time.monotonic() - self._began, self._cpu() - self._cpu_began
        if wall < self._wall_s and cpu < self._cpu_s:
            return None
        with contextlib.suppress(OSError, AttributeError):
            # Makes the process say where it is.
            os.kill(self.process.pid or 0, signal.SIGUSR1)
            time.sleep(0.3)
        self.process.kill()
        self.process.join()
        said = self._new_words()
        words = f"{cpu:.1f} s of processor time, {wall:.1f} s in all"
        place = _package_place(said)
        outcome = Outcome(case.number, "hang", problem=words, where=place, seconds=cpu)
        self.case = None
        self._start()
        return case, outcome, said

    def end(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()

    def _cpu(self) -> float:
        """Return the processor time of the process; of the wall where nobody tells."""
        try:
            text = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return time.monotonic()
        values = text.rpartition(")")[2].split()
        return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")

    def _new_words(self) -> str:
        with self._capture.open("rb") as file:
            file.seek(self._said)
            said = file.read(200_000)
            self._said = file.seek(0, os.SEEK_END)
        return said.decode("utf-8", "replace")


def _package_place(said: str) -> str:
    """Return the place in the package from what a dying process said."""
    lines = [line for line in said.splitlines() if "napari_muscle_us" in line]
    return lines[0].strip().replace('"', "").split("/")[-1] if lines else "unknown"


def run(
    given: Iterator[Case],
    *,
    jobs: int = 1,
    target: str = READERS,
    cpu_s: float = CPU_LIMIT_S,
    wall_s: float = WALL_LIMIT_S,
    each: Callable[[Case, Outcome], None] | None = None,
    found: Callable[[Finding], None] | None = None,
) -> Report:
    """Read cases in worker processes and return what came of them.

    Parameters
    ----------
    given : iterator of Case
        What to read.
    jobs : int
        Processes.
    target : str
        What reads, as ``module:function``, which takes a path and a kind.
    cpu_s, wall_s : float
        Limits a case, of processor time and of time in all.
    each, found : callable, optional
        Called with each case and what came of it; with each finding to be written down.
    """
    report = Report()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        start = partial(_Worker, target, Path(folder), cpu_s, wall_s)
        workers = [start() for _ in range(jobs)]
        try:
            idle = list(workers)
            exhausted = False
            while True:
                while idle and not exhausted:
                    case = next(given, None)
                    if case is None:
                        exhausted = True
                    else:
                        idle.pop().give(case)
                busy = [w for w in workers if w.case is not None]
                if not busy:
                    return report
                ready = wait([w.connection for w in busy], timeout=_TICK_S)
                for worker in busy:
                    answered = worker.connection in ready
                    result = worker.take() if answered else worker.expired()
                    if result is None:
                        continue
                    idle.append(worker)
                    if each is not None:
                        each(*result[:2])
                    if report.add(*result) and found is not None:
                        found(Finding(*result))
        finally:
            for worker in workers:
                worker.end()


# Command line


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _save(out: Path, seed: int, finding: Finding) -> None:
    """Write the file and what it brought about."""
    out.mkdir(parents=True, exist_ok=True)
    case, outcome = finding.case, finding.outcome
    path = out / f"seed{seed}-case{case.number}-{case.kind}.bin"
    path.write_bytes(case.content)
    words = (
        f"{outcome.word} at {outcome.where}\nfrom {case.origin}\n{outcome.problem}\n"
        f"{outcome.seconds:.2f} s, {outcome.rss_growth / 1e6:.0f} MB more, "
        f"{outcome.reserved / 1e6:.0f} MB reserved\n{finding.said}\n"
    )
    path.with_suffix(".txt").write_text(words, "utf-8")
    say(f"FOUND {path}: {outcome.word} at {outcome.where}")


def _replay(path: Path, kind: str | None) -> Report:
    known = kind or path.stem.rpartition("-")[2]
    if known not in _WEIGHTS:
        raise SystemExit(f"Tell the kind with --kind: one of {', '.join(_WEIGHTS)}.")
    report = run(iter([Case(0, known, path.read_bytes(), path.name)]))
    for finding in report.findings:
        outcome = finding.outcome
        say(f"{outcome.word} at {outcome.where}\n{outcome.problem}\n{finding.said}")
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the fuzzer and return 1 if it found anything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--only", choices=_WEIGHTS, nargs="+", help="damage files of these kinds"
    )
    parser.add_argument("--made", action="store_true", help="leave out real files")
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--replay", type=Path, metavar="FILE", help="read one file")
    parser.add_argument("--kind", choices=_WEIGHTS, help="kind of the replayed file")
    options = parser.parse_args(argv)
    began = time.monotonic()
    if options.replay:
        report = _replay(options.replay, options.kind)
        number = 1
    else:
        number = options.cases
        seeds = make_seeds(real=not options.made)
        if options.only:
            seeds = [s for s in seeds if s.kind in options.only]
        say(f"{number} cases from {len(seeds)} files, seed {options.seed}")
        report = run(
            cases(seeds, number, options.seed),
            jobs=options.jobs,
            each=lambda case, _: (
                say(f"at {case.number}") if not case.number % 1000 else None
            ),
            found=partial(_save, options.out, options.seed),
        )
    *found, counts = report.words()
    for line in found:
        say(line)
    say(
        f"{number} cases, {sum(report.like.values())} findings, "
        f"{time.monotonic() - began:.0f} s, largest growth "
        f"{report.largest / 1e6:.0f} MB, slowest {report.slowest:.1f} s; {counts}"
    )
    return 1 if report.like else 0


if __name__ == "__main__":
    sys.exit(main())
