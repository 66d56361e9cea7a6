"""What rules made of reports, in the words of `templates/words/mode.txt`, where no page says them."""

from typing import Any

from jinja2 import Environment

from dialograum.languages import Language
from hybrid.overview import RuleView
from hybrid.rules import Rule, Verdict


class ModeWords:
    """Words in one language."""

    def __init__(self, environment: Environment, language: Language) -> None:
        self._said = _module(environment, "mode", language)
        self._failures = _module(environment, "source_failures", language)

    def failure(self, view: RuleView) -> str:
        """Why the source could not be read, empty where it was."""
        return _line(self._failures.why(*view.failure)) if view.failure else ""

    def verdict(self, view: RuleView) -> str:
        """Like "412.3 on Tuesday, 18 October 2022, second report in a row at 400 or more: on."."""
        return _line(self._said.verdict_words(view, self.failure(view)))

    def judgement(self, rule: Rule, verdict: Verdict) -> str:
        """The same for a report that is over."""
        reading = verdict.reading
        said = {
            "value": reading.value,
            "row_on": reading.row_on,
            "report_on": reading.report_on,
            "high": verdict.high,
            "low": verdict.low,
            "is_on": verdict.is_on,
            "is_rising": reading.is_rising,
        }
        return _line(self._said.judgement(rule, said))


def _module(environment: Environment, name: str, language: Language) -> Any:
    return environment.get_template(f"words/{name}.txt").make_module({"language": language})


def _line(said: str) -> str:
    return " ".join(str(said).split())
