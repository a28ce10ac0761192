"""The edits of a run as lines of the script that repeats it."""

from __future__ import annotations

from optgui.core.params import changes
from optgui.core.training.config import TrainingConfig
from optgui.core.training.live import describe
from optgui.core.training.proposal import LARGEST
from optgui.core.training.script_words import INDENT, Words, indented, is_whole_cycle, move_code, order_code

# What torch makes only if a value is on at the first step: optimizer, the value, name of the average.
_LATE = (
    ("RMSprop", "momentum", "momentum_buffer"),
    ("RMSprop", "centered", "grad_avg"),
    ("Adam", "amsgrad", "max_exp_avg_sq"),
    ("AdamW", "amsgrad", "max_exp_avg_sq"),
)


class Edits(Words):
    """Each edit at its step, as what it does to the variables of the loop."""

    def edit_lines(self) -> list[str]:
        """What stands at the top of the loop."""
        lines: list[str] = []
        for edit, old in zip(self.edits, self.configs, strict=False):
            change = self._change(old, edit.config)
            if change:
                words = describe(list(changes(old, edit.config)))
                lines += [f"if step == {edit.step}:  # {words}", *indented(*change)]
        return lines

    def _change(self, old: TrainingConfig, new: TrainingConfig) -> list[str]:
        lines = self._optimizer_change(old, new)
        for field in ("batch_size", "epochs", "zero_grad"):
            if getattr(new, field) != getattr(old, field):
                lines.append(f"{field} = {getattr(new, field)!r}")
        if old.zero_grad and not new.zero_grad:
            lines.append("optimizer.zero_grad()  # the pile begins with the next gradient")
        if new.scheduler != old.scheduler:
            lines += [*self.schedule_lines(new), "schedule.replay(step, ends)"]
        elif is_whole_cycle(new.scheduler) and (old.batch_size, old.epochs) != (new.batch_size, new.epochs):
            lines.append("schedule.stretch()")
        if new.replacement != old.replacement:
            lines += [
                f"replacement = {new.replacement}",
                f"order = torch.cat([order[:position], {order_code(new)}[position:]])",
            ]
        if new.augmentation != old.augmentation:
            lines.append(f"move = {move_code(new)}")
        if new.model.dropout_rate != old.model.dropout_rate:
            lines += [
                "for layer in network:",
                *indented(
                    "if isinstance(layer, nn.Dropout):", f"{INDENT}layer.p = {new.model.dropout_rate!r}"
                ),
            ]
        return lines

    def _optimizer_change(self, old: TrainingConfig, new: TrainingConfig) -> list[str]:
        before, after = old.optimizer, new.optimizer
        if before == after:
            return []
        rate = [f"lr = {after.lr!r}"] if self.is_scheduled and before.lr != after.lr else []
        if before.name != after.name:
            return rate + self._switch(old, new)
        if after.name == "LBFGS":  # its memory has to be cut to the new size
            self.own |= {"from optgui.core.optimizers import OptimizerConfig, retune"}
            return [*rate, f"retune(optimizer, OptimizerConfig.parse({self.shown_values(after)!r}))"]
        values = {
            name: value
            for name, value in after.values.items()
            if value != before.values[name] and not (name == "lr" and self.is_scheduled)
        }
        if not values:
            return rate
        words = ", ".join(f"{name}={value!r}" for name, value in values.items())
        lines = [*rate, "for group in optimizer.param_groups:", f"{INDENT}group.update({words})"]
        for name, field, average in _LATE:
            if name == after.name and values.get(field):
                lines += [
                    "for parameter, state in optimizer.state.items():",
                    *indented(
                        "if state:", f'{INDENT}state.setdefault("{average}", torch.zeros_like(parameter))'
                    ),
                ]
        return lines

    def _switch(self, old: TrainingConfig, new: TrainingConfig) -> list[str]:
        made = self.optimizer_code(new.optimizer)
        if new.switch == "reset":
            return [f"optimizer = {made}", *(["age = 0"] if self.ages else [])]
        one, two = (self.shown_values(config.optimizer) for config in (old, new))
        lines = [
            f"old, optimizer = optimizer, {made}",
            f"after = OptimizerConfig.parse({two!r})",
        ]
        names = ["kept"]
        if new.switch == "keep":
            lines.append("optimizer.state.update(kept(old, optimizer, after))")
        else:
            names = ["Moments", "known_moments", "mapped", "wants_squares"]
            size, seed = min(old.batch_size, LARGEST), f"{old.seed} + step" if old.seed else "step"
            lines += [
                f"before = OptimizerConfig.parse({one!r})",
                "known = known_moments(old, before, age)",
                "if wants_squares(after) and any(moments.square is None for moments in known):",
                f"{INDENT}known = measured(network, images, labels, {size}, seed={seed})",
                "optimizer.state.update(mapped(optimizer, after, known))",
            ]
        self.own.add("from optgui.core.optimizers import OptimizerConfig")
        self.own.add(f"from optgui.core.training.switch import {', '.join(names)}")
        return [
            *lines,
            'counts = [int(state["step"]) for state in optimizer.state.values() if "step" in state]',
            "age = max(counts, default=0)",
        ]
