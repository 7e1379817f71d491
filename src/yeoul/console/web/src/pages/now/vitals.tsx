/** How the stream runs, in one line of figures and the ledger. */
import type { Stream } from "../../live/shapes";
import { useWords } from "../../messages/language";
import { Facts, known } from "../../parts/facts";
import { rate, short } from "../../parts/figures";
import { LedgerBar } from "../../parts/ledger-bar";
import { Moment } from "../../parts/moment";
import { span } from "../../parts/times";

export function Vitals({ stream }: { stream: Stream }) {
  const words = useWords();
  const { t, locale } = words;
  return (
    <section className="section" aria-labelledby="vitals-head" data-testid="vitals">
      <h2 id="vitals-head">{t("now.stream.title")}</h2>
      <Facts
        facts={[
          { name: t("now.rate"), value: known(stream.rate_eps, (value) => rate(locale, value)) },
          { name: t("now.lag"), value: known(stream.lag_s, (value) => span(words, value)) },
          { name: t("now.watermark"), value: <Moment us={stream.watermark_us} seconds /> },
          { name: t("now.keys"), value: known(stream.keys, (value) => short(locale, value)) },
        ]}
      />
      <LedgerBar ledger={stream.ledger} />
    </section>
  );
}
