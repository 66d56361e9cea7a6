"""What went wrong with a mail, in one line for organisers."""

import re

LENGTH = 200


def reason(said: str, *addresses: str) -> str:
    """What a server said, in one line of at most 200 ASCII characters, without the addresses that they like to repeat.

    Of these `addresses` the part before the @ alone is left out too.
    """
    for address in addresses:
        if local_part := address.rpartition("@")[0]:
            said = re.sub(rf"(?<!\w){re.escape(local_part)}(?!\w)", "…", said, flags=re.IGNORECASE)
    said = re.sub(r"\S*@\S*", "…", said)
    return " ".join(re.sub(r"[^\x20-\x7e…]", " ", said).split())[:LENGTH]
