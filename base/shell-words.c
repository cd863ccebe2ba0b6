#include "shell-words.h"

#include <string.h>

#include "strbuf.h"
#include "vec.h"

#define BLANKS " \t\r\n"

static int
no_end (struct err **err, const char *of)
{
  return err_set (err, ERR_INPUT, "%s without its end", of);
}

/* Behind an opening quote; moves *p behind the closing one. */
static int
take_quoted (const char **p, char quote, struct strbuf *word, struct err **err)
{
  for (; **p && **p != quote; (*p)++) {
    /* Within "" a backslash is one unless before these. */
    if (quote == '"' && **p == '\\' && (*p)[1] && strchr ("\"\\$`\n", (*p)[1]))
      (*p)++;
    strbuf_addch (word, **p);
  }
  if (**p == '\0')
    return no_end (err, "a quote");
  (*p)++;
  return 0;
}

static int
take_word (const char **p, struct strbuf *word, struct err **err)
{
  strbuf_addstr (word, ""); /* '' is a word too */
  while (**p && !strchr (BLANKS, **p)) {
    char c = *(*p)++;

    if (c == '\'' || c == '"') {
      if (take_quoted (p, c, word, err) == -1)
        return -1;
      continue;
    }
    if (c == '\\') {
      if (**p == '\0')
        return no_end (err, "a backslash");
      c = *(*p)++;
    }
    strbuf_addch (word, c);
  }
  return 0;
}

char **
shell_words (const char *line, struct err **err)
{
  struct str_vec words = VEC_EMPTY;

  for (;;) {
    CLEANUP_STRBUF struct strbuf word = STRBUF_EMPTY;

    line += strspn (line, BLANKS);
    if (*line == '\0')
      return str_vec_take (&words);
    if (take_word (&line, &word, err) == -1) {
      str_vec_free_all (&words);
      return NULL;
    }
    str_vec_push (&words, strbuf_take (&word));
  }
}
