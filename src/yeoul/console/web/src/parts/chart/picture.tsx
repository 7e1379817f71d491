/** The drawn chart, by uPlot; loaded when the first chart is shown. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useWords } from "../../messages/language";
import { THEME_CHANGED } from "../../shell/theme";
import { short } from "../figures";
import type { Drawing } from "./drawing";
import { inks, type Inks } from "./inks";
import { markOutside, shadeSpans } from "./marks";

type Props = { drawing: Drawing; height: number; onPoint: (at: number | null) => void };

function columns(drawing: Drawing): uPlot.AlignedData {
  const band = drawing.band ? [drawing.band.lower, drawing.band.upper] : [];
  return [drawing.at_us.map((at) => at / 1e6), ...band, ...drawing.lines.map((line) => line.values)];
}

function series(drawing: Drawing, ink: Inks): uPlot.Series[] {
  const lines = drawing.lines.map((line): uPlot.Series => {
    const dashed = line.look === "dashed";
    const drawn: uPlot.Series = { stroke: dashed ? ink.quiet : ink.line, width: dashed ? 1.25 : 1.75, points: { show: false } };
    if (dashed) drawn.dash = [4, 4];
    if (line.look === "area") drawn.fill = ink.fill;
    return drawn;
  });
  const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
  // The band comes first: what comes later is drawn over it.
  return [{}, ...(drawing.band ? [edge, edge] : []), ...lines];
}

function axes(ink: Inks, locale: string): uPlot.Axis[] {
  const shared: uPlot.Axis = {
    stroke: ink.quiet,
    font: ink.font,
    grid: { stroke: ink.grid, width: 1 },
    ticks: { show: false },
  };
  const minutes: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const coarse = new Intl.DateTimeFormat(locale, minutes);
  const fine = new Intl.DateTimeFormat(locale, { ...minutes, second: "2-digit" });
  return [
    {
      ...shared,
      grid: { show: false },
      size: 26,
      gap: 4,
      space: 72,
      values: (_, at, _axis, _space, step) => at.map((each) => (step < 60 ? fine : coarse).format(each * 1000)),
    },
    { ...shared, size: 46, gap: 6, space: 36, values: (_, all) => all.map((each) => short(locale, each)) },
  ];
}

export default function Picture({ drawing, height, onPoint }: Props) {
  const { locale } = useWords();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(drawing);
  latest.current = drawing;
  const shape = `${drawing.lines.map((line) => line.look).join()}|${drawing.band ? "band" : ""}|${height}|${locale}`;

  useEffect(() => {
    const box = host.current;
    if (!box) return;
    const build = () => {
      plot.current?.destroy();
      const ink = inks(box);
      const now = latest.current;
      plot.current = new uPlot(
        {
          width: box.clientWidth,
          height,
          legend: { show: false },
          padding: [8, 18, 0, 0],
          scales: { y: { range: (_, low, high) => [Math.min(0, low), high <= 0 ? 1 : high * 1.06] } },
          series: series(now, ink),
          bands: now.band ? [{ series: [2, 1], fill: ink.band }] : [],
          axes: axes(ink, locale),
          cursor: { y: false, points: { size: 7, fill: ink.line }, drag: { x: false, y: false, setScale: false } },
          hooks: {
            drawClear: [(u) => shadeSpans(u, latest.current, ink)],
            draw: [(u) => markOutside(u, latest.current, ink)],
            setCursor: [(u) => onPoint(u.cursor.idx ?? null)],
          },
        },
        columns(now),
        box,
      );
    };
    build();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height }));
    resized.observe(box);
    const night = matchMedia("(prefers-color-scheme: dark)");
    night.addEventListener("change", build);
    addEventListener(THEME_CHANGED, build);
    return () => {
      resized.disconnect();
      night.removeEventListener("change", build);
      removeEventListener(THEME_CHANGED, build);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, height, locale, onPoint]);

  useEffect(() => plot.current?.setData(columns(drawing)), [drawing]);
  return <div ref={host} />;
}
