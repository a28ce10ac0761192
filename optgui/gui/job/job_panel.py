"""Form, run bar and controller of one job, wired once for all tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from optgui.core.params import Change, Config, EntryConfig, Kind, changes
from optgui.gui.error_bar import ErrorBar
from optgui.gui.form.param_form import ParamForm, Preview
from optgui.gui.history import Gesture, History
from optgui.gui.job.run_bar import RunBar
from optgui.gui.pace import Pace
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Answer, Edit, Failure, JobState, Progress

EDIT_MS = 40  # between two edits of one drag
Previews = Mapping[type[EntryConfig], Callable[[], Preview]]
Proceed = Callable[[Any], None]


class JobPanel(QObject):
    """What a tab is made of, apart from its pictures.

    `gather` fetches what the engine needs beside the config and calls `proceed` with it; without one
    the engine gets None. With `restarts` an edit that a running job cannot take starts it again.
    """

    started = Signal(object)  # config of the run that begins
    progressed = Signal(object)  # Progress
    state_changed = Signal(object)  # JobState
    marked = Signal(int, str)  # step after which an edit acts, what changed

    def __init__(
        self,
        subject: str,
        config: Config,
        budget: PaintBudget,
        parent: QObject | None = None,
        *,
        restarts: bool = False,
        previews: Previews | None = None,
    ) -> None:
        super().__init__(parent)
        self.subject, self.restarts = subject, restarts
        self.gather: Callable[[Proceed], None] = lambda proceed: proceed(None)
        self.form = ParamForm(config, subject, previews=previews)
        self.run_bar = RunBar(subject)
        self.messages = ErrorBar(subject)
        self.controller = JobController(budget, self)
        self._run_config: Config | None = None  # as the engine has it
        self._marked_config: Config | None = None  # as of the last mark
        self._settled = True
        self._waiting = 0  # edits sent, or to be sent, and not yet answered
        self._edit: Config | None = None  # to be sent
        self._pace = Pace(self._send, self, EDIT_MS)
        self._last_done = 0
        self._refusal = ""  # what the form has said last
        self.edits = History(self.put_back)
        self._undo_config = config  # as of the last gesture
        self._replies: dict[int, tuple[Callable[[Any], None], Callable[[str], None] | None]] = {}
        self.run_bar.start_pressed.connect(self.toggle)
        self.run_bar.step_pressed.connect(self.step)
        self.run_bar.stop_pressed.connect(self.stop)
        self.form.edited.connect(self._on_form_edited)
        self.form.settled.connect(self._on_form_settled)
        self.form.refused.connect(self._on_refused)
        self.form.edited.connect(lambda *_: self._forget_refusal())
        self.controller.state_changed.connect(self._on_state)
        self.controller.progressed.connect(self._on_progress)
        self.controller.edited.connect(self._on_edited)
        self.controller.answered.connect(self._on_answered)
        self.controller.failed.connect(self._on_failed)

    @property
    def state(self) -> JobState:
        """The job's state as last heard."""
        return self.controller.state

    @property
    def run_config(self) -> Config | None:
        """The config as the present run has it, None before the first."""
        return self._run_config

    @property
    def has_run(self) -> bool:
        """Whether there is an engine that can be asked."""
        return self.state not in (JobState.IDLE, JobState.FAILED)

    def toggle(self) -> None:
        """Start, pause or go on, by the state."""
        if self.state is JobState.RUNNING:
            self.controller.pause()
        elif self.state is JobState.PAUSED:
            self.controller.resume()
        elif self.state is not JobState.PREPARING:
            self.start()

    def start(self, *, paused: bool = False, then: Callable[[], None] | None = None) -> None:
        """Begin a fresh run of the form's config."""
        config = self.form.config

        def proceed(inputs: Any) -> None:
            self.messages.dismiss()
            self._run_config = self._marked_config = config
            self._settled, self._waiting, self._edit = True, 0, None
            self.started.emit(config)
            self.controller.start(self.subject, config, inputs, paused=paused)
            if then is not None:
                then()

        self.gather(proceed)

    def adopt(self) -> None:
        """Take the form's config as one edit: a waiting or restartable run begins anew with it."""
        self.form.edited.emit(self.form.config, "")
        self.form.settled.emit(self.form.config, "")

    def step(self) -> None:
        """One step; a run that has not begun begins with it."""
        if self.state is JobState.PAUSED:
            self.controller.step_once()
        elif self.state not in (JobState.RUNNING, JobState.PREPARING):
            self.start(paused=True, then=self.controller.step_once)

    def stop(self) -> None:
        """End the run; what it has stays."""
        self.controller.stop()

    def ask(
        self, request: Any, reply: Callable[[Any], None], refused: Callable[[str], None] | None = None
    ) -> None:
        """Ask the engine; `reply` gets the answer, `refused` or else the message bar a refusal.

        Only `refused` hears of a question that was dropped because the run has ended.
        """
        self._replies[self.controller.ask(request)] = (reply, refused)

    def take_over(self, config: Config) -> None:
        """Show the config that the engine has taken by itself, as behind a rewind: no edit, no mark."""
        self._run_config = self._marked_config = self._undo_config = config
        self._settled, self._waiting, self._edit = True, 0, None
        self.edits.clear()  # those gestures were another branch's
        self.form.set_config(config)

    def _on_state(self, state: JobState) -> None:
        self.run_bar.show_state(state)
        self.form.set_locked(state.is_active and not self.restarts)
        self.state_changed.emit(state)

    def _on_progress(self, progress: Progress) -> None:
        self.run_bar.show_status(progress.status)
        self.progressed.emit(progress)

    def _on_refused(self, sentence: str) -> None:
        self._refusal = sentence
        self.messages.say(sentence)

    def _forget_refusal(self) -> None:
        """What was refused has been mended: nobody needs to read of it any more."""
        if self._refusal and self.messages.sentence == self._refusal:
            self.messages.dismiss()
        self._refusal = ""

    def _on_form_edited(self, config: Config, path: str) -> None:
        self._settled = False
        if self._run_config is None:
            return
        edits = list(changes(self._run_config, config))
        if self.restarts and (self.state is JobState.FAILED or not all(edit.live for edit in edits)):
            self.start(paused=self.state in (JobState.PAUSED, JobState.IDLE))
            return
        wanted = _with_live_values(self._run_config, config)
        if wanted != self._run_config or self._waiting:
            self._waiting += self._edit is None
            self._edit = wanted
            self._pace.ask()

    def _send(self) -> None:
        """Send the newest edit: a hand moves faster than pictures of what it does can be drawn."""
        edit, self._edit = self._edit, None
        if edit is not None:
            self.controller.apply(edit)

    def _on_form_settled(self, config: Config, path: str) -> None:
        self._settled = True
        self._send()
        self._end_gesture()

    def put_back(self, config: Config) -> None:
        """Show and apply the config of an undone or redone gesture, as far as a running job can take it."""
        if self.state.is_active and not self.restarts:
            config = _with_live_values(self.form.config, config)
        self._undo_config = config
        self.form.set_config(config)
        self.adopt()

    def _on_edited(self, edit: Edit) -> None:
        self._waiting = max(0, self._waiting - 1)
        if edit.refusal:
            self.messages.say(edit.refusal)
            if self._run_config is not None:
                self.form.set_config(_with_live_values(self.form.config, self._run_config))
        else:
            self._run_config = edit.config
            self._last_done = edit.done
        self._end_gesture()

    def _end_gesture(self) -> None:
        """One undo entry and one mark, when the hand rests and the engine has answered every edit."""
        if not self._settled or self._waiting:
            return
        config = self.form.config
        if config != self._undo_config:
            words = ", ".join(describe(change) for change in changes(self._undo_config, config))
            self.edits.add(Gesture(words, self._undo_config, config))
            self._undo_config = config
        if self._run_config is not None and self._marked_config not in (None, self._run_config):
            assert self._marked_config is not None
            texts = [describe(change) for change in changes(self._marked_config, self._run_config)]
            self._marked_config = self._run_config
            if self.has_run:
                self.marked.emit(self._last_done, ", ".join(texts))

    def _on_answered(self, answer: Answer) -> None:
        reply, refused = self._replies.pop(answer.request_id, (None, None))
        if answer.refusal:
            if refused is not None:
                refused(answer.refusal)
            elif not answer.dropped:
                self.messages.say(answer.refusal)
        elif reply is not None:
            reply(answer.reply)

    def _on_failed(self, failure: Failure) -> None:
        self._waiting, self._edit = 0, None
        self.messages.say(failure.sentence, failure.details)


def _with_live_values(config: Config, other: Config) -> Config:
    """`config` with those values of `other` that a running job can take."""
    for edit in changes(config, other):
        if edit.live:
            whole = edit.path.removesuffix(".name") if edit.spec is None else edit.path  # another entry
            value = other.at(whole)
            config = config.changed(whole, value.model_dump(mode="json") if edit.spec is None else value)
    return config


def describe(change: Change) -> str:
    """An edit in words: `lr 0.1 → 0.03`."""
    field = change.path.rpartition(".")[2]
    if field == "name":
        return f"{change.old} → {change.new}"
    if change.spec is not None and change.spec.kind is Kind.SWITCH:
        return f"{field} {'on' if change.new else 'off'}"
    if change.spec is not None and change.spec.kind is Kind.INT:
        return f"{field} {change.old:,} → {change.new:,}"
    if change.spec is not None and change.spec.kind is Kind.FLOAT:
        return f"{field} {change.old:.4g} → {change.new:.4g}"
    return f"{field} {change.old} → {change.new}"
