// What ical.js reads in calendars: a JSON array of texts from stdin to one of facts. Its module is the argument.
import { pathToFileURL } from 'node:url'

const { default: ICAL } = await import(pathToFileURL(process.argv[2]))
let input = ''
for await (const piece of process.stdin) input += piece

const found = JSON.parse(input).map((text) => {
  const calendar = new ICAL.Component(ICAL.parse(text))
  const events = calendar.getAllSubcomponents('vevent').map((component) => new ICAL.Event(component))
  if (events.length !== 1) throw new Error(`${events.length} events in a calendar`)
  const [event] = events
  // Instants come of the rules that the file itself has for its zone.
  const zone = new ICAL.Timezone(calendar.getFirstSubcomponent('vtimezone'))
  const instant = (name) => {
    const property = event.component.getFirstProperty(name)
    const named = property.getParameter('tzid')
    if (named !== zone.tzid) throw new Error(`the zone ${named} of ${name} is not ${zone.tzid}`)
    const time = property.getFirstValue()
    time.zone = zone
    return time.toJSDate().toISOString()
  }
  return {
    method: calendar.getFirstPropertyValue('method'),
    uid: event.uid,
    sequence: event.sequence,
    status: event.component.getFirstPropertyValue('status'),
    organizer: event.organizer,
    attendees: event.attendees.map((attendee) => attendee.getFirstValue()),
    starts_at: instant('dtstart'),
    ends_at: instant('dtend'),
  }
})
process.stdout.write(JSON.stringify(found))
