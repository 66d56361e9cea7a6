"""Logs as JSON lines on stderr, without addresses and tokens."""

import logging
import re
import sys
from typing import Any

import structlog

_SECRETS = (
    (re.compile(r"[^\s\"'<>(),;:/?&=\[\]]+(?:@|%40)[^\s\"'<>(),;:/?&=\[\]]+"), "[address]"),
    (re.compile(r"(/(?:r|join|c|sign-in)/)[^\s\"'/?#\\]+"), r"\1[token]"),
    (re.compile(r"(?i)(bearer\s+|[?&](?:token|jwt)=)[^\s\"'\\&#]+"), r"\1[token]"),
)


def redact(text: str) -> str:
    """The text without e-mail addresses, the tokens in our links, and bearer tokens."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _redacted_line(logger: Any, method: str, event: Any) -> str:
    return redact(structlog.processors.JSONRenderer(ensure_ascii=False)(logger, method, event))  # type: ignore[arg-type]


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]

GRANIAN = {"loggers": {"_granian": {"handlers": [], "propagate": True}}}
"""Granian's logging configuration: its lines join ours."""


def configure(level: int = logging.INFO) -> None:
    """Sends every log of this process through one handler; those of structlog and of the standard library alike."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redacted_line],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("httpx", "httpcore"):  # they tell each request with its whole address
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
