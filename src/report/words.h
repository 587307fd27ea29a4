/* Every word of the page, in English and in Chinese.
 *
 * The page is written in one language; the charts get their words from the same table. Phrases are
 * texts that the engine writes in English into report.json (names of policies, reasons); one that
 * is not listed stays as it is. Templates are such texts with parts that change.
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
extern const struct word TEMPLATES[]; /* key is the English text with {0}, {1} ... in order */
extern const size_t TEMPLATES_COUNT;

/* The text of a key; the key itself where there is none (an error that assertions catch). */
const char *word_find(enum word_lang lang, const char *key);
/* The engine's phrase in a language, or NULL where it is not listed. */
const char *word_phrase(enum word_lang lang, const char *text);

enum { WORD_PARTS = 4 };

/* A text that the engine filled in, such as "3 rows of 'a.csv' were set aside as unreadable".
 * Gives: the template in the language, NULL where none fits; begin and size of its parts in `text`,
 * for {0} to {3}. */
const char *word_template(enum word_lang lang, const char *text, const char *ret_parts[WORD_PARTS],
                          size_t ret_sizes[WORD_PARTS]);

#endif
