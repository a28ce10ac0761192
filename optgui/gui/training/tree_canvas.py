"""The picture of a run's tree, painted directly: dots in lanes over an axis of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from optgui.core.training.records import Node
from optgui.gui import theme
from optgui.gui.plot.curve_line import mixed
from optgui.gui.training.tree_marks import PALE, RADIUS, paint_dot, paint_halo, round_number

_REACH = 12.0  # pixels: so near to a dot is a click on it
_CLOSE = 9.0  # pixels: of automatic checkpoints nearer than that one is drawn
_LANE = 20.0  # most pixels between two lanes
_FORK = 10.0  # pixels a branch takes from its parent's lane to its own
_SIDE = 14.0
_ROOM = 1.2  # of the axis, where nobody has said how long the run is, so that it rarely changes


def words_of(node: Node) -> str:
    """A node in a line."""
    words = [node.label, f"step {node.step:,}"]
    if node.test_accuracy is not None:
        words.append(f"{node.test_accuracy:.2%} of the test images")
    return "  ·  ".join(words)


class TreeCanvas(QWidget):
    """Shows nodes and the present place; one node can be chosen by click or arrow keys."""

    chosen = Signal(int)  # id of a node

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.tree.canvas")
        self.setAccessibleName("Checkpoints of this run")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.selected: int | None = None
        self._nodes: dict[int, Node] = {}
        self._branch, self._step, self._here = 0, 0, -1
        self._span, self._end = 0.0, 1.0
        self._places: dict[int, QPointF] = {}
        self._drawn: list[int] = []  # ids of the nodes with a dot, from left to right in each lane
        self._lanes: dict[int, float] = {}
        self._way: set[int] = set()  # ids of the nodes from the start to the present place

    @property
    def node(self) -> Node | None:
        """The chosen node."""
        return None if self.selected is None else self._nodes.get(self.selected)

    @property
    def drawn(self) -> list[int]:
        """Ids of the nodes that have a dot of their own."""
        return list(self._drawn)

    def place(self, node: int) -> QPointF:
        """Where a node is, in pixels."""
        return self._places[node]

    def show_tree(self, nodes: Sequence[Node], branch: int, step: int, here: int) -> None:
        """Show checkpoints and the present place; nothing is painted if nothing has changed."""
        found = {node.id: node for node in nodes}
        if here not in found:
            here = next((n.id for n in reversed(nodes) if n.branch == branch and n.step <= step), -1)
        new, old = (found, branch, step, here), (self._nodes, self._branch, self._step, self._here)
        if new == old:
            return
        self._nodes, self._branch, self._step, self._here = new
        if (found, branch, here) == (old[0], old[1], old[3]) and step <= self._end:
            self.update()
            return
        if self.selected not in found:
            self.selected = None
        self._way = set()
        while here in found and here not in self._way:
            self._way.add(here)
            here = found[here].parent
        self._arrange()
        branches = len(self._lanes)
        self.setAccessibleDescription(
            f"{len(found)} checkpoints on {branches} {'branch' if branches == 1 else 'branches'}; "
            f"now at step {step}"
        )

    def select(self, node: int | None) -> None:
        """Choose a node without a signal."""
        self.selected = node if node in self._nodes else None
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(400, 76)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 60)

    # Where everything is

    def set_span(self, steps: float) -> None:
        """Say how many steps the whole run has."""
        if steps != self._span:
            self._span = steps
            self._arrange()

    def _arrange(self) -> None:
        last = max(self._step, *(node.step for node in self._nodes.values()), 1, 1)
        self._end = self._span if self._span >= last else _ROOM * last
        font = QFontMetricsF(self._small())
        top, bottom = 10.0, self.height() - font.height() - 6
        branches = sorted({node.branch for node in self._nodes.values()} | {self._branch})
        gap = min(_LANE, (bottom - top - 6) / max(1, len(branches) - 1))
        first = max(top, top + (bottom - top - 6 - gap * (len(branches) - 1)) / 2)
        self._lanes = {branch: first + gap * lane for lane, branch in enumerate(branches)}
        self._places = {
            node.id: QPointF(self._x(node.step), self._lanes[node.branch]) for node in self._nodes.values()
        }
        self._drawn = self._thinned()
        self.update()

    def _x(self, step: float) -> float:
        return _SIDE + (self.width() - 2 * _SIDE) * step / self._end

    def _thinned(self) -> list[int]:
        """Marks, the start and the chosen node always; of the others as many as can be told apart."""
        always = [n for n in self._nodes.values() if n.kind in ("start", "mark") or n.id == self.selected]
        taken: dict[int, list[float]] = {}
        for node in always:
            taken.setdefault(node.branch, []).append(self._places[node.id].x())
        drawn = {node.id for node in always}
        right: dict[int, float] = {}
        for node in self._nodes.values():
            if node.id in drawn:
                continue
            x = self._places[node.id].x()
            free = x - right.get(node.branch, -math.inf) >= _CLOSE
            if free and all(abs(x - other) >= _CLOSE for other in taken.get(node.branch, ())):
                right[node.branch] = x
                drawn.add(node.id)
        return [number for number in self._nodes if number in drawn]

    # Painting

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(6.0, font.pointSizeF() * theme.CAPTION))
        return font

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme.colours(self)
        painter.fillRect(self.rect(), QColor(tokens.plot))
        if not self._nodes:
            painter.setPen(QColor(tokens.muted))
            words = "Press Start: a checkpoint of each epoch and each edit appears here, to go back to"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axis(painter, tokens)
        runs: dict[tuple[int, bool], list[float]] = {}  # where each lane's line goes, pale or not
        for node in self._nodes.values():
            parent, end, on_way = self._nodes.get(node.parent), self._places[node.id], node.id in self._way
            if parent is not None and parent.branch != node.branch:
                self._paint_way(painter, parent, end, node.branch, on_way=on_way)
            elif parent is not None:
                runs.setdefault((node.branch, on_way), []).extend((self._places[parent.id].x(), end.x()))
        for (branch, on_way), xs in runs.items():
            painter.setPen(QPen(self._colour(branch, on_way=on_way), 2))
            y = self._lanes[branch]
            painter.drawLine(QPointF(min(xs), y), QPointF(max(xs), y))
        now = QPointF(self._x(self._step), self._lanes[self._branch])
        if self._here in self._nodes:
            self._paint_way(painter, self._nodes[self._here], now, self._branch, on_way=True)
        for number in self._drawn:
            self._paint_dot(painter, tokens, self._nodes[number])
        painter.setPen(QPen(QColor(tokens.text), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(now, RADIUS + 2.5, RADIUS + 2.5)

    def _paint_axis(self, painter: QPainter, tokens: theme.Colours) -> None:
        font = self._small()
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        bottom = self.height() - metrics.height() - 5
        label = "step"
        room = self.width() - 2 * _SIDE - metrics.horizontalAdvance(label) - 8
        every = round_number(self._end / max(1, int(room / (metrics.horizontalAdvance("0,000,000") + 16))))
        step = 0
        while step <= self._end:
            x = self._x(step)
            painter.setPen(QPen(QColor(tokens.rule), 1))
            painter.drawLine(QPointF(x, 4), QPointF(x, bottom))
            words = f"{step:,}"
            width = metrics.horizontalAdvance(words)
            if x + width / 2 < self.width() - metrics.horizontalAdvance(label) - 16:
                painter.setPen(QColor(tokens.muted))
                left = max(2.0, x - width / 2)
                painter.drawText(QPointF(left, self.height() - 3 - metrics.descent()), words)
            step += every
        painter.setPen(QColor(tokens.muted))
        at = QPointF(
            self.width() - metrics.horizontalAdvance(label) - 8, self.height() - 3 - metrics.descent()
        )
        painter.drawText(at, label)

    def _colour(self, branch: int, *, on_way: bool) -> QColor:
        """The colour of a branch, pale where the run has left it."""
        colour = theme.racer_colour(branch, self)
        if not on_way:
            colour.setAlphaF(PALE)
        return colour

    def _paint_way(self, painter: QPainter, parent: Node, end: QPointF, branch: int, *, on_way: bool) -> None:
        """The line to a place on `branch` from its parent, which may be on another lane."""
        start = self._places[parent.id]
        painter.setPen(QPen(self._colour(branch, on_way=on_way), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if parent.branch == branch:
            painter.drawLine(start, end)
            return
        turn = min(_FORK, max(0.0, end.x() - start.x()))
        path = QPainterPath(start)
        middle = start.x() + turn / 2
        path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), QPointF(start.x() + turn, end.y()))
        path.lineTo(end)
        painter.drawPath(path)

    def _paint_dot(self, painter: QPainter, tokens: theme.Colours, node: Node) -> None:
        at, colour = self._places[node.id], theme.racer_colour(node.branch, self)
        if node.id == self.selected:
            paint_halo(painter, QColor(tokens.accent), at)
        if node.id not in self._way:
            colour = mixed(colour, QColor(tokens.plot), PALE)
        painter.setPen(QPen(QColor(tokens.plot), 1))
        painter.setBrush(colour)
        paint_dot(painter, node.kind, at)

    # Mouse and keys

    def node_at(self, position: QPointF) -> Node | None:
        """The drawn node nearest to a position, None if none is near."""
        best, distance = None, _REACH
        for number in self._drawn:
            away = position - self._places[number]
            if (length := math.hypot(away.x(), away.y())) < distance:
                best, distance = self._nodes[number], length
        return best

    def mousePressEvent(self, event: QMouseEvent) -> None:
        node = self.node_at(event.position())
        if node is not None and event.button() is Qt.MouseButton.LeftButton:
            self._choose(node)

    def _choose(self, node: Node) -> None:
        self.select(node.id)
        self.chosen.emit(node.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right along the way, up and down to the nearest node of the next lane; Home and End."""
        found = self._neighbour(Qt.Key(event.key()))
        if found is None:
            super().keyPressEvent(event)
        else:
            self._choose(found)

    def _neighbour(self, key: Qt.Key) -> Node | None:
        here = self.node or self._nodes.get(self._here)
        nodes = list(self._nodes.values())
        keys = Qt.Key
        if key not in (
            keys.Key_Left,
            keys.Key_Right,
            keys.Key_Up,
            keys.Key_Down,
            keys.Key_Home,
            keys.Key_End,
        ):
            return None
        if here is None or key in (keys.Key_Home, keys.Key_End):
            return (nodes[0] if key == keys.Key_Home else nodes[-1]) if nodes else None
        if key == keys.Key_Left:
            return self._nodes.get(here.parent, here)
        if key == keys.Key_Right:
            children = [node for node in nodes if node.parent == here.id]
            return min(children, key=lambda node: node.branch != here.branch, default=here)
        lanes = list(self._lanes)
        lane = lanes.index(here.branch) + (1 if key == keys.Key_Down else -1)
        if not 0 <= lane < len(lanes):
            return here
        beside = [node for node in nodes if node.branch == lanes[lane]]
        return min(beside, key=lambda node: abs(node.step - here.step), default=here)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            node = self.node_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), words_of(node) if node else "", self)
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event):
            self.update()
