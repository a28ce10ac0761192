"""Pieces of the script that repeats a run: each a function or class that stands by itself."""

from __future__ import annotations

LOAD = '''
def read_idx(path):
    """A file of MNIST's format: two zero bytes, the type, the number of axes, the axes, then the numbers."""
    data = path.read_bytes()
    axes = data[3]
    shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def load(folder="data"):
    """Training images (n, 28, 28), their labels (n,), test images, their labels; fetched if missing."""
    raw = Path(folder) / "@name" / "raw"
    if not (raw / "t10k-labels-idx1-ubyte").exists():
        import torchvision

        torchvision.datasets.@name(folder, download=True)
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return [read_idx(raw / f"{name}-ubyte") for name in names]
'''

BUILT_IN = '''
def load():
    """Training images (n, 28, 28), their labels (n,), test images, their labels: drawn by optgui."""
    from optgui.core.training import load_digits

    digits = load_digits("@name")
    return digits.train_images, digits.train_labels, digits.test_images, digits.test_labels
'''

CHOOSE = '''
def choose(labels, count, seed):
    """The places of `count` images, as many of each class as of any other where there are."""
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels[order] == label)
        turn[members] = np.arange(len(members))
    return np.sort(order[np.argsort(turn, kind="stable")[:count]])
'''

NOISE = '''
def make_wrong(labels, share, seed):
    """The labels, a share of them replaced by one of the other nine classes."""
    random = np.random.default_rng([seed, 2])
    order = random.permutation(len(labels))
    shifts = random.integers(1, 10, len(labels))
    wrong = order[: round(share * len(labels))]
    labels = labels.copy()
    labels[wrong] = (labels[wrong] + shifts[wrong]) % 10
    return labels
'''

NORMALIZE = '''
def normalized(pixels):
    """Pixels 0 to 255 (n, 28, 28) as network inputs (n, 1, 28, 28): mean 0 and deviation 1 over MNIST."""
    return (torch.tensor(pixels).unsqueeze(1).float() / 255 - 0.1307) / 0.3081
'''

SHIFT = '''
def shift(images, pixels):
    """Move a batch by whole pixels; black comes in at the border."""
    down, right = torch.randint(-pixels, pixels + 1, (2,)).tolist()
    padded = transforms.pad(images, [pixels] * 4, fill=BLACK)
    return transforms.crop(padded, pixels - down, pixels - right, 28, 28)
'''

AFFINE = '''
def affine(images, degrees, shift, scale, shear):
    """Turn, move, grow and slant a batch; black comes in at the border."""
    turn, right, down, grow, lean = (2 * torch.rand(5, dtype=torch.float64) - 1).tolist()
    moved = transforms.affine(
        images - BLACK,
        angle=degrees * turn,
        translate=[shift * right, shift * down],
        scale=1 + scale * grow,
        shear=[shear * lean, 0.0],
        interpolation=InterpolationMode.BILINEAR,
    )
    return moved + BLACK
'''

PIXEL_NOISE = '''
def noise(images, deviation):
    """Add normal noise to every pixel; a pixel's standard deviation of black to white is 1."""
    return images + (deviation / 0.3081) * torch.randn(images.shape)
'''

MEASURED = '''
def measured(network, images, labels, size, seed):
    """Mean and mean square of the gradient over some mini-batches: what an optimizer begins with."""
    network.eval()
    generator = torch.Generator().manual_seed(seed)
    parameters = list(network.parameters())
    means, squares = ([torch.zeros_like(parameter) for parameter in parameters] for _ in range(2))
    for _ in range(@probes):
        batch = torch.randint(len(labels), (min(size, len(labels)),), generator=generator)
        loss = F.cross_entropy(network(images[batch]), labels[batch])
        for mean, square, part in zip(means, squares, torch.autograd.grad(loss, parameters)):
            mean.add_(part, alpha=1 / @probes)
            square.addcmul_(part, part, value=1 / @probes)
    network.train()
    return [Moments(mean, square, @probes) for mean, square in zip(means, squares)]
'''

TEST = '''
@torch.no_grad()
def test(network, images, labels):
    """Share of right answers and mean loss on test images; without dropout."""
    network.eval()
    right, total = 0, torch.zeros((), dtype=torch.float64)
    for part, truth in zip(images.split(2000), labels.split(2000)):
        logits = network(part)
        total += F.cross_entropy(logits, truth, reduction="sum")
        right += (logits.argmax(1) == truth).sum().item()
    network.train()
    return right / len(labels), total.item() / len(labels)
'''

SCHEDULE = '''
class Schedule:
    """A factor of the learning rate. A torch scheduler drives a shadow optimizer whose lr is 1, so that what
    it makes of the 1 is the factor, and the learning rate itself can be changed at any time."""

    def __init__(self, make, per_step=False, warmup=0, warmup_start=1.0):
        self.make, self.per_step = make, per_step
        self.warmup, self.warmup_start = warmup, warmup_start
        self.ticks = 0
        self.build()

    def build(self):
        self.shadow = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        self.scheduler = self.make(self.shadow)
        self.shadow.step()  # torch wants the optimizer to step first

    def factor(self, step):
        factor = self.shadow.param_groups[0]["lr"]
        if step < self.warmup:
            factor *= self.warmup_start + (1 - self.warmup_start) * step / self.warmup
        return factor

    def tick(self, *loss):
        self.ticks += 1
        if self.scheduler.last_epoch + 1 < getattr(self.scheduler, "total_steps", math.inf):
            self.scheduler.step(*loss)

    def after_step(self, step):
        if self.per_step and step > self.warmup:
            self.tick()

    def after_epoch(self, step, test_loss):
        if not self.per_step and step > self.warmup:
            self.tick(*([test_loss] if isinstance(self.scheduler, ReduceLROnPlateau) else []))
'''

REPLAY = '''
    def replay(self, step, ends):
        """Come to where the run is, as if this schedule had been there from the start."""
        if self.per_step:
            for _ in range(step - self.warmup):
                self.tick()
        else:
            for end, test_loss in ends:
                self.after_epoch(end, test_loss)
'''

STRETCH = '''
    def stretch(self):
        """Fit one cycle to the new length of the run, and go on at the present step of it."""
        self.build()
        place = min(self.ticks, self.scheduler.total_steps - 1)
        if place > 0:
            self.scheduler.last_epoch = place - 1
            self.scheduler.step()
'''
