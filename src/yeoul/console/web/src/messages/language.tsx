/** The chosen language and everything that depends on it: sentences, numbers, times. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { keep, kept } from "../shell/kept";
import { useQuery } from "../shell/route";
import { type Catalogue, type Language, LANGUAGES, type MessageKey } from "./catalogue";
import { fill, pieces, type Values } from "./format";

export type Words = {
  language: Language;
  locale: string;
  choose: (language: Language) => void;
  /** A sentence of the catalogue. */
  t: (key: MessageKey, values?: Values) => string;
  /** The same with the named values marked up. */
  rich: (key: MessageKey, values: Values, marks: Record<string, (text: string) => ReactNode>) => ReactNode;
  /** A sentence by a code that came from the server, or undefined if the catalogue has none. */
  coded: (prefix: string, code: string, values?: Values) => string | undefined;
};

const Context = createContext<Words | null>(null);

/** URL first (a link carries its language), then the last choice, then the server's setting, then the browser. */
export function startLanguage(asked: string | null, setting: string, browser: readonly string[]): Language {
  const wished = [asked, kept("language"), setting, ...browser.map((each) => each.slice(0, 2))];
  for (const each of wished) {
    const found = LANGUAGES.find((language) => language === each);
    if (found) return found;
  }
  return "en";
}

export function wordsIn(language: Language, catalogue: Catalogue, choose: Words["choose"] = () => {}): Words {
  const t: Words["t"] = (key, values) => fill(language, catalogue[key], values);
  return {
    language,
    locale: language === "ko" ? "ko-KR" : "en-GB",
    choose,
    t,
    rich: (key, values, marks) =>
      pieces(language, catalogue[key], values).map((piece, at) => {
        const mark = piece.name === undefined ? undefined : marks[piece.name];
        return <span key={at}>{mark ? mark(piece.text) : piece.text}</span>;
      }),
    coded: (prefix, code, values) => {
      const key = `${prefix}.${code}`;
      return Object.hasOwn(catalogue, key) ? t(key as MessageKey, values) : undefined;
    },
  };
}

const RELOAD_MS = 3000;

// Only the language that is shown is fetched.
const LOADERS: Record<Language, () => Promise<Catalogue>> = {
  en: () => import("./en").then((module) => module.en),
  ko: () => import("./ko").then((module) => module.ko),
};

export function LanguageProvider({ setting, children }: { setting: string; children: ReactNode }) {
  const [asked, ask] = useQuery("lang");
  const wished = startLanguage(asked, setting, navigator.languages);
  const [loaded, setLoaded] = useState<{ language: Language; catalogue: Catalogue } | null>(null);
  useEffect(() => {
    let wanted = true;
    const show = (catalogue: Catalogue) => {
      if (!wanted) return;
      setLoaded({ language: wished, catalogue });
      document.documentElement.lang = wished;
    };
    // After an update of the server the old file is gone: the new page has the new one.
    LOADERS[wished]().then(show, () => setTimeout(() => wanted && location.reload(), RELOAD_MS));
    return () => {
      wanted = false;
    };
  }, [wished]);
  const words = useMemo(() => {
    if (!loaded) return null;
    return wordsIn(loaded.language, loaded.catalogue, (language) => {
      keep("language", language);
      ask(language);
    });
  }, [loaded, ask]);
  return words && <Context value={words}>{children}</Context>;
}

export function WordsGiven({ words, children }: { words: Words; children: ReactNode }) {
  return <Context value={words}>{children}</Context>;
}

export function useWords(): Words {
  const words = useContext(Context);
  if (!words) throw new Error("useWords outside of LanguageProvider");
  return words;
}
