/** How much flowed in the last hour, window by window, with the incidents marked. */
import { useMemo } from "react";
import type { Now, Stream } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Chart } from "../../parts/chart/chart";
import type { Drawing } from "../../parts/chart/drawing";
import { Tabs } from "../../parts/tabs";
import { eventNow } from "./event-now";

type Props = { name: string; names: string[]; stream: Stream; now: Now };

export function FlowSection({ name, names, stream, now }: Props) {
  const { t } = useWords();
  const { pulse } = stream;
  const drawing = useMemo((): Drawing => {
    const open = Object.values(now.incidents).map((each) => ({ from_us: each.since_us, to_us: eventNow(now, each) }));
    const over = now.recent.map((each) => ({ from_us: each.since_us, to_us: each.closed_us ?? each.updated_us }));
    const first_us = pulse.start_us[0] ?? 0;
    return {
      title: t("now.flow"),
      at_us: pulse.start_us,
      // A window that not every split reported may be too low: a gap is more honest than a dip.
      lines: [
        { label: t("chart.rows"), look: "area", values: pulse.rows.map((rows, at) => (pulse.full[at] ? rows : null)) },
      ],
      spans: [...open, ...over].filter((each) => each.to_us > first_us),
    };
  }, [pulse, now.incidents, now.recent, t]);
  return (
    <section className="section" aria-label={t("now.stream", { name })}>
      {names.length > 1 && <Tabs label={t("pipeline.stream")} query="stream" options={names} chosen={name} />}
      <Chart drawing={drawing} height={190} testId="flow" />
    </section>
  );
}
