/** The title of the browser tab says how many incidents are open. */
import { useEffect } from "react";
import { useTopic } from "../live/hooks";
import type { Now } from "../live/shapes";
import { useWords } from "../messages/language";
import type { Section } from "./pages";

export function PageTitle({ section }: { section: Section | null }) {
  const { t } = useWords();
  const open = useTopic<Now>("now").data?.incidents_open ?? 0;
  const name = section ? `${t(`nav.${section}`)} – Yeoul` : "Yeoul";
  useEffect(() => {
    document.title = open > 0 ? `(${open}) ${name}` : name;
  }, [open, name]);
  return null;
}
