/** A stream's figures in one row. */
import type { StreamPipeline } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Facts, known } from "../../parts/facts";
import { rate, short, size, whole } from "../../parts/figures";
import { Moment } from "../../parts/moment";
import { span } from "../../parts/times";
import { backlog } from "./backlog";

export function StreamFacts({ stream }: { stream: StreamPipeline }) {
  const words = useWords();
  const { t, locale } = words;
  return (
    <Facts
      facts={[
        { name: t("pipeline.rate"), value: known(stream.rate_eps, (value) => rate(locale, value)) },
        { name: t("pipeline.bytes"), value: known(stream.bytes_per_s, (value) => size(locale, value)) },
        { name: t("pipeline.lag"), value: known(stream.lag_s, (value) => span(words, value)) },
        { name: t("pipeline.watermark"), value: <Moment us={stream.watermark_us} seconds /> },
        { name: t("pipeline.backlog"), value: backlog(words, stream) },
        { name: t("pipeline.windows"), value: known(stream.open_windows, (value) => whole(locale, value)) },
        { name: t("now.keys"), value: known(stream.keys, (value) => short(locale, value)) },
        { name: t("pipeline.log"), value: known(stream.log_seq, (value) => whole(locale, value)) },
      ]}
    />
  );
}
