// Reads calendars from standard input with ical.js, by the time zones in them, and writes what a program makes of them.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

ICAL.design.strict = true;
const parsed = ICAL.parse(readFileSync(0, "utf8"));
const calendars = (Array.isArray(parsed[0]) ? parsed : [parsed]).map((calendar) => new ICAL.Component(calendar));
const events = calendars.flatMap((calendar) => {
  for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  return calendar.getAllSubcomponents("vevent").map((component) => {
    const event = new ICAL.Event(component, { strictExceptions: true });
    return {
      uid: event.uid,
      sequence: event.sequence,
      summary: event.summary,
      status: component.getFirstPropertyValue("status"),
      start: event.startDate.toJSDate().toISOString(),
      end: event.endDate.toJSDate().toISOString(),
      seconds: event.duration.toSeconds(),
    };
  });
});
process.stdout.write(JSON.stringify({ name: calendars[0].getFirstPropertyValue("x-wr-calname"), events }));
