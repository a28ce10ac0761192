"""A network on the made-up digits, which answers the questions of a page."""

from optgui.core.training.answers import Standing, answer
from optgui.core.training.measures.slices import finish
from tests.samples import prepared, training


class Network:
    """A run that answers a page's questions at once; `asked` lists them."""

    def __init__(self, steps=5, **config):
        settings = {"model": {"name": "MLP", "hidden": [12]}, "optimizer": {"name": "SGD", "lr": 0.01}}
        self.engine = prepared(training(**{**settings, **config}))
        self.asked = []
        self.page = None
        self.train(steps)

    def train(self, steps):
        for _ in range(steps):
            self.engine.step()

    @property
    def standing(self):
        engine = self.engine
        return Standing(engine._loop, engine._data, engine.config, engine.lr, engine._step)

    def ask(self, request):
        reply = answer(request, self.standing)
        return finish(reply) if hasattr(reply, "send") else reply

    def serve(self, page):
        """Answer whatever the page wants from now on."""
        self.page = page
        page.wanted.connect(lambda request: self._on_wanted(request))  # a method would not keep the network

    def _on_wanted(self, request):
        self.asked.append(request)
        self.page.show_answer(self.ask(request))
