/** What is written and not read yet: messages of a topic, bytes of files. */
import type { Maybe } from "../../live/shapes";
import type { Words } from "../../messages/language";
import { known } from "../../parts/facts";
import { size, whole } from "../../parts/figures";

type Backlog = { backlog_bytes?: Maybe<number>; backlog_messages?: Maybe<number> };

export function backlog({ t, locale }: Pick<Words, "t" | "locale">, of: Backlog) {
  if (of.backlog_messages == null) return known(of.backlog_bytes, (value) => size(locale, value));
  return t("pipeline.messages", { messages: whole(locale, of.backlog_messages) });
}
