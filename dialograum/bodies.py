"""Bodies of the JSON API, looked at before a handler is called: all that cannot be used is named at once."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import SerializationException

from dialograum.errors import BodyInvalid
from dialograum.shape import misfits
from events.forms import Flaw


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Before a request is handled, after its guards. Raises BodyInvalid.

    Litestar alone would stop at the first value, and take "3" for 3.
    """
    wanted = request.route_handler.parsed_data_field
    if wanted is None:
        return
    if not await request.body():
        if wanted.is_optional:
            return
        raise BodyInvalid([Flaw("", "The body is empty. It must be JSON.")])
    try:
        body = await request.json()
    except UnicodeDecodeError:
        raise BodyInvalid([Flaw("", "The body is not JSON: it is not UTF-8 text.")]) from None
    except SerializationException as error:
        raise BodyInvalid([Flaw("", f"The body is not JSON: {error}.")]) from None
    try:
        msgspec.convert(body, wanted.annotation)
    except msgspec.ValidationError:
        raise BodyInvalid(list(misfits(body, wanted.annotation))) from None
