"""The bench that shows an agent at work: one recorded episode after another, with what the network says."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.worker import get_current_worker

from engine.agents.starts import Start
from engine.learners.environment_facts import CARTPOLE
from tui_lab.lesson import Watch as WatchBlock
from tui_lab.marks import progress_bar
from tui_lab.text import agent_title
from tui_lab.widgets.bench import Bench
from tui_lab.widgets.cart import Cart
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words

if TYPE_CHECKING:
    from engine.agents.recording import Recording

STEPS_PER_SECOND = 50
REST_SECONDS = 1.5


class WatchBench(Bench):
    """Plays episodes of the chosen agent in real time, from a new start each time."""

    HELP = (
        "Choose an agent with up and down; r plays its next episode, from another start; space holds the picture. "
        "The bars are what the network computes for each action: Q-values, or the scores of a clone. An environment "
        "without a picture is told in numbers."
    )
    ACTIONS: ClassVar[frozenset[str]] = frozenset({"start", "toggle_pause"})

    DEFAULT_CSS = """
    WatchBench #figures { height: auto; min-height: 4; }
    """

    def __init__(self, block: WatchBlock) -> None:
        super().__init__(block)
        self.watch_block = block
        self._recording: Recording | None = None
        self._agent = ""
        self._time = 0.0
        self._seed = 0
        self._held = False
        self._problem = ""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield RowList()
        yield Cart(self.glyphs)
        yield Words(classes="bench-line", id="figures")

    def on_mount(self) -> None:
        rows = [Content.assemble(f"{agent_title(agent)}") for agent in self.watch_block.agents]
        self.query_one(RowList).show(rows)
        self.set_interval(1 / self.context.pace.frames, self._frame)

    def find_runs(self) -> None:
        """A run has ended: an agent that was missing may be there now."""
        if self._problem:
            self._agent = ""
        self.update_view()

    @property
    def _chosen_agent(self) -> str:
        return self.watch_block.agents[self.query_one(RowList).chosen]

    def update_view(self) -> None:
        """Play the chosen agent if it is not the one being played."""
        if self.in_view and self._chosen_agent != self._agent:
            self._agent = self._chosen_agent
            self._seed = 0
            self._play()

    def start(self) -> None:
        self._seed += 1
        self._agent = self._chosen_agent
        self._play()

    @property
    def busy(self) -> bool:
        return self._recording is not None and self.size.width > 0

    def toggle_pause(self) -> None:
        self._held = not self._held
        self._show_step()

    def _play(self) -> None:
        self._recording = None
        self._held = False
        self._problem = ""
        self.query_one("#figures", Words).show(Content.styled("Playing the episode ahead ...", "$muted"))
        self._record(self._agent, self._seed)

    @work(thread=True, exclusive=True)
    def _record(self, agent: str, seed: int) -> None:
        worker = get_current_worker()
        try:
            recording = self.lab.recording(agent, Start(seed))
        except (ValueError, OSError) as error:
            if not worker.is_cancelled:
                self.app.call_from_thread(self._fail, str(error))
            return
        finally:
            self.lab.store.close()
        if not worker.is_cancelled:
            self.app.call_from_thread(self._begin, recording)

    def _begin(self, recording: Recording) -> None:
        if not self.is_mounted:
            return
        self._recording = recording
        self._time = 0.0
        self.query_one(Cart).display = recording.facts.id == CARTPOLE
        self._show_step()

    def _fail(self, problem: str) -> None:
        if not self.is_mounted:
            return
        self._problem = problem
        self.query_one("#figures", Words).show(Content.styled(problem, "$muted"))

    def _frame(self) -> None:
        recording = self._recording
        if recording is None or self._held or self.size.width == 0 or not self.screen.is_current:
            return
        self._time += 1 / self.context.pace.frames
        self._show_step()
        if self._time > len(recording.actions) / STEPS_PER_SECOND + REST_SECONDS:
            self.start()

    def _show_step(self) -> None:
        recording = self._recording
        if recording is None:
            return
        steps = len(recording.actions)
        step = min(steps, int(self._time * STEPS_PER_SECOND))
        over = step == steps
        if recording.facts.id == CARTPOLE:
            push = 0 if over else (1 if recording.actions[step] else -1)
            self.query_one(Cart).show(recording.states[step], push)
        self.query_one("#figures", Words).show(self._figures(recording, step))

    def _figures(self, recording: Recording, step: int) -> Content:
        steps = len(recording.actions)
        ending = ""
        if step == steps:
            ending = f"  {_ending(recording)}"
        elif self._held:
            ending = "  held: space goes on"
        lines = [
            Content.assemble(("return ", "$muted"), f"{recording.rewards[:step].sum():3.0f}", (ending, "$accent")),
            *_state_lines(recording, step),
        ]
        if recording.values is not None:
            lines += self._values(recording, min(step, steps - 1))
        return Content("\n").join(lines)

    def _values(self, recording: Recording, step: int) -> list[Content]:
        """A bar for each action's value, over the range that the episode spans; the larger one is what it does."""
        assert recording.values is not None
        values = recording.values[step]
        low, high = float(recording.values.min()), float(recording.values.max())
        names = recording.facts.action_names
        wide = max(map(len, names))
        lines = []
        for action, name in enumerate(names):
            chosen = action == recording.actions[step]
            share = (float(values[action]) - low) / ((high - low) or 1)
            style = "$accent" if chosen else "$primary"
            bar = progress_bar(share, 24, self.glyphs, style)
            label = f"{recording.values_are} {name:<{wide}} {values[action]:8.2f} "
            lines.append(Content.assemble(label, bar, (" <" if chosen else "", style)))
        return lines


def _state_lines(recording: Recording, step: int) -> list[Content]:
    """The state in numbers: beside a picture by the columns' names of the course, else each value by its own."""
    state = [float(value) for value in recording.states[step]]
    if recording.facts.id == CARTPOLE:
        s1, s2, s3, s4 = state
        return [Content.styled(f"state  s1 {s1:+.2f}  s2 {s2:+.2f}  s3 {s3:+.3f}  s4 {s4:+.2f}", "$muted")]
    names = recording.facts.state_names
    wide = max(map(len, names))
    return [Content.styled(f"{name:<{wide}} {value:+.3f}", "$muted") for name, value in zip(names, state, strict=True)]


def _ending(recording: Recording) -> str:
    """Why an episode is over."""
    if not recording.terminated:
        return "truncated: time is up"
    ending = recording.facts.ending
    return "terminated" if ending is None else f"terminated: {ending(recording.states[-1])}"
