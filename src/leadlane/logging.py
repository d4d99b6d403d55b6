"""How does Leadlane write its log? One structured line an event, to standard error."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import Processor

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]

# On import, because structlog by itself prints everything to standard output, where results belong.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of the module `name`; an event is a short text and its facts: `log.info("routed",
    leads=12)`.
    """
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logging(level: str, style: Literal["text", "json"]) -> None:
    """Sends everything logged, also by libraries, to standard error.

    `level` is debug, info, warning or error; `style` text for people (coloured on a terminal) or json, one
    object a line.
    """
    renderer: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if style == "json"
        # Tracebacks without the values of variables: those are leads, and do not belong into a log.
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # What it says of itself while it upgrades is of no use to anybody but its developers.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # They write whole addresses down, and headers too: of workflows and providers those are the secret.
    for library in ("httpx2", "httpcore2", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
