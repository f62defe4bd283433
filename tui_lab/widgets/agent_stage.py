"""Agents to choose from, and the episodes that they play: from one start after another, or the worst and the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.worker import get_current_worker

from engine.storage.records import Status
from tui_lab.context import context
from tui_lab.marks import progress_bar
from tui_lab.performance import NotEvaluatedError, Performance, Request, Which, perform
from tui_lab.text import agent_title, count, percent
from tui_lab.widgets.player import JUMP, Player
from tui_lab.widgets.rows import RowList
from tui_lab.widgets.words import Words

if TYPE_CHECKING:
    from engine.runs.tasks import EvaluationJob

STARTS, EVALUATION_SEED = 1_000, 12345
"""The evaluation that is run where none is kept: the course's size, the lessons' seed."""


def _hidden(keys: str, action: str, about: str, tooltip: str, name: str, shown: str | None = None) -> Binding:
    """A key that the help names, and the footer has no room for."""
    return Binding(keys, action, about, tooltip=tooltip, id=name, key_display=shown, show=False)


_PLACES = (
    _hidden("left", f"jump({-JUMP})", "Ten back", "Ten steps back", "stage.jump_back"),
    _hidden("right", f"jump({JUMP})", "Ten on", "Ten steps on", "stage.jump_on"),
    _hidden("home", "first", "First step", "Go to the first step", "stage.first"),
    _hidden("end", "last", "Last step", "Go to the last step", "stage.last"),
)


class AgentRows(RowList):
    """Agents, one a row. Left, right, home and end are the player's, so they are handed on."""

    BINDINGS: ClassVar[list[BindingType]] = [*_PLACES]

    DEFAULT_CSS = "AgentRows { max-height: 25%; }"

    def action_jump(self, by: int) -> None:
        raise SkipAction

    def action_first(self) -> None:
        raise SkipAction

    def action_last(self) -> None:
        raise SkipAction


class AgentStage(Vertical):
    """The chosen agent plays; another one may be kept beside it, and then both play from the same start."""

    HELP = (
        "Choose an agent with up and down; r plays its next episode, from another start; space holds the picture, or "
        "plays an episode that is over once more. "
        "w plays the worst of the 1,000 starts of its kept evaluation, e the best; where none is kept, the same key "
        "once more runs one. v keeps the chosen agent beside the others: both then play from the same start; v on it "
        "again sends it away. < and > change the speed, comma and full stop go one step, left and right ten, "
        "home and end to the first and the last. "
        "The bars are what the network computes for each action: Q-values, or the scores of a clone. The dots beside "
        "the pole mark the lean at which an episode ends, the posts the ends of the track. An environment "
        "without a picture is told in numbers."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "extreme('worst')", "Worst", tooltip="Play the worst start of the evaluation", id="stage.worst"),
        Binding("e", "extreme('best')", "Best", tooltip="Play the best start of the evaluation", id="stage.best"),
        Binding("v", "beside", "Beside", tooltip="Keep this agent beside the others, or no longer", id="stage.beside"),
        _hidden("less_than_sign,minus", "speed(-1)", "Slower", "Play slower", "stage.slower", "<"),
        _hidden("greater_than_sign,plus", "speed(1)", "Faster", "Play faster", "stage.faster", ">"),
        _hidden("comma", "step(-1)", "Back", "One step back, and hold", "stage.back", ","),
        _hidden("full_stop", "step(1)", "Step", "One step on, and hold", "stage.step", "."),
        *_PLACES,
    ]

    DEFAULT_CSS = """
    AgentStage { height: 1fr; }
    AgentStage #about { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(
        self, agents: Sequence[str], beside: str | None = None, titles: Mapping[str, str] | None = None
    ) -> None:
        """
        Args:
            agents: names of agents; the first one plays at once.
            beside: one of them that plays along.
            titles: what the reader calls them, where that is not how the lab does.
        """
        super().__init__()
        self.agents = tuple(agents)
        self._titles = dict(titles or {})
        self._beside = beside
        self._wanted: Request | None = None
        self._failed = False
        self._offered: Request | None = None
        self._job: EvaluationJob | None = None

    def compose(self) -> ComposeResult:
        yield AgentRows()
        yield Words(id="about")
        yield Player(context(self).glyphs)

    def on_mount(self) -> None:
        self._show_rows()

    @property
    def player(self) -> Player:
        return self.query_one(Player)

    @property
    def chosen(self) -> str:
        return self.agents[self.query_one(AgentRows).chosen]

    def set_agents(self, agents: Sequence[str], titles: Mapping[str, str]) -> None:
        """Offer other agents; the chosen one stays chosen where it is still among them."""
        self._titles = dict(titles)
        if tuple(agents) == self.agents or not self.query(AgentRows):
            return
        chosen = self.chosen if self.agents else None
        self.agents = tuple(agents)
        self._show_rows()
        rows = self.query_one(AgentRows)
        rows.highlighted = self.agents.index(chosen) if chosen in self.agents else 0

    def _title(self, agent: str) -> str:
        return self._titles.get(agent) or agent_title(agent)

    def _show_rows(self) -> None:
        rows = []
        for agent in self.agents:
            mark = ("  beside", "$accent") if agent == self._beside else ""
            rows.append(Content.assemble(self._title(agent), mark))
        self.query_one(AgentRows).show(rows)

    # --- what is played

    def on_option_list_option_highlighted(self) -> None:
        self.update_view()

    def update_view(self) -> None:
        """Play the chosen agent if it is not the one being played; follow an evaluation."""
        if not self.size.width or not self.agents or not self.query(AgentRows):
            return
        self._follow_job()
        if self._wanted is None or self._wanted.agents != self._cast:
            self._ask(Request(self._cast))

    def look_again(self) -> None:
        """A run has ended, or the screen is seen again: an agent that was missing may be there now."""
        if self._failed:
            self._wanted = None
        for player in self.query(Player):
            player.look()
        self.update_view()

    def next_start(self) -> None:
        """Play the next start."""
        turn = 0 if self._wanted is None or self._wanted.which else self._wanted.turn + 1
        self._ask(Request(self._cast, turn if self._wanted and self._wanted.agents == self._cast else 0))

    @property
    def _cast(self) -> tuple[str, ...]:
        """The chosen agent, and the one beside it."""
        if self._beside is None or self._beside == self.chosen:
            return (self.chosen,)
        return self.chosen, self._beside

    def _ask(self, request: Request) -> None:
        self._wanted = request
        self._failed = self.player.held = False
        self._say_about("")
        self.player.say("Playing the episode ahead ...")
        self._perform(request)

    @work(thread=True, exclusive=True, group="perform")
    def _perform(self, request: Request) -> None:
        worker = get_current_worker()
        lab = context(self).lab
        try:
            found: Performance | Exception = perform(lab, request)
        except (ValueError, OSError) as error:
            found = error
        finally:
            lab.store.close()
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show, request, found)

    def _show(self, request: Request, found: Performance | Exception) -> None:
        if not self.is_mounted or request != self._wanted:
            return
        if isinstance(found, NotEvaluatedError):
            self._offer(request)
        elif isinstance(found, Exception):
            self._failed = True
            self.player.say(str(found))
        else:
            self._say_about(found.about)
            self.player.play(found.acts, [self._title(agent) for agent in request.agents], held=self.player.held)

    def _say_about(self, words: str | Content) -> None:
        self.query_one("#about", Words).show(words if isinstance(words, Content) else Content.styled(words, "$muted"))

    # --- the worst and the best

    def action_extreme(self, which: Which) -> None:
        request = Request(self._cast, which=which)
        if request != self._offered:
            self._ask(request)
        elif self._job is None:
            self._evaluate(request)
        else:
            self._wanted = request

    def _offer(self, request: Request) -> None:
        key = "w" if request.which == "worst" else "e"
        name = self._title(request.agents[0])
        self._offered = request
        self.player.say(
            f"No evaluation of {name} is kept yet, which would tell its {request.which} start. "
            f"Press {key} again to let it play {count(STARTS)} starts; that takes a second or two."
        )

    def _evaluate(self, request: Request) -> None:
        self._wanted = request
        self._job = context(self).lab.evaluation(request.agents[0], STARTS, EVALUATION_SEED)
        self._job.start()
        context(self).wake()
        self.update_view()

    def _follow_job(self) -> None:
        """Show how far the evaluation is, and play what was asked for once it is kept."""
        job, request = self._job, self._offered
        if job is None or request is None:
            return
        if job.status.live:
            bar = progress_bar(job.progress, 20, context(self).glyphs)
            self._say_about(
                Content.assemble(f"evaluating {agent_title(request.agents[0])} ", bar, percent(job.progress))
            )
            return
        self._job, self._offered = None, None
        if self._wanted != request:
            return
        if job.status == Status.FINISHED:
            self._ask(request)
        else:
            self._failed = True
            self._say_about("")
            self.player.say(job.error or "The evaluation was stopped.")

    def on_unmount(self) -> None:
        """An evaluation takes a second and is not worth keeping half done."""
        if self._job is not None:
            self._job.stop()

    # --- keys

    def toggle_hold(self) -> None:
        self.player.toggle_hold()

    def action_beside(self) -> None:
        self._beside = None if self._beside == self.chosen else self.chosen
        self._show_rows()
        if self._beside is not None and len(self.agents) > 1:
            self._say_about(f"{self._title(self._beside)} stays beside: choose another one.")
        self.update_view()

    def action_speed(self, by: int) -> None:
        self.player.change_speed(by)

    def action_step(self, by: int) -> None:
        self.player.go_by(by, hold=True)

    def action_jump(self, by: int) -> None:
        self.player.go_by(by)

    def action_first(self) -> None:
        self.player.go_to(0)

    def action_last(self) -> None:
        self.player.go_to(self.player.steps)
