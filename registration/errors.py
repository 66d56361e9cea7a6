"""Refusals about registrations."""

from events.errors import Conflict, Refusal


class RegistrationUnknown(Refusal):
    status = 404
    code = "not-found"
    title = "There is no such registration"


class ConsentUnknown(Refusal):
    status = 404
    code = "not-found"
    title = "The event does not ask for this consent"


class LinkInvalid(Refusal):
    """A personal link that was cut, forged, made for another purpose or revoked."""

    status = 404
    code = "link-invalid"
    title = "This link does not work"


class RegistrationNotOpen(Refusal):
    code = "registration-not-open"
    title = "Registration is not open yet"


class RegistrationClosed(Refusal):
    code = "registration-closed"
    title = "Registration is closed"


class EventFull(Refusal):
    code = "event-full"
    title = "All seats are taken and there is no waitlist"


class ChangesClosed(Conflict):
    """The registration has ended, or the event is not published or has begun."""

    code = "changes-closed"
    title = "This registration can no longer be changed"


class ProposalOutdated(Conflict):
    """What a proposal was computed from has changed, or another proposal has taken its place."""

    title = "Something has changed since this was computed"


class GroupUnknown(Refusal):
    status = 422
    code = "group-unknown"
    title = "There is no such group in this session"


class AddressKnown(Conflict):
    """The address is registered already, by the registration of the fact `registration`. For organisers alone."""

    title = "This address is registered already"


class NameKnown(Conflict):
    """Somebody of this name is registered already, by the registrations of the fact `registrations`."""

    title = "Somebody of this name is registered already"


class AnnouncementUnknown(Refusal):
    status = 404
    code = "not-found"
    title = "There is no such announcement"
