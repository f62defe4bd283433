"""Play it yourself: the arrow keys push the cart, the return climbs the score ladder, and a clone learns from it."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize

from engine.agents.names import YOU
from engine.learners.specs import SAMPLES
from engine.runs.run import Run
from engine.runs.theatre import CLONE_NAME
from engine.storage.names import agent_names
from engine.storage.plays import KeptPlay, count_rows, too_few
from engine.storage.records import Status
from tui_lab.ladder import ladder_lines, standing
from tui_lab.marks import progress_bar
from tui_lab.screens.lab_screen import LabScreen
from tui_lab.screens.watch_screen import WatchScreen
from tui_lab.text import count, counted, figure, percent
from tui_lab.widgets.key_line import KeyLine
from tui_lab.widgets.play_ground import LEFT, RIGHT, PlayGround
from tui_lab.widgets.top_bar import TopBar
from tui_lab.widgets.words import Words

if TYPE_CHECKING:
    from engine.agents.playing import Play

LADDER_FROM = 76
"""Columns from which there is room for the ladder beside the cart."""


class PlayScreen(LabScreen[None]):
    """Episodes that come to their end are kept in the home folder, each as a data set."""

    HELP = (
        "The arrow keys left and right push the cart. A terminal does not tell when a key is let go, so a push holds "
        "until you push to the other side. The episode ends as it does for every agent: with the pole more than 12 "
        "degrees off (the dots), the cart past the end of the track (the posts), or after 500 steps. Each step is "
        "worth 1. What you play to its end is kept, as rows of state and action: c trains a clone on all of it, w "
        "shows the clone beside you, from your own start. Before the first push < and > change the speed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,a", f"push({LEFT})", "Left", key_display="←", tooltip="Push left from now on", id="play.left"),
        Binding(
            "right,d", f"push({RIGHT})", "Right", key_display="→", tooltip="Push right from now on", id="play.right"
        ),
        Binding("r", "next_start", "Next", tooltip="Begin another episode, from another start", id="play.next"),
        Binding("space", "pause", "Pause", tooltip="Pause, or go on", id="play.pause"),
        Binding(
            "less_than_sign,minus",
            "speed(-1)",
            "Slower",
            key_display="<",
            tooltip="Play the next episode slower",
            id="play.slower",
            show=False,
        ),
        Binding(
            "greater_than_sign,plus",
            "speed(1)",
            "Faster",
            key_display=">",
            tooltip="Play the next episode faster",
            id="play.faster",
            show=False,
        ),
        Binding("c", "clone", "Clone", tooltip="Train a clone on everything that you played", id="play.clone"),
        Binding("w", "watch", "Watch", tooltip="Watch your clone beside yourself", id="play.watch"),
        Binding("escape", "leave", "Back", tooltip="Back to where you came from", id="play.leave"),
    ]

    DEFAULT_CSS = """
    PlayScreen #field { height: 1fr; }
    PlayScreen #side { width: 34; height: 1fr; border-left: solid $panel; padding: 0 0 0 1; }
    PlayScreen #ladder { height: auto; }
    PlayScreen .heading { margin-top: 0; }
    PlayScreen #rows { height: auto; min-height: 2; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[KeptPlay] = []
        self._seed = 0
        self._run: Run | None = None
        self._starting = False
        self._said: Content | None = None

    def compose(self) -> ComposeResult:
        yield TopBar("play it yourself")
        with Horizontal(id="field"):
            yield PlayGround(self.context.glyphs)
            with Vertical(id="side"):
                yield Words("Mean return of 1,000 starts", classes="heading")
                yield Words(id="ladder")
        yield Words(id="rows")
        yield KeyLine()

    def on_mount(self) -> None:
        self._look_up()
        self._seed = 1 + max((kept.seed for kept in self._kept), default=-1)
        self._make_play(self._seed)

    def on_resize(self, event: Resize) -> None:
        self.query_one("#side").display = event.size.width >= LADDER_FROM

    @property
    def ground(self) -> PlayGround:
        return self.query_one(PlayGround)

    # --- episodes

    @work(thread=True, exclusive=True, group="play")
    def _make_play(self, seed: int) -> None:
        play = self.context.lab.play(seed)
        self.app.call_from_thread(self._begin, play)

    def _begin(self, play: Play) -> None:
        if self.is_mounted and play.seed == self._seed:
            self.ground.begin(play)
            self._show_all()

    def action_next_start(self) -> None:
        """Another start. An episode that is under way is given up, and not kept."""
        self._seed += 1
        self._make_play(self._seed)

    def action_push(self, direction: int) -> None:
        self.ground.push(direction)

    def action_pause(self) -> None:
        self.ground.toggle_pause()

    def action_speed(self, by: int) -> None:
        if self.ground.begun:
            self.notify("The speed can be changed before an episode begins.")
        self.ground.change_speed(by)
        self._show_all()

    def action_leave(self) -> None:
        self.dismiss()

    def on_screen_suspend(self) -> None:
        for ground in self.query(PlayGround):
            ground.pause()

    def on_play_ground_moved(self) -> None:
        self._show_all()

    def on_play_ground_over(self, event: PlayGround.Over) -> None:
        self._keep(event.play, event.speed)

    @work(thread=True, group="keep")
    def _keep(self, play: Play, speed: float) -> None:
        try:
            self.context.lab.keep_play(play, speed)
        except OSError as error:
            tell = partial(self.notify, f"this episode could not be kept: {error}", severity="error")
            self.app.call_from_thread(tell)
            return
        self.app.call_from_thread(self._look_up)

    def _look_up(self) -> None:
        """What was played so far, from the home folder."""
        self._kept = self.context.attempt(self.context.lab.kept_plays, self._kept)
        self._show_all()

    def runs_changed(self) -> None:
        self._look_up()

    # --- the clone

    def action_clone(self) -> None:
        if self._starting or (self._run is not None and self._run.status.live):
            self.notify("Your clone is being trained already.")
            return
        self._say(None)
        reason = too_few(self._kept)
        if reason is not None:
            self._say(Content.styled(reason, "$warning"))
            return
        self._starting = True
        self._train()

    @work(thread=True, exclusive=True, group="clone")
    def _train(self) -> None:
        lab = self.context.lab
        try:
            run: Run | str = lab.train_played_clone()
        except (ValueError, OSError) as error:
            run = str(error)
        finally:
            lab.store.close()
        self.app.call_from_thread(self._training, run)

    def _training(self, run: Run | str) -> None:
        self._starting = False
        if isinstance(run, str):
            self._say(Content.styled(run, "$warning"))
            return
        self._run = run
        self.context.wake()
        self._show_all()

    def beat(self) -> None:
        super().beat()
        self._show_all()

    def action_watch(self) -> None:
        """The newest clone beside the reader, from the start of the reader's newest episode; without one the reader."""
        if not self._kept:
            self._say(Content.styled("Play an episode to its end first; then you can watch it.", "$warning"))
            return
        clones = self.context.attempt(self._clones, list[str]())
        agents = (*clones[:1], YOU, *clones[1:])
        self.app.push_screen(WatchScreen(agents, YOU if clones else None))

    def _clones(self) -> list[str]:
        """The reader's clones, the newest first."""
        matches = [re.fullmatch(rf"{CLONE_NAME}-(\d+)", name) for name in agent_names(self.context.lab.store)]
        numbers = sorted((int(match[1]) for match in matches if match), reverse=True)
        return [f"{CLONE_NAME}-{number}" for number in numbers]

    # --- what is shown

    def _say(self, words: Content | None) -> None:
        self._said = words
        self._show_all()

    def _show_all(self) -> None:
        # Its parts come after it, and go before it.
        if all(self.query(part) for part in ("PlayGround", "#ladder", "#rows")):
            self._show_ladder()
            self._show_rows()

    def _show_ladder(self) -> None:
        """The rungs, the reader's best and mean at this speed, and the return so far."""
        play, speed = self.ground.play, self.ground.speed
        own: dict[str, float] = {}
        steps = [kept.steps for kept in self._kept if kept.speed == round(100 * speed)]
        if steps:
            own |= {f"your best at {speed:g} x": max(steps)}
            own |= {f"your mean of {len(steps)}": sum(steps) / len(steps)}
        if play is not None and play.steps:
            own["you, now"] = play.total_reward
        lines = ladder_lines(own, self.context.glyphs)
        if play is not None and play.over and (words := standing(play.total_reward)):
            lines += [Content(""), Content.styled(f"{words}.", "$muted")]
        self.query_one("#ladder", Words).show(Content("\n").join(lines))

    def _show_rows(self) -> None:
        """How much there is for a clone to learn from, and what has become of the latest one."""
        rows = count_rows(self._kept)
        all_rows = rows.train + rows.test
        about = f"{count(all_rows)} rows kept of {counted(rows.episodes, 'episode')}: c trains a clone on them"
        few = f" (the course's had {count(SAMPLES)})" if rows.train < SAMPLES else ""
        lines = [Content.styled(f"{about}{few}." if all_rows else "Nothing played yet.", "$muted")]
        told = self._said or self._clone_words()
        self.query_one("#rows", Words).show(Content("\n").join([*lines, *([told] if told else [])]))

    def _clone_words(self) -> Content | None:
        run = self._run
        if run is None:
            return None
        if run.status == Status.FAILED:
            return Content.styled(run.error or "The clone's training failed.", "$error")
        if run.status.live:
            bar = progress_bar(run.progress, 20, self.context.glyphs)
            return Content.assemble(f"{run.title} learns ", bar, f" {percent(run.progress)}")
        told = "  ".join(map(figure, run.kind.standing(run.spec, run.log, run.counters)))
        return Content.assemble((f"{run.title}: ", "bold"), f"accuracy {told}. ", ("w shows it beside you.", "$accent"))
