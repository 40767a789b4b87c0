"""Every set of labels the traffic can carry, with its weight, and the record around it rendered in advance."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from simulator.accounts import BY_NAME, CLIENT_KEYS, Account
from simulator.clients import CLIENTS, SOCKET, Client, Habit
from simulator.gotime import go_json
from simulator.offers import ALIASES, MODELS, Model

CLAUDE, OPENAI, GEMINI = "claude", "openai", "gemini"  # how tokens are counted
_STYLES = {"claude": CLAUDE, "gemini": GEMINI, "vertex": GEMINI, "antigravity": GEMINI, "gemini-interactions": GEMINI}
_ANSWERS_TIER = {"codex", "xai"}

_BEGINNING = '{"timestamp":"%s","latency_ms":%d,"ttft_ms":%d,%s,%s,'
_COUNTS = (
    '"tokens":{"input_tokens":%d,"output_tokens":%d,"reasoning_tokens":%d,"cached_tokens":%d,"cache_read_tokens":%d,'
    '"cache_read_tokens_present":true,"cache_creation_tokens":%d,"total_tokens":%d},'
)
_BREAKDOWN = (
    '"accounting_version":2,"token_breakdown":{"schema_version":2,"quality":"%s","total_tokens":%d,'
    '"input":{"total_tokens":%d,"uncached_tokens":%d,"cache_read_tokens":%d,"cache_write_tokens":%d},'
    '"output":{"total_tokens":%d,"non_reasoning_tokens":%d,"reasoning_tokens":%d},"unclassified_tokens":%d},'
)
_SUCCEEDED = '"failed":false,"generate":true,"fail":{"status_code":200,"body":""},"response_headers":{%s},'
_FAILED = '"failed":true,"generate":true,"fail":{"status_code":%d,"body":%s},%s'
_OF_SUCCESS = _BEGINNING + _COUNTS + _SUCCEEDED + _BREAKDOWN
_OF_FAILURE = _BEGINNING + _COUNTS % ((0,) * 7) + _FAILED + _BREAKDOWN % ("complete", *(0,) * 9)


@dataclass(eq=False)
class Label:
    """One label set of successful records; the failed ones differ in `failed` alone.

    `template` takes what varies in a successful record, `failed_template` in a failed one (see simulator.writer).
    `pools` are what its sizes and paces are drawn from, given by the stream. `siblings` are the same request at
    other accounts: where CPA tries again. `image` is the record of the hosted image tool, where it is used.
    """

    client: Client
    habit: Habit
    model: Model
    account: Account
    effort: str
    weight: float
    peers: list[str]
    tiers: list[str]
    template: str
    failed_template: str
    pools: tuple[list, list] = ((), ())
    siblings: list["Label"] = field(default_factory=list)
    image: "Label | None" = None

    @cached_property
    def style(self) -> str:
        return _STYLES.get(self.account.provider, OPENAI)

    @cached_property
    def may_miscount(self) -> bool:
        """Small vendors now and then send usage that does not add up."""
        return bool(self.account.vendor)

    @cached_property
    def turns(self) -> bool:
        return self.habit.endpoint == SOCKET

    @property
    def writes_cache(self) -> bool:
        """Only Anthropic's own upstreams and their resellers report cache writes."""
        return self.style == CLAUDE or self.account.vendor == "Claude-Reseller"

    @property
    def thinks(self) -> bool:
        return bool(self.effort) if self.style == CLAUDE else self.model.shape in ("thinker", "agent")


def labels() -> list[Label]:
    """All of them; popularity falls as 1/rank with the client and with the client's habit."""
    made = []
    for rank, client in enumerate(CLIENTS, 1):
        for order, habit in enumerate(client.habits, 1):
            made += _of_habit(client, habit, 1 / (rank * order))
    return made


def _of_habit(client: Client, habit: Habit, weight: float) -> list[Label]:
    model = MODELS[upstream_name(habit.asks)]
    efforts = sum(habit.efforts.values())
    made: dict[str, list[Label]] = {}
    for (place, account), (effort, share) in product(enumerate(model.accounts, 1), habit.efforts.items()):
        label = _label(client, habit, model, BY_NAME[account], effort, weight=weight * share / efforts / place)
        made.setdefault(effort, []).append(label)
    for group in made.values():
        for label in group:
            label.siblings = [other for other in group if other is not label]
    return [label for group in made.values() for label in group]


def _label(client: Client, habit: Habit, model: Model, account: Account, effort: str, *, weight: float) -> Label:
    ending = _ending(client, habit, model, account, effort)
    label = Label(
        client,
        habit,
        model,
        account,
        effort,
        weight,
        peers=[_peer(*peer) for peer in client.peers],
        tiers=_tiers(habit, account),
        template=_OF_SUCCESS + ending,
        failed_template=_OF_FAILURE + ending,
    )
    if habit.draws and account.name == "codex-pro":
        label.image = _label(client, Habit(habit.asks, habit.endpoint), MODELS["gpt-image-2"], account, "", weight=0)
    return label


def upstream_name(asked: str) -> str:
    """The upstream's model behind a name a client uses, bracket suffix or not."""
    plain = asked.partition("(")[0]
    return ALIASES.get(plain, plain)


def _ending(client: Client, habit: Habit, model: Model, account: Account, effort: str) -> str:
    fixed = {
        "provider": account.provider,
        "executor_type": account.executor,
        "model": model.name,
        "alias": habit.asks,
        "endpoint": habit.endpoint,
        "auth_type": "oauth" if account.oauth else "apikey",
        "api_key": CLIENT_KEYS[client.name],
    }
    texts = ",".join(f'"{name}":{go_json(text)}' for name, text in fixed.items()).replace("%", "%%")
    return f'{texts},"request_id":"%s","reasoning_effort":"{effort}",%s}}'


def _peer(address: str, forwarded: str, agent: str) -> str:
    return f'"client_ip":"{address}","x_forwarded_for":{go_json(forwarded)},"user_agent":{go_json(agent)}'


def _tiers(habit: Habit, account: Account) -> list[str]:
    """Ready ends of a record, each as often as its weight says."""
    made = []
    for word, weight in habit.tiers.items():
        asked = f'"service_tier":"{word}"'
        if account.provider in _ANSWERS_TIER:
            asked += f',"response_service_tier":"{"default" if word == "auto" else word}"'
        made += [asked] * weight
    return made
