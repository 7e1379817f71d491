/** What one key of the incident did, in front of the band in which it was expected. */
import { useMemo } from "react";
import type { IncidentDetail } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Chart } from "../../parts/chart/chart";
import type { Drawing } from "../../parts/chart/drawing";
import { keyIds, keyName, keyText } from "../../parts/naming";
import { useQuery } from "../../shell/route";

export function TrackChart({ incident, updates }: { incident: IncidentDetail; updates: number }) {
  const words = useWords();
  const { t } = words;
  const [chosen, choose] = useQuery("key");
  const track = incident.tracks.find((each) => keyText(each.key) === chosen) ?? incident.tracks[0];
  const drawing = useMemo((): Drawing | null => {
    if (!track) return null;
    return {
      title: `${t("incident.chart")}: ${keyName(words, track.key)}`,
      at_us: track.at_us,
      lines: [
        { label: t("chart.observed"), look: "line", values: track.observed },
        { label: t("chart.expected"), look: "dashed", values: track.expected },
      ],
      band: { label: t("chart.band"), lower: track.lower, upper: track.upper },
      spans: [{ from_us: incident.since_us, to_us: incident.closed_us ?? track.at_us.at(-1) ?? incident.updated_us }],
    };
  }, [track, incident.since_us, incident.closed_us, incident.updated_us, words]);
  if (!drawing || !track) return null;
  return (
    <section className="section" aria-label={t("incident.chart")}>
      {incident.tracks.length > 1 && (
        <label className="field incident__who">
          {t("incident.chart.who")}
          <select value={keyText(track.key)} onChange={(event) => choose(event.target.value)} data-testid="track-key">
            {incident.tracks.map((each) => (
              <option key={keyText(each.key)} value={keyText(each.key)}>
                {[keyName(words, each.key), keyIds(each.key)].filter(Boolean).join(" · ")}
              </option>
            ))}
          </select>
        </label>
      )}
      <Chart drawing={drawing} height={300} updates={updates} testId="track" />
    </section>
  );
}
