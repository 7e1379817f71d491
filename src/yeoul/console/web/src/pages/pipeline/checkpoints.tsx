/** How long the last checkpoints took. */
import { useMemo } from "react";
import type { Pipeline } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Chart } from "../../parts/chart/chart";
import type { Drawing } from "../../parts/chart/drawing";
import { figure, size } from "../../parts/figures";
import { useTick } from "../../parts/tick";
import { ago } from "../../parts/times";

export function Checkpoints({ pipeline }: { pipeline: Pipeline }) {
  const words = useWords();
  const { t, locale } = words;
  const now_ms = useTick();
  const { checkpoint, checkpoints } = pipeline;
  const drawing = useMemo(
    (): Drawing => ({
      title: t("pipeline.checkpoints.chart"),
      at_us: checkpoints.map((each) => each.at_us),
      lines: [{ label: t("chart.duration"), look: "area", values: checkpoints.map((each) => each.duration_ms) }],
    }),
    [checkpoints, t],
  );
  return (
    <section className="section" aria-labelledby="checkpoints-head" data-testid="checkpoints">
      <h2 id="checkpoints-head">{t("pipeline.checkpoints")}</h2>
      <p className="note">
        {checkpoint
          ? t("pipeline.checkpoint.last", {
              ago: ago(words, now_ms / 1000 - checkpoint.at_us / 1e6),
              ms: figure(locale, checkpoint.duration_ms),
              bytes: size(locale, checkpoint.state_bytes),
            })
          : t("pipeline.checkpoints.none")}
      </p>
      {checkpoints.length > 1 && <Chart drawing={drawing} height={140} testId="checkpoint-chart" />}
    </section>
  );
}
