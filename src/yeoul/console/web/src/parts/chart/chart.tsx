/** The one chart of the console: a picture with its sentence, the values under the pointer, and the same as a table. */
import { lazy, Suspense, useId, useMemo, useRef, useState } from "react";
import { useWords } from "../../messages/language";
import { figure } from "../figures";
import { clock } from "../times";
import { ChartTable } from "./chart-table";
import type { Drawing } from "./drawing";
import { chartSentence } from "./sentence";
import "./chart.css";

const Picture = lazy(() => import("./picture"));

type Props = { drawing: Drawing; height?: number; updates?: number; testId: string };

export function Chart({ drawing, height = 220, updates, testId }: Props) {
  const words = useWords();
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const readout = useId();
  const sentence = useMemo(() => chartSentence(words, drawing), [words, drawing]);
  const drawn = useRef(0);
  const seen = useRef(drawing);
  if (seen.current !== drawing) {
    seen.current = drawing;
    drawn.current += 1;
  }
  const empty = drawing.at_us.length === 0;
  return (
    <figure className="chart" data-testid={testId} data-updated={updates ?? drawn.current}>
      <div className="chart__head">
        <figcaption>{drawing.title}</figcaption>
        <button
          type="button"
          className="button button--quiet"
          aria-pressed={asTable}
          data-testid={`${testId}-as-table`}
          onClick={() => setAsTable(!asTable)}
        >
          {words.t(asTable ? "chart.picture" : "chart.table")}
        </button>
      </div>
      {empty && <p className="note">{words.t("chart.empty")}</p>}
      {!empty && asTable && <ChartTable drawing={drawing} testId={`${testId}-table`} />}
      {!empty && !asTable && (
        <>
          <div role="img" aria-label={sentence} className="chart__picture" style={{ height }}>
            <Suspense fallback={null}>
              <Picture drawing={drawing} height={height} onPoint={setAt} />
            </Suspense>
          </div>
          <p className="chart__readout" id={readout} aria-hidden="true">
            <Readout drawing={drawing} at={at} />
          </p>
        </>
      )}
    </figure>
  );
}

/** The values under the pointer; the newest ones while it is elsewhere. */
function Readout({ drawing, at }: { drawing: Drawing; at: number | null }) {
  const { locale } = useWords();
  const place = at ?? drawing.at_us.length - 1;
  const time = drawing.at_us[place];
  if (time === undefined) return null;
  const show = (value: number | null | undefined) => (value === null || value === undefined ? "–" : figure(locale, value));
  return (
    <>
      <span>{clock(locale, time, true)}</span>
      {drawing.lines.map((line) => (
        <span key={line.label} className={`chart__key chart__key--${line.look}`}>
          {line.label} <b>{show(line.values[place])}</b>
        </span>
      ))}
      {drawing.band && (
        <span className="chart__key chart__key--band">
          {drawing.band.label} <b>{`${show(drawing.band.lower[place])} – ${show(drawing.band.upper[place])}`}</b>
        </span>
      )}
    </>
  );
}
