"""What Piccolo asks for: the engine and the five apps."""

from piccolo.conf.apps import AppRegistry

from dialograum.database import DB

APP_REGISTRY = AppRegistry(
    apps=[
        "events.piccolo_app",
        "notifications.piccolo_app",
        "registration.piccolo_app",
        "hybrid.piccolo_app",
        "dialograum.piccolo_app",
    ]
)

__all__ = ["APP_REGISTRY", "DB"]
