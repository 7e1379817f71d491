/** Rows that change places glide there, unless motion is not wanted. */
import { type RefObject, useLayoutEffect, useRef } from "react";

export function useGlide(list: RefObject<HTMLElement | null>, order: unknown): void {
  const tops = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const now = new Map<string, number>();
    for (const row of list.current?.children ?? []) {
      if (!(row instanceof HTMLElement)) continue;
      const key = row.dataset["key"] ?? "";
      const before = tops.current.get(key);
      now.set(key, row.offsetTop);
      if (still || before === undefined || before === row.offsetTop) continue;
      row.animate([{ transform: `translateY(${before - row.offsetTop}px)` }, { transform: "none" }], {
        duration: 420,
        easing: "cubic-bezier(0.2, 0, 0, 1)",
      });
    }
    tops.current = now;
  }, [list, order]);
}
