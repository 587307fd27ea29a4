/* Every word of the page, in English and in Chinese.
 *
 * The page is written in one language; the charts get their words from the same table. Phrases are
 * texts that the engine writes in English into report.json (names of policies, reasons); one that
 * is not listed stays as it is.
 */
#ifndef KAIROS_REPORT_WORDS_H
#define KAIROS_REPORT_WORDS_H

#include <stddef.h>

enum word_lang { WORD_EN, WORD_ZH, WORD_LANGS };

struct word {
    const char *key;
    const char *text[WORD_LANGS];
};

extern const struct word WORDS[];
extern const size_t WORDS_COUNT;
extern const struct word PHRASES[]; /* key is the English text */
extern const size_t PHRASES_COUNT;

/* The text of a key; the key itself where there is none (an error that assertions catch). */
const char *word_find(enum word_lang lang, const char *key);
/* The engine's phrase in a language, or NULL where it is not listed. */
const char *word_phrase(enum word_lang lang, const char *text);

#endif
