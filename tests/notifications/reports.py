"""Delivery reports as mail servers write them, with invented names."""

from uuid import UUID

OURS = UUID("3f1c5d52-7a0e-4f0e-9d56-2f6a4b1c0d9e")
MESSAGE_ID = f"<{OURS}@dialog.example.org>"

FAILED = """\
Reporting-MTA: dns; mail.example.org
X-Postfix-Queue-ID: 4Xq1
Arrival-Date: Thu, 20 Oct 2022 10:15:00 +0200 (CEST)

Final-Recipient: rfc822; kim.muster@example.org
Original-Recipient: rfc822;kim.muster@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 <kim.muster@example.org>: Recipient address
    rejected: User unknown, kim.muster
"""

HEAD = f"From: Stadt <dialog@example.org>\nTo: kim.muster@example.org\nMessage-ID: {MESSAGE_ID}\nSubject: Dialog\n"


def report(
    action: str = "failed",
    status: str = "5.1.1",
    fields: str = FAILED,
    head: str = "",
    returned: str | None = HEAD,
    status_type: str = "message/delivery-status",
    returned_type: str = "text/rfc822-headers",
    kind: str = "delivery-status",
) -> bytes:
    """As Postfix writes it, unless it is told otherwise."""
    parts = [
        "Content-Type: text/plain; charset=us-ascii\n\nI'm sorry to have to inform you ...\n",
        f"Content-Type: {status_type}\n\n{fields.format(action=action, status=status)}",
    ]
    if returned is not None:
        parts.append(f"Content-Type: {returned_type}\n\n{returned}\n")
    body = "".join(f"--b1\n{part}\n" for part in parts)
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mail.example.org (Mail Delivery System)\nTo: dialog@example.org\n"
        f"Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n{head}"
        f'Content-Type: multipart/report; report-type={kind};\n boundary="b1"\n\nThis is MIME.\n\n{body}--b1--\n'
    ).encode()


def plain(head: str, body: str = "Guten Tag") -> bytes:
    return f"From: kim@example.org\nTo: dialog@example.org\nSubject: Re: Dialog\n{head}\n{body}\n".encode()
