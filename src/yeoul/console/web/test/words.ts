/** English and Korean for tests, without a page around them. */
import { en } from "../src/messages/en";
import { ko } from "../src/messages/ko";
import { wordsIn } from "../src/messages/language";

export const english = wordsIn("en", en);
export const korean = wordsIn("ko", ko);
