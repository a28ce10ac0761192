"""`python -m tests.benchmarks [NAME ...] [--json FILE]`: figures of this computer, now.

Each benchmark runs in a process of its own and compares two things that take turns in it. Nothing fails
because it is slow; the table says which targets are met.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.report import measured

BENCHMARKS = (  # each a module whose `rows` measures it
    "training",
    "training_race",
    "switch",
    "window",
    "startup",
    "curve",
    "memory",
    "accuracy",
    "accuracy_long",
    "digits",
    "attack",
    "tutorial_attack",
    "projection",
    "robust",
    "reattack",
    "race",
    "maps",
    "scrub",
)
LIBRARIES = ("torch", "torchvision", "numpy", "PySide6-Essentials", "pyqtgraph")
WIDTHS = (72, 15, 15, 7, 8)


def main() -> int:
    """Run the benchmarks named, or all; returns 1 if one of them broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"NAME: expected one of {', '.join(BENCHMARKS)}, got {name}")
    print(_line("", "ours", "other", "ratio", "target"))
    results = {}
    for name in options.names or BENCHMARKS:
        started = time.perf_counter()
        results[name] = _in_own_process(name)
        results[name]["seconds"] = round(time.perf_counter() - started, 1)
        _show(name, results[name])
    if options.json:
        text = json.dumps({"computer": _computer(), "benchmarks": results}, indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    return int(any("error" in result for result in results.values()))


def _in_own_process(name: str) -> dict[str, Any]:
    """So that none inherits the threads, windows or memory of another, and a crash costs one of them."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(measured, name).result()
        except BrokenProcessPool:
            return {"error": "the process died"}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}


def _computer() -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def _show(name: str, result: dict[str, Any]) -> None:
    print(f"{name}  ({result['seconds']} s)", flush=True)
    for word in ("skipped", "error"):
        if word in result:
            print(f"  {word}: {result[word]}", flush=True)
    for row in result.get("rows", ()):
        unit = f" {row['unit']}" if row["unit"] else ""
        ours, other = (_number(row[key]) + unit if row[key] is not None else "" for key in ("ours", "other"))
        ratio = "" if row["ratio"] is None or row["by"] == "difference" else f"{row['ratio']:.2f}"
        verdict = {True: "met", False: "NOT MET", None: ""}[row["met"]]
        print(_line(f"  {row['what']}", ours, other, ratio, row["target"], verdict).rstrip())
        if row["note"]:
            print(f"    {row['note']}")
    sys.stdout.flush()


def _line(what: str, *cells: str) -> str:
    return what.ljust(WIDTHS[0]) + "".join(
        f" {cell:>{width}}" for cell, width in zip(cells, (*WIDTHS[1:], 8), strict=False)
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main())
