/** The numbers of an incident: seen, expected, how odd, how sure, how long. */
import { useTopic } from "../../live/hooks";
import type { IncidentDetail, Now } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { surenessOf } from "../../parts/deviation";
import { type Fact, Facts } from "../../parts/facts";
import { figure, oddness, percent } from "../../parts/figures";
import { span } from "../../parts/times";
import { eventNow } from "../now/event-now";

export function IncidentFacts({ incident }: { incident: IncidentDetail }) {
  const words = useWords();
  const { t, locale } = words;
  const now = useTopic<Now>("now").data;
  const end_us = incident.closed_us ?? (now ? eventNow(now, incident) : incident.updated_us);
  const facts: Fact[] = [
    { name: t("incident.seen"), value: figure(locale, incident.observed) },
    { name: t("incident.expected"), value: figure(locale, incident.expected) },
    { name: t("incident.odd"), value: oddness(words, incident.score) },
    {
      name: t("incident.sure"),
      value: surenessOf(words, incident.confidence),
      note: t("incident.sure.note", { percent: percent(locale, incident.confidence) }),
    },
    {
      name: t(incident.closed_us ? "incident.lasted.past" : "incident.lasted"),
      value: span(words, (end_us - incident.since_us) / 1e6),
    },
    { name: t("incident.found_by"), value: incident.detectors.join(", "), note: incident.block },
  ];
  return <Facts facts={facts} />;
}
