"""The command line: `optgui [FILE]`, `optgui run`, `optgui tour`, `optgui install-desktop`."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optgui import __version__

RUNNABLE = ("training", "surface", "attack")
COMMANDS = ("run", "tour", "install-desktop", "smoke")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 could not go on, 2 wrong input."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0] not in COMMANDS and not arguments[0].startswith("-")):
        return _window(arguments)
    options = _parser().parse_args(arguments)
    try:
        code: int = options.do(options)
    except ValueError as error:
        print(f"optgui: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\noptgui: stopped", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="optgui",
        description="See optimization happen. Without a command, or with a config FILE, the window opens.",
        usage="optgui [FILE] | optgui COMMAND ...",
    )
    parser.add_argument("--version", action="version", version=f"optgui {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="do the job of a config file without a window")
    run.add_argument("config", type=Path, help='a config in JSON with "subject": training, surface or attack')
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for records and results")
    run.add_argument("--weights", type=Path, metavar="FILE", help="the network an attack is to fool")
    run.add_argument("--digits", type=int, default=100, metavar="N", help="attack the first N test digits")
    run.set_defaults(do=_run)
    tour = commands.add_parser("tour", help="drive the window through its story and save pictures of it")
    tour.add_argument("folder", type=Path, metavar="DIR")
    tour.add_argument("--size", default="1280x800", help="of the window, WIDTHxHEIGHT")
    tour.add_argument("--look", choices=("light", "dark"), default="light")
    tour.set_defaults(do=_tour)
    desktop = commands.add_parser(
        "install-desktop", help="put entry and icon into the desktop's menu (Linux)"
    )
    desktop.set_defaults(do=_install_desktop)
    smoke = commands.add_parser("smoke", help="open the window, train 20 steps, attack one digit and quit")
    smoke.set_defaults(do=_smoke)
    return parser


def _window(arguments: list[str]) -> int:
    from optgui.app import main as open_window

    return open_window(arguments)


def _install_desktop(options: argparse.Namespace) -> int:
    from optgui.desktop import install_desktop

    for path in install_desktop():
        print(path)
    return 0


def _drawable() -> None:
    """Choose the offscreen platform where there is no display; raise ValueError if Qt cannot start at all."""
    import os

    from optgui import preflight

    preflight.preload_c10()
    if preflight.missing_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if sentence := preflight.missing_library() or preflight.unsound_binding():
        raise ValueError(sentence)


def _with_window(look: str, size: tuple[int, int], drive: Any) -> int:
    """Open the window with empty settings and hand it to `drive`, then end everything."""
    import tempfile

    _drawable()
    from PySide6.QtCore import QSettings

    from optgui.app import make_application, make_window
    from optgui.gui.settings import Settings

    app = make_application()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(QSettings(str(Path(folder) / "empty.ini"), QSettings.Format.IniFormat))
        settings.remember("look", look)
        window = make_window(app, settings)
        window.downloads = False
        window.resize(*size)
        window.show()
        try:
            return int(drive(window))
        finally:
            window.close()
            window.shutdown()


def _tour(options: argparse.Namespace) -> int:
    width, _, height = options.size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ValueError(f"--size: expected WIDTHxHEIGHT such as 1280x800, got {options.size}")
    _make_folder(options.folder)

    def drive(window: Any) -> int:
        from optgui.gui.tour import tour

        return int(tour(window, options.folder))

    return _with_window(options.look, (int(width), int(height)), drive)


def _smoke(options: argparse.Namespace) -> int:
    def drive(window: Any) -> int:
        from optgui.gui.tour import smoke

        return int(smoke(window))

    return _with_window("light", (1280, 800), drive)


def _run(options: argparse.Namespace) -> int:
    subject, config = read_config(options.config)
    _make_folder(options.out)
    from optgui.core.engine import RunFailed, build

    inputs = _inputs(subject, options.weights, options.digits)
    engine = build(subject, config, inputs)
    failure = ""
    with _Records(options.out / "records.csv") as records:
        started = time.perf_counter()
        try:
            while not engine.done:
                records.add(engine.step())
                _show_progress(engine.status(), time.perf_counter() - started)
        except RunFailed as error:
            failure = str(error)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    results = {
        **_write_results(engine, subject, inputs, options.out),
        **({"failure": failure} if failure else {}),
        "config": {"subject": subject, **config.model_dump(mode="json")},
    }
    text = json.dumps(results, indent=2)
    (options.out / "results.json").write_text(text + "\n", encoding="utf-8")
    if failure:
        print(f"optgui: {failure}", file=sys.stderr)
        return 1
    print(f"Wrote {options.out}")
    return 0


def read_config(path: Path) -> tuple[str, Any]:
    """The subject and the validated config of a file.

    Raises:
        ValueError: with the file's name and the field that is wrong.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: expected a readable file: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path.name}: expected a config in JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path.name}: expected an object with named fields, got {type(data).__name__}")
    subject = data.pop("subject", None)
    if subject not in RUNNABLE:
        raise ValueError(f"{path.name}: subject: expected one of {', '.join(RUNNABLE)}, got {subject!r}")
    try:
        return subject, _config_class(subject).parse(data)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None


def _config_class(subject: str) -> Any:
    import importlib

    names = {"training": "TrainingConfig", "surface": "DescentConfig", "attack": "AttackConfig"}
    return getattr(importlib.import_module(f"optgui.core.{subject}"), names[subject])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder}: expected a folder that can be written: {error.strerror}") from None


class _Records:
    """Writes the records of an engine as CSV, one row a step; tuples become columns with a number."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _Records:
        self._file = self._path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._header = False
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, record: Any) -> None:
        names: list[str] = []
        values: list[Any] = []
        for field, value in record._asdict().items():
            several = value if isinstance(value, tuple) else (value,)
            names += [f"{field}.{i}" if isinstance(value, tuple) else field for i in range(len(several))]
            values += several
        if not self._header:
            self._writer.writerow(names)
            self._header = True
        self._writer.writerow(values)


_shown_at = 0.0


def _show_progress(status: Any, seconds: float) -> None:
    """A bar on standard error, ten times a second, where that is a terminal."""
    global _shown_at
    if not sys.stderr.isatty() or (time.perf_counter() - _shown_at < 0.1 and status.done < status.total):
        return
    _shown_at = time.perf_counter()
    share = status.done / status.total if status.total else 0.0
    bar = "█" * round(30 * share)
    left = seconds / share - seconds if share else 0.0
    text = f"\r{bar:░<30} {status.done:,}/{status.total:,} {status.unit} {status.text}  {left:.0f} s left   "
    sys.stderr.write(text)
    sys.stderr.flush()


def _inputs(subject: str, weights: Path | None, digits: int) -> Any:
    """What an engine needs beside its config: for an attack a network and test digits."""
    if subject != "attack":
        return None
    from optgui.core.attack import AttackInputs
    from optgui.core.snapshot import NetworkSnapshot, frozen
    from optgui.core.training import TrainingConfig, TrainingEngine, best_dataset, load_digits

    if weights is not None:
        snapshot = NetworkSnapshot.load(weights)
    else:
        dataset = best_dataset()
        print(f"No --weights: training the default network on {dataset} first.", file=sys.stderr)
        trained = TrainingEngine(TrainingConfig.parse({"dataset": dataset}))
        while not trained.done:
            trained.step()
        snapshot = trained.snapshot()
    data = load_digits(snapshot.dataset)
    if not 1 <= digits <= len(data.test_images):
        raise ValueError(f"--digits: expected a whole number from 1 to {len(data.test_images)}, got {digits}")
    images = data.test_images[:digits, None].astype("float32") / 255
    return AttackInputs(snapshot, frozen(images), frozen(data.test_labels[:digits].copy()))


def _write_results(engine: Any, subject: str, inputs: Any, folder: Path) -> dict[str, Any]:
    """The numbers at the end of a run; weights and images go into files of their own."""
    frame = engine.frame()
    if subject == "training":
        if frame is None:
            return {}
        engine.snapshot().save(folder / "weights.safetensors")
        table = frame.confusion
        return {
            "step": frame.step,
            "epoch": frame.epoch,
            "test_accuracy": frame.test_accuracy,
            "test_loss": frame.test_loss,
            "confusion": None if table is None else table.tolist(),
        }
    if subject == "surface":
        return {
            "step": frame.step,
            "positions": frame.heads.tolist(),
            "losses": frame.losses[:, -1].tolist(),
            "diverged": list(frame.diverged),
        }
    from safetensors.numpy import save_file

    inputs.snapshot.save(folder / "weights.safetensors")
    save_file({"adversarial": frame.adversarial.copy()}, folder / "adversarial.safetensors")
    return {
        "step": frame.step,
        "network": frame.network_id,
        "success_rate": float(frame.success.mean()),
        "fooled_at": frame.fooled_at.tolist(),
        "predictions": frame.predictions.tolist(),
        "labels": frame.labels.tolist(),
        "norms": frame.norms.tolist(),
    }
